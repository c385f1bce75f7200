# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the live release has of older ones, in a folder that plays /srv."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _release_assets
from ansible_collections.barehost.web.plugins.module_utils._release_assets import Assets
from ansible_collections.barehost.web.plugins.module_utils._release_seal import Ownership
from ansible_collections.barehost.web.plugins.module_utils._release_store import Record, Store, Verdict

OWN = Ownership(os.getgid(), 0o750, 0o640, uid=os.getuid(), served=("static",))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store("shop", tmp_path)


def put(store: Store, files: Mapping[str, str], *, ownership: Ownership = OWN) -> str:
    """Make a release of some files."""
    store.prepare(ownership)
    code = store.staging / "source"
    for name, text in {"static/.keep": "", **files}.items():
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_text(text)
    count = int(store.ids()[-1][9:15]) + 1 if store.ids() else 1
    record = Record(f"20260101T{count:06}Z-abababab", "shop", "ab" * 32, "path x", "v", "2026-01-01T00:00:00Z")
    store.put(code, record, ownership)
    store.clear_staging()
    return record.id


def deploy(store: Store, files: Mapping[str, str], keep: int = 5, folders: tuple[str, ...] = ("static",)) -> str:
    """Release as a run does."""
    release, previous, assets = put(store, files), store.live(), Assets(store, folders)
    assets.bring(release)
    store.switch(release)
    store.settle(release)
    store.prune(keep, release, previous)
    assets.tidy(release)
    return release


def served(store: Store, folder: str = "static") -> dict[str, str]:
    """Name and content of what is handed out."""
    top = store.current / folder
    found = (path for path in sorted(top.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(top)): path.read_text() for path in found}


def test_files_of_the_releases_before_stay_and_the_live_one_wins(store: Store) -> None:
    deploy(store, {"static/app.1.css": "one", "static/same.css": "old", "static/js/deep/a.1.js": "a"})
    deploy(store, {"static/app.2.css": "two", "static/same.css": "new"})
    assert served(store) == {"app.1.css": "one", "app.2.css": "two", "same.css": "new", "js/deep/a.1.js": "a"}
    deploy(store, {"static/app.3.css": "three", "static/js/b.js": "b"})
    assert served(store) == {
        "app.1.css": "one",
        "app.2.css": "two",
        "app.3.css": "three",
        "same.css": "new",
        "js/deep/a.1.js": "a",
        "js/b.js": "b",
    }


def test_only_the_live_release_has_files_of_others(store: Store) -> None:
    first = deploy(store, {"static/app.1.css": "one"})
    second = deploy(store, {"static/app.2.css": "two"})
    deploy(store, {"static/app.3.css": "three"})
    found = {one: sorted(path.name for path in (store.releases / one / "static").iterdir()) for one in (first, second)}
    assert found == {first: [".keep", "app.1.css"], second: [".keep", "app.2.css"]}


def test_what_is_pruned_is_gone_and_nothing_grows(store: Store) -> None:
    for number in range(1, 7):
        deploy(store, {f"static/{number}/app.{number}.css": "x" * 100}, keep=3)
    assert sorted(served(store)) == ["4/app.4.css", "5/app.5.css", "6/app.6.css"]
    assert sorted(path.name for path in (store.current / "static").iterdir()) == [".keep", "4", "5", "6"]
    links = (store.releases / store.ids()[0] / "static/4/app.4.css").stat().st_nlink
    assert links == 2, "it is the same content, once"


def test_pages_hidden_files_links_and_what_nobody_may_read_are_left_out(store: Store) -> None:
    first = deploy(
        store,
        {"static/old.html": "p", "static/.env": "s", "static/.d/x.css": "s", "static/secret": "s", "app.py": "code"},
    )
    (store.releases / first / "static/link.css").symlink_to("secret")
    (store.releases / first / "static/secret").chmod(0o640)
    deploy(store, {"static/new.css": "n"})
    assert served(store) == {"new.css": "n"}
    assert sorted(path.name for path in (store.current / "static").iterdir()) == [".keep", "new.css"]
    assert not (store.current / "app.py").exists()


def test_an_app_without_a_server_is_handed_out_whole(store: Store) -> None:
    deploy(store, {"app.1.css": "one", "index.html": "1"}, folders=("",))
    deploy(store, {"app.2.css": "two", "index.html": "2"}, folders=("",))
    # Nothing of the notes and of the environment.
    assert served(store, "") == {"app.2.css": "two", "index.html": "2"}, "the files of a sealed code are not public"
    for release in store.ids():
        for file in (store.releases / release).glob("app.*.css"):
            file.chmod(0o644)
    deploy(store, {"app.3.css": "three", "index.html": "3"}, folders=("",))
    assert served(store, "") == {"app.1.css": "one", "app.2.css": "two", "app.3.css": "three", "index.html": "3"}


