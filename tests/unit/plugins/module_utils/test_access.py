# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access lists, on the file system that the tests run on."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _access
from ansible_collections.barehost.web.plugins.module_utils._access import ENTER, READ, is_inherited, let, rights, take

FIRST, SECOND = 30033, 30034


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    made.chmod(0o750)
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_one_more_user_changes_nothing_for_the_others(folder: Path) -> None:
    assert (rights(folder, FIRST), is_inherited(folder, FIRST)) == (None, False)
    let(folder, FIRST, ENTER)
    assert (rights(folder, FIRST), rights(folder, SECOND), is_inherited(folder, FIRST)) == (ENTER, None, False)
    assert mode(folder) == 0o750
    let(folder, SECOND, READ | ENTER)
    assert (rights(folder, FIRST), rights(folder, SECOND)) == (ENTER, READ | ENTER)
    folder.chmod(0o750)
    assert rights(folder, FIRST) == ENTER, "a mode that is set again takes nothing away"


def test_what_was_given_is_taken_without_a_trace(folder: Path) -> None:
    let(folder, FIRST, READ | ENTER, inherited=True)
    let(folder, SECOND, ENTER)
    take(folder, FIRST)
    assert (rights(folder, FIRST), is_inherited(folder, FIRST), rights(folder, SECOND)) == (None, False, ENTER)
    take(folder, SECOND)
    take(folder, SECOND)
    assert os.listxattr(folder) == []
    assert mode(folder) == 0o750


@pytest.mark.parametrize(("given", "may"), [(0o666, READ), (0o640, READ), (0o600, 0)])
def test_what_comes_to_be_in_the_folder_is_for_the_user_as_well(folder: Path, given: int, may: int) -> None:
    let(folder, FIRST, READ | ENTER, inherited=True)
    mask = os.umask(0o077)
    try:
        handle = os.open(folder / "file", os.O_WRONLY | os.O_CREAT, given)
        os.close(handle)
        (folder / "below").mkdir()
    finally:
        os.umask(mask)
    # The bits of the group are what the most that anybody in the list may.
    assert rights(folder / "file", FIRST) is not None
    assert mode(folder / "file") >> 3 & 7 & READ == may
    assert mode(folder / "file") & 7 == 0, "others get nothing"
    assert is_inherited(folder / "below", FIRST)


def test_a_list_for_later_begins_with_what_the_folder_says(folder: Path) -> None:
    folder.chmod(0o700)
    let(folder, FIRST, READ | ENTER, inherited=True)
    (folder / "file").touch()
    entries = _access._read(folder / "file", "system.posix_acl_access")
    assert entries[4, 0xFFFFFFFF] == 0, "the group could not read the folder, and cannot read what is in it"


def test_a_link_is_not_followed(folder: Path) -> None:
    (folder / "link").symlink_to(folder)
    with pytest.raises(OSError, match="link"):
        let(folder / "link", FIRST, READ)
    assert rights(folder, FIRST) is None
