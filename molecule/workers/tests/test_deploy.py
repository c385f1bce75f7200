# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release reaches workers after the server, without a job that is cut off, and not at all if the server fails."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from testbed.podman import ROOT

if TYPE_CHECKING:
    from testbed.converge import Outcome
    from testinfra.host import Host

LETTERS = [f"worker-queue.letters@{number}.service" for number in (1, 2)]
SCHEDULE = "schedule-queue.tidy.service"
#: Runs by itself until a file is there, and only then loads what it needs.
GO = "/var/lib/queue/go"
SLOW = f"""import pathlib, sys, time
while not pathlib.Path("{GO}").exists():
    time.sleep(0.1)
import late
sys.stdout.write(f"{{late.word}} {{pathlib.Path.cwd()}}\\n")
"""
#: Whoever is asked in private is not at the place of the live release yet.
LATE = """
if pathlib.Path("/srv/queue/current/late").exists():
    raise ValueError("the queue is not there")
"""


@dataclass(frozen=True)
class Code:
    """Releases of the app, made and deployed one after the other."""

    folder: Path
    converge: Any
    varied: Any

    def deploy(self, name: str, files: dict[str, str], playbook: str = "deploy") -> Outcome:
        """Deploy the example with some files of another content."""
        place = self.folder / name
        if not place.exists():
            shutil.copytree(ROOT / "examples/queue", place)
        for file, text in {"late.py": f"word = '{name}'\n", **files}.items():
            (place / file).write_text(text, encoding="utf-8")
        variables = self.varied(key="web_apps", queue={"source": {"path": str(place)}})
        outcome: Outcome = self.converge({**variables, "app": "queue"}, playbook=playbook)
        return outcome


@pytest.fixture
def code(converge: Any, varied: Any, tmp_path: Path) -> Code:
    """Make releases."""
    return Code(tmp_path, converge, varied)


def live(host: Host) -> str:
    return str(host.check_output("readlink -f /srv/queue/current"))


def test_releases_and_workers(host: Host, code: Code, queue: Any, processes: Any, soon: Any) -> None:
    jobs = queue("queue")
    assert code.deploy("first", {"tidy.py": SLOW}).rc == 0
    first, before = live(host), processes(*LETTERS)
    host.check_output(f"systemctl start --no-block {SCHEDULE}")
    jobs.add("in hand", 12)
    soon(lambda: jobs.find("in hand")["worker"])
    soon(lambda: processes(SCHEDULE) != [0])
    (running,) = processes(SCHEDULE)

    # What is in hand is done to its end by the old release, what runs by itself goes on, what is new has the new one.
    outcome = code.deploy("second", {})
    assert outcome.rc == 0, outcome
    second = live(host)
    assert (jobs.find("in hand")["result"], jobs.find("in hand")["release"]) == ("Good morning, in hand", first)
    assert not set(before) & set(processes(*LETTERS))
    jobs.add("new")
    assert jobs.done("new")["release"] == second != first
    assert processes(SCHEDULE) == [running]

    # A release whose workers do not come up is no release.
    good = processes(*LETTERS)
    outcome = code.deploy("broken", {"worker.py": "import no_such_broker\n"})
    assert outcome.rc != 0
    message = str(outcome.task("barehost.web.release").result["msg"])
    assert "entry 'queue': worker-queue.letters@1.service does not come up: it ends as soon as it is started" in message
    assert "ModuleNotFoundError: No module named 'no_such_broker'" in message
    assert "is not live" in message
    assert live(host) == second
    assert not set(good) & set(processes(*LETTERS))
    jobs.add("as before")
    assert jobs.done("as before")["release"] == second

    # Nor one whose server does not; its workers never hear of it.
    good = processes(*LETTERS)
    wsgi = (ROOT / "examples/queue/wsgi.py").read_text(encoding="utf-8")
    outcome = code.deploy("absent", {"wsgi.py": f"{wsgi}\nimport pathlib\n{LATE}", "late": ""})
    assert outcome.rc != 0
    assert "the queue is not there" in str(outcome.task("barehost.web.release").result["msg"])
    assert (live(host), processes(*LETTERS)) == (second, good)
    assert host.run("ls -A /var/lib/barehost/marks").stdout == "", "nothing is owed"

    # What has begun in a release loads what it needs from there, however late.
    host.check_output(f"touch {GO}")
    running_still = f'[ "$(systemctl is-active {SCHEDULE})" = activating ]'
    host.check_output(f"timeout 60 sh -c 'while {running_still}; do sleep 0.2; done'")
    host.check_output("journalctl --sync")
    said = host.check_output("journalctl --identifier=schedule-queue.tidy --output=cat --lines=1")
    assert said == f"first {first}"
    host.check_output(f"rm {GO}")

    # And back.
    outcome = code.deploy("second", {}, playbook="rollback")
    assert outcome.rc == 0, outcome
    assert live(host) == first
    jobs.add("of old")
    assert jobs.done("of old")["release"] == first
