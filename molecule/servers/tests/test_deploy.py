# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deploys and rollbacks while visitors ask: no request fails, and nobody sees an old release after a new one."""

from __future__ import annotations

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from testbed.converge import converge as run
from testbed.podman import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testbed.converge import Outcome
    from testbed.http import Http
    from testinfra.host import Host

VISITORS = Path(__file__).with_name("visitors.py").read_text(encoding="utf-8")
WSGI = """import time
def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(1.5)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"{version}"]
"""
LATE = """import os
def app(environ, start_response):
    if os.path.exists("/srv/NAME/current/late"):
        raise ValueError("the queue is not there")
    start_response("200 OK", [])
    return [b"late"]
"""
#: Seconds. On a machine that does nothing else it takes a third.
QUICK = 12
NAMES = ("gunicorn-unix", "uwsgi-unix", "mod-wsgi-unix")
#: What a broken release has, and what the message says of it.
BROKEN = {
    "cannot be imported": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "ends when it starts": ("import sys\nsys.exit('the licence is over')", "the licence is over"),
    "crashes when it starts": ("import os\nos.abort()", "Fatal Python error: Aborted"),
    "hangs when it starts": ("import time\ndef connect(): time.sleep(99)\nconnect()", "in connect"),
    "answers with an error": ("def app(e, s): raise ValueError('no such table')", "answers 500"),
    "writes where it may not": ("open('/etc/notes', 'w')", "OSError: [Errno 30] Read-only file system"),
    "has no callable": ("application = None", "has no attribute 'app'"),
    "is for another Python": ("match = 1\nprint 'hello'", "SyntaxError"),
    "sends its readers elsewhere": (
        "def app(e, s):\n    s('302 Found', [('Location', '/login')])\n    return []",
        "answers 302, which sends its reader to /login and not 200",
    ),
}


#: When a run is killed, as a shell sees it.
KILLED = {
    "while it builds": "test -e {home}/.build/source/.venv",
    "when it is made": "test $(ls {home}/releases | tail -1) != {last}",
    "when it is live": "test $(readlink {home}/current) != releases/{before}",
}
#: Tells the process that has the lock.
HOLDER = "sed 's/.*process //; s/,.*//' /var/lib/barehost/release.lock"


@dataclass
class Visits:
    """What visitors have seen; complete once the block was left."""

    seen: list[tuple[float, float, int, str]] = field(default_factory=list)

    @property
    def failures(self) -> list[tuple[float, float, int, str]]:
        """Requests that got no good answer."""
        return [one for one in self.seen if one[2] != 200]

    @property
    def versions(self) -> set[str]:
        """All that was answered."""
        return {text for *_times, text in self.seen}

    def between(self, begin: float, end: float) -> set[str]:
        """Versions that answered requests which began within a time."""
        return {text for began, _ended, _status, text in self.seen if begin <= began < end}


