# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Releases of one app in a folder that plays /srv."""

from __future__ import annotations

import os
import re
import socket
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._release_manifest import Entry
from ansible_collections.barehost.web.plugins.module_utils._release_seal import Ownership, seal
from ansible_collections.barehost.web.plugins.module_utils._release_store import Record, Store, choose_removed
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError

OWN = Ownership(os.getgid(), 0o750, 0o640, uid=os.getuid())
ENTRY = Entry("app.py", "file", executable=False, content="0" * 64)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store("util", tmp_path)


def put(store: Store, text: str = "one") -> str:
    """Release a folder with one file."""
    store.prepare(OWN)
    code = store.staging / "source"
    code.mkdir(parents=True)
    (code / "app.py").write_text(text)
    values = [[ENTRY.path, ENTRY.kind, ENTRY.executable, ENTRY.content]]
    record = Record(store.new_id("ab" * 32), "util", "ab" * 32, "path x", "v", "2026-01-02T03:04:05Z", values)
    store.put(code, record, OWN)
    store.clear_staging()
    return record.id


def test_a_release_becomes_live(store: Store) -> None:
    assert (store.live(), store.ids(), store.record("")) == ("", [], None)
    first = put(store)
    assert store.live() == ""
    store.switch(first)
    assert store.live() == first
    assert str(store.current.readlink()) == f"releases/{first}"
    record = store.record(first)
    assert record is not None
    assert record.entries() == [ENTRY]
    assert not store.has_leftovers()
    second = put(store)
    assert second != first, "two releases of one second have two names"
    store.switch(second)
    assert (store.live(), store.ids()) == (second, sorted((first, second)))


def test_ids_sort_by_time(store: Store) -> None:
    assert re.fullmatch(r"\d{8}T\d{6}Z-abababab", store.new_id("ab" * 32))


def test_a_release_is_sound_only_whole(store: Store) -> None:
    release = put(store)
    folder = store.releases / release
    assert store.is_sound(release, OWN, "", environment=False)
    assert not store.is_sound(release, OWN, "gunicorn", environment=True)
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").touch()
    assert not store.is_sound(release, OWN, "gunicorn", environment=True)
    (folder / ".venv/bin/gunicorn").touch()
    assert store.is_sound(release, OWN, "gunicorn", environment=True)
    (folder / ".venv/bin/python").unlink()
    (folder / ".venv/bin/python").symlink_to("/nonexistent/python3")
    assert not store.is_sound(release, OWN, "gunicorn", environment=True), "Debian's next Python"
    folder.chmod(0o755)
    assert not store.is_sound(release, OWN, "", environment=False)
    assert not store.is_sound("20200101T000000Z-00000000", OWN, "", environment=False)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"id": 1}', "{"])
def test_a_record_that_cannot_be_read_counts_as_none(store: Store, text: str) -> None:
    release = put(store)
    (store.releases / release / ".release.json").write_text(text)
    assert store.record(release) is None


@pytest.mark.parametrize(
    ("made", "foreign"),
    [
        ([], False),
        (["util/"], False),
        (["util/releases/"], False),
        (["util/photo"], True),
        (["util/releases/", "util/photo"], False),
        (["util"], True),
    ],
)
def test_a_folder_of_somebody_else(store: Store, tmp_path: Path, made: list[str], *, foreign: bool) -> None:
    for name in made:
        path = tmp_path / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.touch()
    assert store.is_foreign() is foreign
    if foreign:
        assert not store.remove()
        assert (tmp_path / made[-1]).exists()


def test_removing_leaves_what_is_not_a_release(store: Store) -> None:
    store.switch(put(store))
    (store.home / "photo").touch()
    assert store.remove()
    assert [path.name for path in store.home.iterdir()] == ["photo"]


def test_removing_leaves_nothing(store: Store, tmp_path: Path) -> None:
    store.switch(put(store))
    store.staging.mkdir()
    assert store.remove()
    assert list(tmp_path.iterdir()) == []
    assert not store.remove()


def test_a_folder_in_the_place_of_the_link_is_not_lost(store: Store) -> None:
    release = put(store)
    store.current.mkdir()
    with pytest.raises(WorkError, match="is a folder and not a link"):
        store.switch(release)


KNOWN = {"1": True, "2": True, "3": True, "4": True, "broken": False}


