# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Releases of one app in a folder that plays /srv."""

from __future__ import annotations

import os
import socket
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._release_manifest import Entry
from ansible_collections.barehost.web.plugins.module_utils._release_seal import Ownership, seal
from ansible_collections.barehost.web.plugins.module_utils._release_store import (
    Record,
    Store,
    Verdict,
    choose_removed,
)
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError

BEGUN = "20260102T030405Z"
OWN = Ownership(os.getgid(), 0o750, 0o640, uid=os.getuid())
ENTRY = Entry("app.py", "file", executable=False, content="0" * 64)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store("util", tmp_path)


def put(store: Store, text: str = "one", barrier: str = "", environment: str = "") -> str:
    """Release a folder with one file."""
    store.prepare(OWN)
    code = store.staging / "source"
    code.mkdir(parents=True)
    (code / "app.py").write_text(text)
    values = [[ENTRY.path, ENTRY.kind, ENTRY.executable, ENTRY.content]]
    record = Record(
        store.new_id(BEGUN, "ab" * 4), "util", "ab" * 32, "path x", "v", "2026-01-02T03:04:05Z", values, "", barrier
    )
    store.put(code, replace(record, environment=environment), OWN)
    store.clear_staging()
    return record.id


def test_an_environment_of_the_same_is_found_the_live_one_first(store: Store) -> None:
    names = [put(store, environment=environment) for environment in ("a", "b", "a", "")]
    assert [*store.alike("a")] == [], "there is none in them"
    for name in names:
        (store.releases / name / ".venv/bin").mkdir(parents=True)
        (store.releases / name / ".venv/bin/python").touch()
    store.switch(names[2])
    assert next(store.alike("a")) == store.releases / names[2] / ".venv"
    store.switch(names[0])
    assert next(store.alike("a")) == store.releases / names[0] / ".venv"
    assert [*store.alike(""), *store.alike("c")] == []
    assert sorted(store.environments()) == [store.releases / name / ".venv" for name in names]


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
    assert second > first, "two releases of one second have two names, in their order"
    store.switch(second)
    assert (store.live(), store.ids()) == (second, sorted((first, second)))


@pytest.mark.parametrize(
    ("there", "begun", "name"),
    [
        ([], "20260102T030405Z", "20260102T030405Z-abababab"),
        (["20260102T030404Z-ffffffff"], "20260102T030405Z", "20260102T030405Z-abababab"),
        (["20260102T030405Z-00000000"], "20260102T030405Z", "20260102T030406Z-abababab"),
        # The clock of whoever released last was wrong.
        (["20260102T235959Z-00000000-2"], "20260102T030405Z", "20260103T000000Z-abababab"),
    ],
)
def test_a_new_id_is_behind_all_others(store: Store, there: list[str], begun: str, name: str) -> None:
    for one in there:
        (store.releases / one).mkdir(parents=True)
    assert store.new_id(begun, "ab" * 4) == name


def test_a_release_is_sound_only_whole(store: Store) -> None:
    release = put(store)
    folder = store.releases / release
    assert store.is_sound(release, OWN, "", environment=False)
    assert store.is_sound(release, replace(OWN, served=("static",)), "", environment=False), "one can return to it"
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


def test_of_those_that_did_not_work_the_one_that_was_tried_last_stays(store: Store) -> None:
    first, second, third = put(store), put(store), put(store)
    live(store, third)
    store.condemn(second, replace(BAD, state="refused", time="2026-01-02T03:04:05Z"))
    store.condemn(first, replace(BAD, state="failed", time="2026-01-02T03:04:06Z"))
    assert store.prune(5, third) == [second]


@pytest.mark.parametrize(
    ("keep", "protected", "refused", "removed"),
    [
        (5, ["4"], ["3"], ["broken"]),
        (2, ["4"], ["3"], ["1", "broken"]),
        (2, ["4"], ["2", "3"], ["2", "broken"]),
        (2, ["4"], ["3", "2"], ["3", "broken"]),
        (1, ["4"], ["1", "2", "3"], ["1", "2", "broken"]),
        (3, ["3"], ["4"], ["broken"]),
        (5, ["4"], ["4"], ["broken"]),
    ],
)
def test_releases_that_did_not_work_take_nobody_s_place(
    keep: int, protected: list[str], refused: list[str], removed: list[str]
) -> None:
    assert choose_removed(KNOWN, protected, keep, refused) == removed


BAD = Verdict("withdrawn", "2026-01-02T03:04:05Z", "anna@laptop")


def test_what_is_known_against_a_release(store: Store) -> None:
    release = put(store)
    assert store.verdict(release) is None
    store.condemn(release, BAD)
    store.condemn(release, replace(BAD, reason="no such table"))
    assert store.verdict(release) == replace(BAD, reason="no such table")
    file = store.releases / release / ".verdict.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert store.settled(release) == 0
    store.settle(release)
    assert store.settled(release) > 0
    assert store.verdict(release) is None
    file.write_text("{")
    assert store.verdict(release) is None


def live(store: Store, release: str) -> None:
    """Make a release live and well, later than all others."""
    store.switch(release)
    store.settle(release)
    latest = max(store.settled(one) for one in store.ids())
    os.utime(store.releases / release / ".live", ns=(latest + 1, latest + 1))


def test_the_release_to_return_to_is_the_one_that_was_live_before(store: Store) -> None:
    assert store.before() == ""
    first, second, third = put(store), put(store), put(store)
    live(store, first)
    assert store.before() == third, "of releases that were never live, the newest"
    store.condemn(third, replace(BAD, state="refused"))
    assert store.before() == second
    live(store, second)
    assert store.before() == first
    fourth = put(store)
    live(store, fourth)
    live(store, first)
    live(store, second)
    assert store.before() == first, "not by age"


def test_a_return_that_was_cut_off_goes_no_further(store: Store) -> None:
    first, second, third = put(store), put(store), put(store)
    for release in (first, second, third):
        live(store, release)
    store.condemn(third, BAD)
    assert store.before() == second, "cut off before the switch"
    store.switch(second)
    assert store.before() == second, "and after it"
    live(store, second)
    assert store.before() == first


def test_an_irreversible_release_is_remembered_by_those_after_it(store: Store) -> None:
    assert store.barrier() == ""
    first = put(store)
    second = put(store, barrier=first)
    assert store.barrier() == first
    put(store, barrier=second)
    assert store.barrier() == second
