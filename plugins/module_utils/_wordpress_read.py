# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the files of a WordPress, a plugin or a theme say of themselves. Private to the collection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

#: What WordPress itself reads of a file to find its header.
_HEADER = 8192
_VERSION = re.compile(r"^\s*\$wp_version\s*=\s*['\"]([^'\"]+)['\"]", re.MULTILINE)
_TABLES = re.compile(r"^\s*\$wp_db_version\s*=\s*(\d+)", re.MULTILINE)
_NUMBERS = re.compile(r"(?:\d+:)?(\d+(?:\.\d+)*)(?:[-~]?((?:alpha|beta|rc)[\w.-]*))?", re.IGNORECASE)
_PARTS = ("wp-load.php", "wp-settings.php", "wp-admin/includes/upgrade.php")


@dataclass(frozen=True)
class Version:
    """The version of a WordPress, and that of the tables it works with; 0 where that is not known."""

    text: str
    tables: int = 0

    def is_older(self, other: Version) -> bool:
        """Tell whether this one came before the other."""
        return _order(self.text) < _order(other.text)


def _order(text: str) -> tuple[tuple[int, ...], bool, str]:
    """Give what versions are sorted by. What Debian adds says nothing here; a beta comes before its version."""
    found = _NUMBERS.match(text)
    if found is None:
        return (), False, text
    numbers = [int(number) for number in found[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers), not found[2], (found[2] or "").lower()


def version_of(code: Path) -> Version | None:
    """Read the version of the WordPress in a folder; nothing if there is none."""
    try:
        text = (code / "wp-includes/version.php").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    version, tables = _VERSION.search(text), _TABLES.search(text)
    return Version(version[1], int(tables[1])) if version and tables else None


def complaint(kind: str, folder: Path) -> str:
    """Say why a folder is no WordPress, plugin or theme; empty if it is one."""
    if kind == "wordpress":
        missing = [part for part in _PARTS if not (folder / part).is_file()]
        if version_of(folder) is None:
            missing.insert(0, "wp-includes/version.php with a version")
        return f"is no WordPress: it has no {missing[0]}" if missing else ""
    if kind == "plugin":
        files = [path for path in sorted(folder.glob("*.php")) if path.is_file()]
        named = any(_has_header(path, "Plugin Name") for path in files)
        return "" if named else "is no plugin: no .php file at its top has a line 'Plugin Name:'"
    style = folder / "style.css"
    if style.is_file() and _has_header(style, "Theme Name"):
        return ""
    return "is no theme: it has no style.css with a line 'Theme Name:'"


def _has_header(path: Path, name: str) -> bool:
    with path.open("rb") as file:
        text = file.read(_HEADER).decode(errors="replace").replace("\r", "\n")
    return re.search(rf"^(?:[ \t]*<\?php)?[ \t/*#@]*{name}:[ \t]*\S", text, re.MULTILINE | re.IGNORECASE) is not None