@dataclass
class Deploys:
    """Apps of the scenario with code of a test, deployed by playbooks/deploy.yml."""

    machine: Any
    folder: Path
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: When each of the runs for all apps was begun, and what they released.
    began: list[tuple[float, str]] = field(default_factory=list)

    def all(self, version: str) -> Outcome:
        """Deploy one version of each app, which goes well."""
        for name in NAMES:
            self.code(name, version)
        self.began.append((time.time(), version))
        outcome = self.play(app=",".join(NAMES))
        assert outcome.rc == 0, outcome
        return outcome

    def code(self, name: str, version: str = "", text: str = "") -> None:
        """Write the code of an app."""
        place = self.folder / name
        place.mkdir(exist_ok=True)
        # No earlier test has had the same code, of which there would be a release.
        own = f"# {self.folder}\n{text or WSGI.replace('{version}', version)}"
        (place / "wsgi.py").write_text(own, encoding="utf-8")
        health = {"path": "/", "status": 200, "timeout": 10}
        self.changes.setdefault(name, {"source": {"path": str(place)}, "health": health})

    def play(self, playbook: str = "deploy", **variables: Any) -> Outcome:
        """Run a playbook with these apps."""
        file = ROOT / f"inventory/{self.machine.scenario}/group_vars/web.yml"
        model = yaml.safe_load(file.read_text(encoding="utf-8"))
        model["web_apps"] = [app | self.changes.get(app["name"], {}) for app in model["web_apps"]]
        return run(self.machine.scenario, self.machine.name, {**model, **variables}, playbook=playbook)

    @contextmanager
    def visits(self, name: str, visitors: int = 6) -> Iterator[Visits]:
        """Let visitors ask as long as the block runs, which begins after the first answer."""
        command = ["podman", "exec", "-i", self.machine.container, "python3", "-c", VISITORS]
        seen = Visits()
        with subprocess.Popen(
            [*command, f"{name}.example.test", "/", str(visitors)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            try:
                if process.stdout:
                    process.stdout.readline()
                yield seen
            finally:
                output, _ = process.communicate()
        seen.seen = [(began, ended, status, text) for began, ended, status, text in json.loads(output)]


@pytest.fixture(scope="module")
def deploys(machine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deploys]:
    """Deploy code of one's own; afterwards the machine is as the inventory wants it."""
    made = Deploys(machine, tmp_path_factory.mktemp("apps"))
    yield made
    outcome = run(machine.scenario, machine.name, {"web_purge": True})
    assert outcome.rc == 0, outcome


@pytest.fixture
def live(host: Host) -> Callable[[str], str]:
    """Tell the live release of an app."""
    return lambda name: str(host.check_output(f"readlink /srv/{name}/current")).removeprefix("releases/")


def test_ten_deploys_lose_nothing_and_show_nothing_old(deploys: Deploys) -> None:
    deploys.all("begin")
    ends, first = [], len(deploys.began)
    with ExitStack() as stack:
        visits = {name: stack.enter_context(deploys.visits(name)) for name in NAMES}
        for number in range(10):
            version = ("even", "odd")[number % 2]
            deploys.all(version)
            ends.append((time.time(), version))
            time.sleep(1)
        begun = [begin for begin, _version in deploys.began[first:]]
    for name in NAMES:
        assert visits[name].failures == []
        assert len(visits[name].seen) > 1000
        assert visits[name].versions == {"begin", "even", "odd"}
        for (end, version), begin in zip(ends, [*begun[1:], time.time()], strict=True):
            assert visits[name].between(end, begin) <= {version}


def test_broken_releases_are_refused_and_explained(deploys: Deploys, host: Host, live: Callable[[str], str]) -> None:
    deploys.all("sound")
    before = {name: live(name) for name in NAMES}
    with ExitStack() as stack:
        visits = {name: stack.enter_context(deploys.visits(name)) for name in NAMES}
        # What asks is the same for every server: three faults at a time.
        for first in range(0, len(BROKEN), 3):
            faults = list(BROKEN.values())[first : first + 3]
            for name, (code, _message) in zip(NAMES, faults, strict=True):
                deploys.code(name, text=code)
            outcome = deploys.play(app=",".join(NAMES))
            assert outcome.rc != 0
            told = str(outcome.task("barehost.web.release").result["msg"]).split("\n- app ")[1:]
            for name, (_code, message), part in zip(NAMES, faults, told, strict=True):
                assert part.startswith(f"'{name}': ")
                assert message in part
                assert f"Release {before[name]} of '{name}' is live as before." in part
    assert {name: live(name) for name in NAMES} == before
    for name in NAMES:
        assert visits[name].failures == []
        assert visits[name].versions == {"sound"}
        kept = host.check_output(f"ls /srv/{name}/releases/*/.verdict.json").split()
        assert len(kept) == 1, "the last one is there to be looked into"
        assert host.run(f"runuser -u {name} -- cat {kept[0]}").rc != 0
    assert deploys.all("sound").changed == 0


@contextmanager
def little_room(host: Host, folder: str) -> Iterator[None]:
    """Have a folder on a disk of its own, which has room for what is there and hardly more."""
    host.check_output(
        f"size=$(($(du -sm {folder} | cut -f1) + 4)); "
        "mkdir -p /mnt/small && mount -t tmpfs -o mode=750,size=${size}m tmpfs /mnt/small && "
        f"cp -a {folder}/. /mnt/small/ && chown --reference={folder} /mnt/small && "
        f"mount --bind /mnt/small {folder} && umount /mnt/small"
    )
    try:
        yield
    finally:
        host.check_output(f"umount --lazy {folder}")


def test_what_goes_wrong_before_the_private_start_is_explained_as_well(
    deploys: Deploys, host: Host, live: Callable[[str], str]
) -> None:
    deploys.all("sound")
    before = {name: live(name) for name in NAMES}
    full, unmigrated, unmet = NAMES
    for name in NAMES:
        deploys.code(name, "never seen")
    (deploys.folder / full / "big").write_bytes(os.urandom(16 * 1024 * 1024))
    deploys.changes[unmigrated]["commands"] = ["python -c 'raise SystemExit(\"no such column\")'"]
    deploys.changes[unmet]["requirements"] = ["no-such-requirement-of-ours==1"]
    with ExitStack() as stack:
        visits = {name: stack.enter_context(deploys.visits(name)) for name in NAMES}
        stack.enter_context(little_room(host, f"/srv/{full}"))
        outcome = deploys.play(app=",".join(NAMES))
    (deploys.folder / full / "big").unlink()
    del deploys.changes[unmigrated]["commands"], deploys.changes[unmet]["requirements"]
    assert outcome.rc != 0
    told = str(outcome.task("barehost.web.release").result["msg"]).split("\n- app ")[1:]
    messages = ("No space left on device", "no such column", "no-such-requirement-of-ours")
    for name, message, part in zip(NAMES, messages, told, strict=True):
        assert message in part
        assert f"Release {before[name]} of '{name}' is live as before." in part
        assert visits[name].failures == []
        assert visits[name].versions == {"sound"}
    assert {name: live(name) for name in NAMES} == before
    deploys.all("found room")


def test_releases_whose_servers_do_not_come_up_are_taken_back(
    deploys: Deploys, http: Http, live: Callable[[str], str]
) -> None:
    deploys.all("sound")
    before = {name: live(name) for name in NAMES}
    for name in NAMES:
        # Whoever is asked in private is not at the place of the live release yet.
        deploys.code(name, text=LATE.replace("NAME", name))
        (deploys.folder / name / "late").touch()
    outcome = deploys.play(app=",".join(NAMES))
    for name in NAMES:
        (deploys.folder / name / "late").unlink()
    assert outcome.rc != 0
    told = str(outcome.task("barehost.web.release").result["msg"])
    assert told.count("answers 500 and not 200") == 3, told
    assert told.count("ValueError: the queue is not there") >= 3
    assert {name: live(name) for name in NAMES} == before
    assert {http("/", host=f"{name}.example.test").text for name in NAMES} == {"sound"}
    assert deploys.all("sound").changed == 0


def test_killed_deploys_are_made_good_and_nobody_notices(
    deploys: Deploys, host: Host, live: Callable[[str], str]
) -> None:
    deploys.all("sound")
    name = NAMES[1]
    with ExitStack() as stack:
        visits = {other: stack.enter_context(deploys.visits(other)) for other in NAMES}
        pool = stack.enter_context(ThreadPoolExecutor(1))
        for moment, condition in KILLED.items():
            before, last = live(name), host.check_output(f"ls /srv/{name}/releases").split()[-1]
            reached = condition.format(home=f"/srv/{name}", before=before, last=last)
            for other in NAMES:
                deploys.code(other, moment)
            run = pool.submit(deploys.play, app=",".join(NAMES))
            host.check_output("timeout 60 sh -c %s", f"until {reached}; do sleep .01; done; kill -KILL $({HOLDER})")
            assert run.result().rc != 0
            deploys.all(moment)
    for other in NAMES:
        assert visits[other].failures == []
        assert list(dict.fromkeys(text for *_times, text in visits[other].seen)) == ["sound", *KILLED]
        assert not host.file(f"/srv/{other}/.build").exists
    assert deploys.all(moment).changed == 0


def test_back_and_forth(deploys: Deploys, live: Callable[[str], str], busy: Callable[[], float]) -> None:
    name = "gunicorn-unix"
    for version in ("first", "second", "third"):
        deploys.code(name, version)
        assert deploys.play(app=name).rc == 0
    third = live(name)
    with deploys.visits(name) as visits:
        begin = time.time()
        outcome = deploys.play("rollback", app=name)
        seconds = time.time() - begin
        assert outcome.rc == 0, outcome
        assert seconds < QUICK * busy()
        outcome = deploys.play(app=name)
        assert outcome.rc != 0
        assert f"release {third}, which is what the model wants, was withdrawn by " in outcome.output
        outcome = deploys.play("rollback", app=name)
        assert outcome.rc == 0, outcome
        first = live(name)
        outcome = deploys.play(app=name, again=True)
        assert outcome.rc == 0, outcome
    assert live(name) == third
    assert visits.failures == []
    assert list(dict.fromkeys(text for *_times, text in visits.seen)) == ["third", "second", "first"]
    assert deploys.play("rollback", app=name, release=first).rc == 0
    assert live(name) == first


def test_nobody_returns_over_an_irreversible_release_by_accident(deploys: Deploys, live: Callable[[str], str]) -> None:
    name = "uwsgi-unix"
    deploys.code(name, "before")
    assert deploys.play(app=name).rc == 0
    before = live(name)
    deploys.code(name, "after")
    deploys.changes[name]["irreversible"] = True
    assert deploys.play(app=name).rc == 0
    del deploys.changes[name]["irreversible"]
    after = live(name)
    deploys.code(name, "later")
    assert deploys.play(app=name).rc == 0
    assert deploys.play("rollback", app=name).rc == 0
    assert live(name) == after, "so far the data is of today"
    outcome = deploys.play("rollback", app=name)
    assert outcome.rc != 0
    assert f"release {after} is irreversible" in outcome.output
    assert f"-e release={before} -e despite_data=true" in outcome.output
    assert live(name) == after
    deploys.code(name, "before")
    assert f"release {after} is irreversible" in deploys.play(app=name).output
    assert deploys.play("rollback", app=name, release=before, despite_data=True).rc == 0
    assert live(name) == before


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"app": "gunicorn-unx"}, "app: no app named 'gunicorn-unx' in web_apps; did you mean 'gunicorn-unix'?"),
        ({"app": "gunicorn-unix", "version": "v2"}, "version: the source is a path, which has no versions"),
        ({"version": "v2"}, "version: this is for one app, 6 are meant"),
    ],
)
def test_words_that_mean_nothing_change_nothing(deploys: Deploys, variables: dict[str, str], message: str) -> None:
    outcome = deploys.play(**variables)
    assert outcome.rc != 0
    assert message in outcome.output


