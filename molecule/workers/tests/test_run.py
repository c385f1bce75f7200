# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""playbooks/run.yml: a command of somebody runs as the app would run it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from testbed.converge import Outcome
from testbed.converge import converge as run

if TYPE_CHECKING:
    from collections.abc import Callable

    from testinfra.host import Host

LOOK = """
import os, pathlib, sys
def may(place):
    try:
        pathlib.Path(place, "touched").touch()
    except OSError:
        return False
    return True
print(os.getcwd(), sys.executable, sys.argv[1:])
print("to", [place for place in ("/etc", "/srv/queue/current", "/var/lib/queue", "/var/lib/newsletter") if may(place)])
print("says", os.environ["QUEUE_GREETING"], file=sys.stderr)
sys.exit(3)
"""


@pytest.fixture
def play(machine: Any) -> Callable[..., Outcome]:
    """Run the playbook."""
    return lambda app, command, **more: run(
        machine.scenario, machine.name, {"app": app, "command": command, **more}, playbook="run"
    )


def test_what_a_command_sees_prints_and_ends_with(host: Host, play: Any) -> None:
    program = LOOK.strip().replace("\n", "\\n").replace('"', '\\"')
    outcome = play("queue", f"""python -c 'exec("{program}")' 'two words' $HOME""")
    result = outcome.task("barehost.web.run").result
    live = host.check_output("readlink -f /srv/queue/current")
    assert (outcome.rc != 0, result["rc"]) == (True, 3)
    expected = [
        f"{live} {live}/.venv/bin/python ['two words', '$HOME']",
        "to ['/var/lib/queue']",
        "says ***",
    ]
    assert sorted(result["stdout"].splitlines()) == sorted(expected)
    shown = outcome.output.splitlines()
    assert [line for line in shown if line in expected] == result["stdout"].splitlines(), "as it came"
    assert "Good morning" not in outcome.output
    assert host.file("/var/lib/queue/touched").user == "queue"


def test_a_job_for_rq_is_added_by_hand_and_done_by_its_worker(play: Any, queue: Any) -> None:
    outcome = play("newsletter", "rq enqueue --queue newsletter jobs.note everybody")
    assert outcome.rc == 0, outcome
    done = queue("newsletter").done("everybody")
    assert (done["worker"], done["result"]) == ("rq", "Hello, everybody")


def test_a_command_ends_with_its_time(host: Host, play: Any) -> None:
    outcome = play("queue", "sleep 300", timeout=1)
    assert outcome.rc != 0
    assert "command 'sleep 300' took more than 1 seconds" in outcome.output
    assert host.run("pgrep --full 'sleep 30[0]'").rc != 0
    assert host.check_output("systemctl list-units --all --no-legend 'barehost-*'") == ""


def test_words_that_mean_nothing_run_nothing(play: Any) -> None:
    outcome = play("queu", "true")
    assert outcome.rc != 0
    assert "app: no app named 'queu' in web_apps; did you mean 'queue'?" in outcome.output
