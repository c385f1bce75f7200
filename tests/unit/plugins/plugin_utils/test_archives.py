# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which installations and which archives somebody means."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._archives import archive_of, chosen

ENTRIES = [{"name": "blog"}, {"name": "shop", "state": "present"}, {"name": "old", "state": "absent"}]
ARCHIVE = "20261120T020000Z.tar.gz"


@pytest.mark.parametrize(
    ("wanted", "names"),
    [("all", ["blog", "shop"]), ("blog", ["blog"]), ("shop, blog,shop", ["shop", "blog"]), (["shop"], ["shop"])],
)
def test_names_are_those_that_are_meant(wanted: str | list[str], names: list[str]) -> None:
    assert chosen(wanted, ENTRIES) == (names, [])


@pytest.mark.parametrize(
    ("wanted", "mistake"),
    [
        ("blgo", "wordpress: no WordPress 'blgo' in web_wordpress; did you mean 'blog'?"),
        ("old", "wordpress: no WordPress 'old' in web_wordpress; there is 'blog', 'shop'"),
        ("", "wordpress: names no WordPress; write a name or 'all'; there is 'blog', 'shop'"),
    ],
)
def test_name_that_nothing_has_is_refused(wanted: str, mistake: str) -> None:
    _names, faults = chosen(wanted, ENTRIES)
    assert [str(fault.at("wordpress")) for fault in faults] == [mistake]


def test_all_of_nothing_is_a_mistake() -> None:
    assert chosen("all", [])[1]


def test_installation_may_be_called_all() -> None:
    assert chosen("all", [{"name": "all"}, {"name": "blog"}]) == (["all"], [])


@pytest.mark.parametrize("archive", ["latest", ARCHIVE, f"/var/backups/elsewhere/{ARCHIVE}"])
def test_archive_may_be_on_the_host(archive: str) -> None:
    assert archive_of(archive, "blog", "web") == (archive, None, None)


def test_archive_may_be_a_file_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ARCHIVE).touch()
    monkeypatch.chdir(tmp_path)
    assert archive_of(f"./{ARCHIVE}", "blog", "web") == ("", tmp_path / ARCHIVE, None)
    assert archive_of(str(tmp_path / ARCHIVE), "blog", "web") == ("", tmp_path / ARCHIVE, None)


@pytest.mark.parametrize("place", ["web/blog", "blog"])
def test_newest_of_a_folder_is_taken(tmp_path: Path, place: str) -> None:
    folder = tmp_path / place
    folder.mkdir(parents=True)
    for name in (
        "20261119T020000Z.tar.gz",
        "20261120T020000Z-scheduled.tar.gz",
        "20261121T020000Z-before-restore.tar.gz",
    ):
        (folder / name).touch()
    (folder / "zzz.tar.gz").touch()
    assert archive_of(str(tmp_path), "blog", "web")[1] == folder / "20261120T020000Z-scheduled.tar.gz"


def test_folder_without_an_archive_is_refused(tmp_path: Path) -> None:
    _archive, file, fault = archive_of(str(tmp_path), "blog", "web")
    assert file is None
    assert fault
    assert "has no archive of 'blog'" in fault.reason
    assert "web/blog" in fault.way_out


def test_archive_that_is_nowhere_is_refused() -> None:
    _archive, file, fault = archive_of("backups/nothing.tar.gz", "blog", "web")
    assert file is None
    assert fault
    assert fault.reason == "no file or folder 'backups/nothing.tar.gz' on the control node"
