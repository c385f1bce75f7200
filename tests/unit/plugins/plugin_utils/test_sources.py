# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where on the control node sources are looked for."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.barehost.web.plugins.plugin_utils._sources import COLLECTION, find_folder, search_folders


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