def test_a_deploy_waits_for_another_one_by_name_and_ends_it_if_told(deploys: Deploys, host: Host) -> None:
    lock = "/var/lib/barehost/release.lock"
    host.check_output(
        f"sh -c 'echo anna@laptop, process 7, since 2026-01-02T03:04:05Z >{lock}; "
        f"setsid flock --close {lock} sleep 300 >/dev/null 2>&1 &'"
    )
    deploys.code("gunicorn-unix", "in a hurry")
    outcome = deploys.play(app="gunicorn-unix", app_lock_timeout=1)
    assert outcome.rc != 0
    assert "Another run (anna@laptop, process 7, since 2026-01-02T03:04:05Z, " in outcome.output
    assert "-e break_lock=true" in outcome.output
    assert deploys.play(app="gunicorn-unix", app_lock_timeout=20, break_lock=True).rc == 0
    assert deploys.play(app="gunicorn-unix", app_lock_timeout=1).changed == 0


def test_nothing_to_deploy_takes_a_constant_number_of_calls(deploys: Deploys, busy: Callable[[], float]) -> None:
    deploys.all("last")
    begin = time.time()
    outcome = deploys.play()
    assert (outcome.rc, outcome.changed) == (0, 0), outcome
    assert time.time() - begin < QUICK * busy()
    assert [task.action for task in outcome.tasks] == [
        "barehost.web.model",
        "barehost.web.packages",
        "barehost.web.release",
    ]
