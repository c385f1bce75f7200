# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What code says of itself, and which version came before which."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._wordpress_read import Version, complaint, version_of

CORE = {
    "wp-includes/version.php": "<?php\n$wp_version = '6.8.7';\n$wp_db_version = 60421;\n",
    "wp-load.php": "",
    "wp-settings.php": "",
    "wp-admin/includes/upgrade.php": "",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("one", "other", "older"),
    [
        ("6.1.9", "6.8.7", True),
        ("6.8.7", "6.1.9", False),
        ("6.8.7", "6.8.7", False),
        ("6.9", "6.10", True),
        ("6.8", "6.8.1", True),
        ("6.8", "6.8.0", False),
        ("6.8.0", "6.8", False),
        ("6.9-beta2", "6.9", True),
        ("6.9-RC1", "6.9-beta2", False),
        ("6.9", "6.9-RC1-12345", False),
        ("6.8.7+dfsg1-0+deb13u1", "6.8.7", False),
        ("6.8.7", "6.8.7+dfsg1-0+deb13u1", False),
        ("1:6.1.9+dfsg1-0+deb12u1", "6.8.7", True),
        ("10.0", "9.9", False),
    ],
)
def test_versions_have_an_order(one: str, other: str, *, older: bool) -> None:
    assert Version(one).is_older(Version(other)) is older


def test_version_of_a_wordpress_is_read(tmp_path: Path) -> None:
    assert version_of(tmp_path) is None
    assert version_of(write(tmp_path, CORE)) == Version("6.8.7", 60421)


@pytest.mark.parametrize(
    ("kind", "files", "expected"),
    [
        ("wordpress", CORE, ""),
        ("wordpress", {"index.php": ""}, "is no WordPress: it has no wp-includes/version.php"),
        (
            "wordpress",
            {**CORE, "wp-includes/version.php": "<?php"},
            "is no WordPress: it has no wp-includes/version.php",
        ),
        (
            "wordpress",
            {name: text for name, text in CORE.items() if "load" not in name},
            "is no WordPress: it has no wp-load.php",
        ),
        ("plugin", {"a.php": "<?php\n/*\n * Plugin Name: Rain\n */"}, ""),
        ("plugin", {"a.php": "<?php // Plugin Name: Rain"}, ""),
        ("plugin", {"a.php": "<?php\n/*\n * Plugin Name:\n */"}, "is no plugin"),
        ("plugin", {"sub/a.php": "<?php\n/* Plugin Name: Rain */"}, "is no plugin"),
        ("plugin", {"style.css": "/* Theme Name: Rain */"}, "is no plugin"),
        ("plugin", {"a.php": "<?php\n" + " " * 9000 + "\n/* Plugin Name: Rain */"}, "is no plugin"),
        ("theme", {"style.css": "/*\r\nTheme Name: Rain\r\n*/"}, ""),
        ("theme", {"style.css": "body {}"}, "is no theme"),
        ("theme", {"index.php": ""}, "is no theme"),
    ],
)
def test_code_that_is_something_else_is_told(tmp_path: Path, kind: str, files: dict[str, str], expected: str) -> None:
    said = complaint(kind, write(tmp_path, files))
    assert said.startswith(expected)
    assert bool(said) is bool(expected)