@pytest.mark.parametrize(
    ("keep", "protected", "removed"),
    [
        (5, ["4", "3"], ["broken"]),
        (4, ["4", "3"], ["broken"]),
        (3, ["4", "3"], ["1", "broken"]),
        (2, ["4", "3"], ["1", "2", "broken"]),
        (1, ["4", "3"], ["1", "2", "broken"]),
        (1, ["4", ""], ["1", "2", "3", "broken"]),
        (2, ["1", "4"], ["2", "3", "broken"]),
        (2, ["1", ""], ["2", "3", "broken"]),
        (2, ["4", "broken"], ["1", "2"]),
    ],
)
def test_which_releases_go(keep: int, protected: list[str], removed: list[str]) -> None:
    assert choose_removed(KNOWN, protected, keep) == removed


def test_pruning_touches_releases_only(store: Store) -> None:
    live = put(store)
    store.switch(live)
    for name in ("20200101T000000Z-00000000", "notes"):
        (store.releases / name).mkdir()
    assert store.prune(5, live, "") == ["20200101T000000Z-00000000"]
    assert (store.releases / "notes").is_dir()


def test_a_sealed_folder(tmp_path: Path) -> None:
    code, outside = tmp_path / "code", tmp_path / "outside"
    (code / "deep/.git").mkdir(parents=True)
    (code / "deep/.git/config").touch()
    (code / "sub").mkdir(mode=0o777)
    (code / "sub/.git").touch()
    for name, mode in (("plain", 0o666), ("run", 0o4711), ("sub/secret", 0o000)):
        (code / name).touch()
        (code / name).chmod(mode)
    outside.touch(mode=0o600)
    (code / "link").symlink_to(outside)
    os.mkfifo(code / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(code / "socket"))
    (code / "note").symlink_to(outside)
    (code / "sub/secret").chmod(0o600)
    seal(code, OWN, {"note": ("text", 0o600)})
    found = {path.relative_to(code).as_posix(): stat.S_IMODE(path.lstat().st_mode) for path in code.rglob("*")}
    link = found.pop("link")
    assert link == 0o777
    assert found == {"deep": 0o750, "sub": 0o750, "plain": 0o640, "run": 0o750, "sub/secret": 0o640, "note": 0o600}
    assert stat.S_IMODE(code.stat().st_mode) == 0o750
    assert (outside.read_text(), stat.S_IMODE(outside.stat().st_mode)) == ("", 0o600)


def test_a_sealed_folder_with_files_for_the_web_server(tmp_path: Path) -> None:
    code = tmp_path / "code"
    for name in ("app/static/css/a.css", "app/secret.py", "static/b.css", "statics/c.css", "static/run"):
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).touch(mode=0o600)
    (code / "static/run").chmod(0o700)
    seal(code, replace(OWN, served=("app/static", "static")), {"note": ("text", 0o640)})
    found = {path.relative_to(code).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in code.rglob("*")}
    assert found == {
        "app": 0o751,
        "app/static": 0o755,
        "app/static/css": 0o755,
        "app/static/css/a.css": 0o644,
        "app/secret.py": 0o640,
        "static": 0o755,
        "static/b.css": 0o644,
        "static/run": 0o755,
        "statics": 0o750,
        "statics/c.css": 0o640,
        "note": 0o640,
    }
    assert stat.S_IMODE(code.stat().st_mode) == 0o751


def test_a_folder_for_the_web_server_that_is_missing(tmp_path: Path) -> None:
    code = tmp_path / "code"
    (code / "real").mkdir(parents=True)
    (code / "static").symlink_to("real")
    with pytest.raises(WorkError, match=r"no folder 'media' and 'static', which 'public' names; a link does not count"):
        seal(code, replace(OWN, served=("real", "static", "media")), {})


def test_others_go_through_the_folders_of_a_release_and_list_nothing(store: Store) -> None:
    served = replace(OWN, served=("static",))
    assert store.prepare(OWN)
    assert store.prepare(served)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (store.home, store.releases)] == [0o751, 0o751]
    assert not store.prepare(served)


@pytest.mark.parametrize(
    ("public", "modes"), [(False, (0o750, 0o640, 0o640)), (True, (0o755, 0o644, 0o600))], ids=["app", "static"]
)
def test_who_may_read(*, public: bool, modes: tuple[int, int, int]) -> None:
    ownership = Ownership.of(1000, public=public)
    assert (ownership.folder, ownership.file, ownership.record_mode()) == modes
    assert (ownership.uid, ownership.gid) == (0, 0 if public else 1000)