def test_a_release_that_was_never_live_shows_nothing(store: Store) -> None:
    deploy(store, {"static/app.1.css": "one"})
    refused = put(store, {"static/app.2.css": "two"})
    store.condemn(refused, Verdict("refused", "2026-01-01T00:00:00Z", ""))
    deploy(store, {"static/app.3.css": "three"})
    assert sorted(served(store)) == ["app.1.css", "app.3.css"]


def test_a_rollback_keeps_the_files_of_the_release_that_was_withdrawn(store: Store) -> None:
    first = deploy(store, {"static/app.1.css": "one", "static/same.css": "old"})
    second = deploy(store, {"static/app.2.css": "two", "static/same.css": "new"})
    store.condemn(second, Verdict("withdrawn", "2026-01-01T00:00:00Z", ""))
    assets = Assets(store, ("static",))
    assets.bring(first)
    store.switch(first)
    store.settle(first)
    assert assets.tidy(first)
    assert served(store) == {"app.1.css": "one", "app.2.css": "two", "same.css": "old"}
    assert not assets.tidy(first), "the second run changes nothing"


def test_another_thing_in_the_way_of_a_folder_stays(store: Store) -> None:
    deploy(store, {"static/js/a.1.js": "a", "static/css/a.1.css": "a"})
    release = put(store, {"static/js": "a file", "elsewhere/x": "x"})
    (store.releases / release / "static/css").symlink_to("../elsewhere")
    Assets(store, ("static",)).bring(release)
    store.switch(release)
    assert (store.current / "static/js").read_text() == "a file"
    assert [path.name for path in (store.current / "elsewhere").iterdir()] == ["x"]


def test_it_can_be_switched_off_and_on(store: Store) -> None:
    deploy(store, {"static/app.1.css": "one"})
    live = deploy(store, {"static/app.2.css": "two"})
    off, on = Assets(store, ()), Assets(store, ("static",))
    assert not off.is_tidy(live)
    assert off.tidy(live)
    assert served(store) == {"app.2.css": "two"}
    assert off.is_tidy(live)
    assert on.tidy(live)
    assert sorted(served(store)) == ["app.1.css", "app.2.css"]


def test_a_host_of_an_older_version_is_brought_up(store: Store) -> None:
    for number in (1, 2):
        release = put(store, {f"static/app.{number}.css": "x"})
        store.switch(release)
        store.settle(release)
    assets = Assets(store, ("static",))
    assert not assets.is_tidy(release)
    assert assets.tidy(release)
    assert assets.is_tidy(release)
    assert sorted(served(store)) == ["app.1.css", "app.2.css"]


class KilledError(Exception):
    """The run was killed here."""


def _dies_after(count: int, step: Callable[..., None]) -> Callable[..., None]:
    done = 0

    def dying(*arguments: object) -> None:
        nonlocal done
        if done == count:
            raise KilledError
        done += 1
        step(*arguments)

    return dying


@pytest.mark.parametrize("step", ["_link", "_remove"])
@pytest.mark.parametrize("count", range(3))
def test_a_run_that_is_killed_is_repaired(store: Store, monkeypatch: pytest.MonkeyPatch, step: str, count: int) -> None:
    deploy(store, {f"static/{name}.1.css": "one" for name in "abcd"}, keep=2)
    deploy(store, {f"static/{name}.2.css": "two" for name in "abcd"}, keep=2)
    with monkeypatch.context() as patch:
        patch.setattr(_release_assets, step, _dies_after(count, getattr(_release_assets, step)))
        with pytest.raises(KilledError):
            deploy(store, {f"static/{name}.3.css": "three" for name in "abcd"}, keep=2)
    live, assets = store.live(), Assets(store, ("static",))
    assert not assets.is_tidy(live)
    # What was cut off before the switch, the next run begins with.
    wanted = store.ids()[-1]
    assets.bring(wanted)
    store.switch(wanted)
    assert {f"{name}.2.css" for name in "abcd"} <= set(served(store)), "before anything is removed"
    store.settle(wanted)
    store.prune(2, wanted, live)
    assets.tidy(wanted)
    assert sorted(served(store)) == sorted(f"{name}.{number}.css" for name in "abcd" for number in (2, 3))
    assert assets.is_tidy(wanted)


def test_a_note_that_cannot_be_read_is_made_anew(store: Store) -> None:
    deploy(store, {"static/app.1.css": "one"})
    live = deploy(store, {"static/app.2.css": "two"})
    note = store.releases / live / ".kept.json"
    assert json.loads(note.read_text())["complete"]
    assert note.stat().st_mode & 0o777 == 0o600
    note.write_text("{")
    assert Assets(store, ("static",)).tidy(live)
    assert json.loads(note.read_text())["complete"]
    assert sorted(served(store)) == ["app.1.css", "app.2.css"]
    assert json.loads(note.read_text())["paths"] == ["static/app.1.css"], "and is not taken for the release's own"
