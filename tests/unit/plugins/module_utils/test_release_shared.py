# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Data that releases share, in a folder that plays /var/lib."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _release_shared
from ansible_collections.barehost.web.plugins.module_utils._access import is_inherited, rights
from ansible_collections.barehost.web.plugins.module_utils._release_seal import Ownership, seal
from ansible_collections.barehost.web.plugins.module_utils._release_shared import Shared, SharedData
from ansible_collections.barehost.web.plugins.module_utils._release_user import Account, WorkError

WEB = 30033
WHO = Account("shop", os.getuid(), os.getgid())
MEDIA, CACHE = Shared("public/media", public=True), Shared("cache/pages")
DATABASE = Shared("instance/site.db", is_file=True)


def at_once(_who: Account, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return work()


@pytest.fixture(autouse=True)
def _ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the user of the tests be the app's, and somebody who is not there the web server's."""
    monkeypatch.setattr(_release_shared, "as_user", at_once)
    monkeypatch.setattr(_release_shared, "_web_server", lambda: WEB)


def data(state: Path, *shared: Shared) -> SharedData:
    return SharedData("shop", WHO, shared, state)


def test_folders_are_made_and_only_the_public_one_is_open(tmp_path: Path) -> None:
    mine = data(tmp_path, MEDIA, CACHE, DATABASE, Shared("video"))
    assert not mine.is_whole()
    mine.make()
    assert mine.is_whole()
    top = tmp_path / "shop/shared"
    found = {str(path.relative_to(tmp_path)): rights(path, WEB) for path in sorted(tmp_path.rglob("*"))}
    assert found == {
        "shop": 1,
        "shop/shared": 1,
        "shop/shared/cache": None,
        "shop/shared/cache/pages": None,
        "shop/shared/instance": None,
        "shop/shared/public": 1,
        "shop/shared/public/media": 5,
        "shop/shared/video": None,
    }
    assert [path for path in sorted(tmp_path.rglob("*")) if is_inherited(path, WEB)] == [top / "public/media"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")} == {0o750}


def test_nothing_is_made_where_nothing_is_shared(tmp_path: Path) -> None:
    assert data(tmp_path).is_whole()
    data(tmp_path).make()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("gone", ["public/media", "cache", "."])
def test_what_has_gone_is_made_again(tmp_path: Path, gone: str) -> None:
    mine = data(tmp_path, MEDIA, CACHE)
    mine.make()
    (tmp_path / "shop/shared" / gone).rename(tmp_path / "gone")
    assert not mine.is_whole()
    mine.make()
    assert mine.is_whole()


def test_a_folder_is_opened_with_all_that_is_for_its_group_and_closed_again(tmp_path: Path) -> None:
    private, public = Shared("media"), Shared("media", public=True)
    data(tmp_path, private).make()
    media = tmp_path / "shop/shared/media"
    (media / "deep").mkdir(mode=0o750)
    (media / "hidden").mkdir(mode=0o700)
    (media / "link").symlink_to("/etc/passwd")
    for name, mode in (("deep/read", 0o640), ("secret", 0o600), ("hidden/read", 0o640)):
        (media / name).touch()
        (media / name).chmod(mode)
    assert not data(tmp_path, public).is_whole()
    data(tmp_path, public).make()
    found = {
        str(path.relative_to(media)): rights(path, WEB) for path in sorted(media.rglob("*")) if path.name != "link"
    }
    assert found == {"deep": 5, "deep/read": 4, "hidden": None, "hidden/read": None, "secret": None}
    assert not data(tmp_path, private).is_whole()
    data(tmp_path, private).make()
    assert [rights(path, WEB) for path in (tmp_path / "shop", tmp_path / "shop/shared", media)] == [None, None, None]
    assert not is_inherited(media, WEB)


def test_a_list_for_later_that_has_gone_is_made_again(tmp_path: Path) -> None:
    mine = data(tmp_path, MEDIA)
    mine.make()
    os.removexattr(tmp_path / "shop/shared/public/media", "system.posix_acl_default")
    assert not mine.is_whole()
    mine.make()
    assert is_inherited(tmp_path / "shop/shared/public/media", WEB)


def test_something_else_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    mine = data(tmp_path, MEDIA)
    (tmp_path / "shop/shared").mkdir(parents=True)
    (tmp_path / "shop/shared/public").symlink_to(elsewhere)
    assert not mine.is_whole()
    with pytest.raises(WorkError, match="shared/public is to be a folder of shared data, and is something else"):
        mine.make()
    assert (list(elsewhere.iterdir()), rights(elsewhere, WEB)) == ([], None)


def test_a_release_has_links(tmp_path: Path) -> None:
    code = tmp_path / "code"
    (code / "public/media").mkdir(parents=True)
    (code / "public/media/.gitkeep").touch()
    data(tmp_path, MEDIA, DATABASE).link(code)
    top = tmp_path / "shop/shared"
    assert (code / "public/media").readlink() == top / "public/media"
    assert (code / "instance/site.db").readlink() == top / "instance/site.db"


@pytest.mark.parametrize(
    ("files", "shared", "message"),
    [
        (
            ["media/a.png", "media/.gitkeep"],
            Shared("media"),
            "'media' is in 'shared', and the code has it itself: a folder with 'a.png'.",
        ),
        (["media/a", "media/b", "media/c"], Shared("media"), "a folder with 'a' and 2 more."),
        (["media"], Shared("media"), "the code has it itself: a file."),
        (["site.db"], Shared("site.db", is_file=True), "the code has it itself: a file."),
        (["site.db/.keep"], Shared("site.db", is_file=True), "the code has it itself: a folder."),
        (["public"], MEDIA, "'public/media' is in 'shared', and the code has it itself: 'public' is no folder there."),
    ],
)
def test_what_the_code_has_itself_is_not_hidden(tmp_path: Path, files: list[str], shared: Shared, message: str) -> None:
    code = tmp_path / "code"
    for name in files:
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_text("x")
    with pytest.raises(WorkError) as caught:
        data(tmp_path, shared).link(code)
    assert message in str(caught.value)
    assert "Take it out of the source, or out of 'shared'." in str(caught.value)
    assert all((code / name).is_file() for name in files)


def test_a_link_in_the_code_leads_nowhere_else(tmp_path: Path) -> None:
    code, elsewhere = tmp_path / "code", tmp_path / "elsewhere"
    code.mkdir()
    elsewhere.mkdir()
    (code / "public").symlink_to(elsewhere)
    with pytest.raises(WorkError, match="'public' is no folder there"):
        data(tmp_path, MEDIA).link(code)
    (code / "media").symlink_to(elsewhere)
    with pytest.raises(WorkError, match="itself: a link"):
        data(tmp_path, Shared("media")).link(code)
    assert list(elsewhere.iterdir()) == []


def test_empty_folders_leave_with_the_app_and_data_stays(tmp_path: Path) -> None:
    mine = data(tmp_path, MEDIA, CACHE)
    mine.make()
    (tmp_path / "shop/shared/cache/pages/one").write_text("data")
    mine.clear()
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == [
        "shop",
        "shop/shared",
        "shop/shared/cache",
        "shop/shared/cache/pages",
        "shop/shared/cache/pages/one",
    ]
    (tmp_path / "shop/shared/cache/pages/one").unlink()
    mine.clear()
    assert list((tmp_path / "shop").iterdir()) == []


@pytest.mark.parametrize("who", [None, Account("shop", os.getuid() + 1, os.getgid())])
def test_folders_of_somebody_else_are_left_alone(tmp_path: Path, who: Account | None) -> None:
    (tmp_path / "shop/shared/media").mkdir(parents=True)
    SharedData("shop", who, (), tmp_path).clear()
    assert (tmp_path / "shop/shared/media").is_dir()


def test_links_that_lead_elsewhere_are_not_followed_when_folders_are_removed(tmp_path: Path) -> None:
    (tmp_path / "other/empty").mkdir(parents=True)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/shared").symlink_to(tmp_path / "other")
    data(tmp_path).clear()
    assert (tmp_path / "other/empty").is_dir()


def test_others_can_come_to_a_public_link_and_it_is_the_apps_own(tmp_path: Path) -> None:
    code = tmp_path / "code"
    (code / "src").mkdir(parents=True)
    (code / "src/app.py").touch()
    (code / "public").mkdir()
    (code / "other").symlink_to("src")
    data(tmp_path, MEDIA).link(code)
    ownership = Ownership(
        os.getgid(),
        0o750,
        0o640,
        uid=os.getuid(),
        through=("public/media",),
        links=("public/media",),
        holder=os.getuid(),
    )
    seal(code, ownership, {})
    assert {name: stat.S_IMODE((code / name).stat().st_mode) for name in (".", "src", "public")} == {
        ".": 0o751,
        "src": 0o750,
        "public": 0o751,
    }
    assert (code / "public/media").is_symlink()


def test_the_link_is_given_to_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, given = tmp_path / "code", {}
    (code / "public").mkdir(parents=True)
    for name in ("media", "public/media", "public/other"):
        (code / name).symlink_to("/nowhere")

    def chown(name: str, uid: int, gid: int, *, dir_fd: int, follow_symlinks: bool) -> None:
        place = Path(f"/proc/self/fd/{dir_fd}").resolve() / name
        given[str(place.relative_to(code.resolve()))] = (uid, gid, follow_symlinks)

    # Only root gives files away.
    monkeypatch.setattr(os, "chown", chown)
    ours, group = os.getuid(), os.getgid()
    seal(code, Ownership(group, 0o750, 0o640, uid=ours, links=("public/media",), holder=ours + 1), {})
    assert given == {
        "media": (ours, group, False),
        "public/media": (ours + 1, group, False),
        "public/other": (ours, group, False),
    }
