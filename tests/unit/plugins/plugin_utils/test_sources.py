# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where on the control node sources are looked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._sources import (
    COLLECTION,
    file_fault,
    find_folder,
    folder_fault,
    search_folders,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault


def test_the_playbook_comes_first_and_the_collection_last(tmp_path: Path) -> None:
    config = str(tmp_path / "project" / "ansible.cfg")
    assert search_folders(str(tmp_path), config) == [tmp_path, tmp_path / "project", COLLECTION]
    assert search_folders(None, None) == [COLLECTION]


def test_the_first_folder_that_has_it_wins(tmp_path: Path) -> None:
    for place in ("one/code", "two/code", "two/other"):
        (tmp_path / place).mkdir(parents=True)
    folders = [tmp_path / "one", tmp_path / "two"]
    assert find_folder("code", folders) == tmp_path / "one/code"
    assert find_folder("./other/", folders) == tmp_path / "two/other"
    assert find_folder(str(tmp_path / "two"), folders) == tmp_path / "two"
    assert find_folder("missing", folders) is None


def test_the_collection_is_this_one() -> None:
    assert (COLLECTION / "galaxy.yml").is_file()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x" * 100_000, "is too long for a path"),
        ("x/" * 2100, "is too long for a path"),
        ("a\0b", "has a character that no path has"),
        ("a\ud800", "has a character that no path has"),
        ("~no-such-user-of-ours/page.html", "begins in the home of a user that there is not"),
    ],
)
@pytest.mark.parametrize("check", [file_fault, folder_fault])
def test_what_nobody_can_look_for_is_a_mistake_like_others(
    tmp_path: Path, check: Callable[[str, list[Path]], Fault | None], text: str, reason: str
) -> None:
    for folders in ([tmp_path], []):
        fault = check(text, folders)
        assert fault is not None
        assert reason in fault.reason
        assert len(fault.reason) < 130
