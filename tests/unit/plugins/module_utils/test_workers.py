# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which workers a host has, and how a release reaches them after the server of their app."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _marks, _release_app, _units, _workers
from ansible_collections.barehost.web.plugins.module_utils._ready import Probe
from ansible_collections.barehost.web.plugins.module_utils._release_app import App, AppRun, Done, Settings
from ansible_collections.barehost.web.plugins.module_utils._release_fetch import Source
from ansible_collections.barehost.web.plugins.module_utils._release_store import Store
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError
from ansible_collections.barehost.web.plugins.module_utils._units import UnitError, bring
from ansible_collections.barehost.web.plugins.module_utils._units_plan import Status, Wanted

SERVER = "gunicorn@util.service"
WORKER = "worker-util.mail@1.service"
SECOND = "worker-util.mail@2.service"
OLD, NEW = "20260101T000000Z-aaaaaaaa", "20260102T000000Z-bbbbbbbb"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The units that start with a host, of two apps whose names begin alike."""
    wants = tmp_path / "multi-user.target.wants"
    wants.mkdir()
    others = ("gunicorn@util.service", "worker-util-b.mail@1.service", "schedule-util.night.timer")
    for name in (SECOND, WORKER, *others):
        (wants / name).symlink_to("/nowhere")
    monkeypatch.setattr(_workers, "enabled", lambda name, enabled=_workers.enabled: enabled(name, tmp_path))
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_the_workers_of_an_app_are_those_that_start_with_the_host() -> None:
    assert _workers.enabled(_workers.every("util")) == [WORKER, SECOND]
    assert _workers.enabled(_workers.every("util-b")) == ["worker-util-b.mail@1.service"]
    assert _workers.enabled(_workers.every("other")) == []
    assert _workers.enabled("nginx.service") == ["nginx.service"], "a name is one, there or not"


@dataclass
class Told:
    """Plays the units of a host: notes what is told what, and what does not come up in which release."""

    store: Store
    bad: set[tuple[str, str]] = field(default_factory=set)
    seen: list[tuple[str, str]] = field(default_factory=list)

    def bring(self, wanted: Sequence[Wanted]) -> None:
        """Have units take up the release that is live."""
        for unit in wanted:
            self.seen.append((unit.name, self.store.live()))
        failed = [unit.name for unit in wanted if (unit.name, self.store.live()) in self.bad]
        for unit in wanted:
            if unit.name not in failed:
                _marks.clear_mark(unit.name)
        if failed:
            raise UnitError(f"{failed[0]} does not come up")

    def owed(self) -> list[str]:
        """Tell what still has to be told."""
        return _marks.owed()


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[AppRun, Told]:
    """A deploy of an app with two workers, of which an older release is live."""
    app = App(
        name="util",
        source=Source("none", ""),
        public=False,
        unit=SERVER,
        take_up="restart",
        debian_python=False,
        python="",
        requirements=(),
        program="",
        program_requirement="",
        keep=5,
        ready=Probe("unix:/nowhere"),
    )
    made = AppRun(app, Settings(check=False, uv_version="", uv_hashes=(), timeout=1, bundle="", begun=""))
    made.store = Store("util", folder / "srv")
    for release in (OLD, NEW):
        (made.store.releases / release).mkdir(parents=True)
    made.store.switch(OLD)
    told = Told(made.store)
    monkeypatch.setattr(made, "_plan", lambda: Done("switched", NEW, OLD, "v2"))
    monkeypatch.setattr(made.store, "prepare", lambda _ownership: False)
    monkeypatch.setattr(_release_app, "bring", told.bring)
    monkeypatch.setattr(_marks, "marks_folder", lambda _state: folder / "marks")
    return made, told


def test_workers_take_up_a_release_after_the_server(run: tuple[AppRun, Told]) -> None:
    made, told = run
    made.run()
    assert told.seen == [(SERVER, NEW), (WORKER, NEW), (SECOND, NEW)]
    assert told.owed() == []


def test_workers_hear_nothing_of_a_release_whose_server_does_not_come_up(run: tuple[AppRun, Told]) -> None:
    made, told = run
    told.bad = {(SERVER, NEW)}
    _marks.mark(SECOND, "restart")
    with pytest.raises(WorkError, match=f"{SERVER} does not come up"):
        made.run()
    assert told.seen == [(SERVER, NEW), (SERVER, OLD)]
    assert made.store.live() == OLD
    assert told.owed() == [SECOND], "what it had to take up before it still has"


def test_a_release_whose_worker_does_not_come_up_is_taken_back(run: tuple[AppRun, Told]) -> None:
    made, told = run
    told.bad = {(WORKER, NEW)}
    with pytest.raises(WorkError, match=f"{WORKER} does not come up"):
        made.run()
    assert told.seen[-3:] == [(SERVER, OLD), (WORKER, OLD), (SECOND, OLD)]
    assert (made.store.live(), told.owed()) == (OLD, [])


def test_a_worker_that_comes_up_in_no_release_says_so_of_both(run: tuple[AppRun, Told]) -> None:
    made, told = run
    told.bad = {(WORKER, NEW), (WORKER, OLD)}
    with pytest.raises(WorkError, match=f"Release {OLD} was made live again, but {WORKER} does not come up"):
        made.run()
    assert WORKER in told.owed()


def test_what_a_killed_deploy_owes_to_workers_is_made_good(
    run: tuple[AppRun, Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, told = run
    monkeypatch.setattr(made, "_plan", lambda: Done("unchanged", OLD, OLD, "v1"))
    made.run()
    assert told.seen == []
    _marks.mark(WORKER, "restart")
    made.run()
    assert told.seen == [(SERVER, OLD), (WORKER, OLD), (SECOND, OLD)], "in turn; what has no mark goes on as it is"


def test_without_a_deploy_workers_are_only_noted(run: tuple[AppRun, Told]) -> None:
    made, told = run
    made.app = replace(made.app, ready=None)
    made.run()
    assert (told.seen, told.owed()) == ([], [SERVER, WORKER, SECOND])


UP = Status("loaded", "active", "enabled")
AGAIN = Status("loaded", "activating", "enabled", result="exit-code")


@dataclass
class Systemd:
    """Plays systemd: what it shows of a unit, time after time, the last for ever."""

    states: list[Status]
    verbs: list[str] = field(default_factory=list)

    def show(self, names: Sequence[str]) -> dict[str, Status]:
        """Go one step further."""
        now = self.states[0] if len(self.states) == 1 else self.states.pop(0)
        return dict.fromkeys(names, now)

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Note what is to be done."""
        self.verbs += [word for word in words if word in {"start", "restart", "stop"}]
        return subprocess.CompletedProcess(words, 0, "", "")


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    """A unit that has to restart."""
    plays = Systemd([UP])
    monkeypatch.setattr(_units, "_BOOTED", tmp_path)
    monkeypatch.setattr(_units, "_STAMPS", tmp_path)
    monkeypatch.setattr(_units, "_LOOK_EVERY", 0.01)
    monkeypatch.setattr(_units, "show", plays.show)
    monkeypatch.setattr(_units, "_systemctl", plays.call)
    monkeypatch.setattr(_units, "last_lines", lambda *_words, **_more: ["no broker"])
    return plays


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        ([UP, UP, UP], ""),
        ([UP, UP, UP, UP, AGAIN], "it ends as soon as it is started (exit-code)"),
        ([UP, UP, UP, UP, replace(UP, restarts=1, result="exit-code")], "it ends as soon as it is started (exit-code)"),
        ([UP, UP, UP, replace(UP, active="failed", result="timeout")], "it has failed (timeout)"),
        ([UP, UP, replace(UP, active="inactive")], "it has stopped"),
    ],
)
def test_a_worker_has_to_run_for_a_while(systemd: Systemd, tmp_path: Path, states: list[Status], reason: str) -> None:
    systemd.states = states
    _marks.mark(WORKER, "restart", tmp_path)
    begin = time.monotonic()
    if not reason:
        assert bring([Wanted(WORKER, steady=1)], state=tmp_path) == [f"restart {WORKER}"]
        assert time.monotonic() - begin >= 1
        assert _marks.owed(tmp_path) == []
        return
    with pytest.raises(UnitError) as told:
        bring([Wanted(WORKER, entry="util", steady=600)], state=tmp_path)
    assert time.monotonic() - begin < 60, "nobody waits for what has ended"
    assert str(told.value).startswith(
        f"entry 'util': {WORKER} does not come up: {reason}. Its last log lines:\n  | no b"
    )
    assert _marks.owed(tmp_path) == [WORKER]


