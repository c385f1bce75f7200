# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which installations are backed up or restored, and from which file. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, hint, show

LATEST, ALL = "latest", "all"
_ARCHIVE = re.compile(r"\d{8}T\d{6}Z(?:-scheduled)?\.tar\.gz")
_FILE = re.compile(r"[A-Za-z0-9._-]+\.tar\.gz")


def chosen(wanted: Sequence[str] | str, installations: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[Fault]]:
    """Give the names that are meant, and what is wrong with the others.

    :param wanted: names, or one text of names with commas between them, or ``all``.
    :param installations: the entries of the model.
    """
    known = [str(entry["name"]) for entry in installations if entry.get("state", "present") == "present"]
    words = wanted.split(",") if isinstance(wanted, str) else list(wanted)
    names = list(dict.fromkeys(word.strip() for word in words if word.strip()))
    if names == [ALL] and ALL not in known:
        names = known
    if not names:
        return [], [Fault("names no WordPress", f"write a name or {ALL!r}; {hint('', known)}")]
    faults = [
        Fault(f"no WordPress {show(name)} in web_wordpress", hint(name, known)) for name in names if name not in known
    ]
    return names, faults


def archive_of(archive: str, name: str, host: str) -> tuple[str, Path | None, Fault | None]:
    """Say which archive an installation is restored from: what the host is told, or a file here that it is sent.

    :param archive: ``latest``, a file or a folder on the control node, a file on the host, or the name of one there.
    """
    if archive == LATEST:
        return LATEST, None, None
    path = Path(archive).expanduser()
    if path.is_file():
        return "", path.absolute(), None
    if path.is_dir():
        return _newest(path, name, host)
    if path.is_absolute() or _FILE.fullmatch(archive):
        return archive, None, None
    way_out = "write the path of a file or folder here, that of a file on the host from its root, or 'latest'"
    return "", None, Fault(f"no file or folder {show(archive)} on the control node", way_out)


def _newest(folder: Path, name: str, host: str) -> tuple[str, Path | None, Fault | None]:
    """Find the newest archive in what a backup has fetched."""
    for place in (folder / host / name, folder / name):
        found = sorted(path for path in place.glob("*.tar.gz") if _ARCHIVE.fullmatch(path.name))
        if found:
            return "", found[-1].absolute(), None
    reason = f"folder {show(str(folder))} has no archive of {show(name)}"
    return "", None, Fault(reason, f"there should be one in {host}/{name} inside of it")