def test_processes_that_end_alike_say_it_once(systemd: Systemd, tmp_path: Path) -> None:
    systemd.states = [UP, UP, UP, replace(UP, active="failed", result="exit-code")]
    for name in (WORKER, SECOND, SERVER):
        _marks.mark(name, "restart", tmp_path)
    with pytest.raises(UnitError) as told:
        bring([Wanted(WORKER, steady=60), Wanted(SECOND, steady=60), Wanted(SERVER)], state=tmp_path)
    first, second, server = str(told.value).split("\n\n")
    assert second == f"{SECOND} does not come up either: it has failed (exit-code)."
    assert "| no broker" in first
    assert "| no broker" in server, "servers of one kind are different apps"


def test_a_timer_that_ends_forgets_when_it_went_off(systemd: Systemd, tmp_path: Path) -> None:
    systemd.states = [UP]
    stamps = [tmp_path / f"stamp-schedule-util.{name}.timer" for name in ("night", "day")]
    for stamp in stamps:
        stamp.touch()
    _marks.mark("schedule-util.night.timer", "stop", tmp_path)
    _marks.mark("schedule-util.day.timer", "restart", tmp_path)
    bring([Wanted("schedule-util.day.timer")], state=tmp_path)
    assert [stamp.exists() for stamp in stamps] == [False, True]
