# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apps go on, or come back, whatever happens to their processes or their code."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.http import Http
    from testinfra.host import Host

#: They take as long as playbooks; what they see hangs on the server and not on Debian.
pytestmark = pytest.mark.costly
TOY = "toy.example.test"
NAMES = ("toy", "hello", "plain", "own")
MODULE = "/srv/toy/current/trouble.py"
BROKEN = 'raise RuntimeError("no such table: toys")'
SOUND = "from wsgi import app"


def test_killed_worker_is_back_within_two_seconds(unit: Any, kill: Any, least: Any, soon: Any) -> None:
    before = unit("toy").workers
    master, victim = unit("toy").master, min(before)
    assert least(lambda: kill(min(unit("toy").workers), TOY), 2) < 2
    soon(lambda: len(unit("toy").workers) == len(before) and victim not in unit("toy").workers)
    assert unit("toy").master == master


def test_killed_master_is_back_within_two_seconds(unit: Any, kill: Any, least: Any) -> None:
    master = unit("toy").master
    assert least(lambda: kill(unit("toy").master, TOY), 2) < 2
    assert unit("toy").master != master


@pytest.mark.parametrize("verb", ["restart", "reload"])
def test_no_request_is_lost_when_an_app_is_told_to(host: Host, http: Http, unit: Any, busy: Any, verb: str) -> None:
    before = unit("toy").workers
    with http.watch("/", host=TOY, least=10) as seen:
        for _round in range(3):
            time.sleep(0.5)
            host.check_output(f"systemctl {verb} uwsgi@toy.service")
        time.sleep(0.5)
    assert seen.failures == []
    assert seen.slowest < 5 * busy()
    assert not before & unit("toy").workers


def test_request_in_flight_is_finished_before_a_restart(host: Host, http: Http) -> None:
    with http.watch("/wait/1.0", host=TOY, least=2) as seen:
        time.sleep(0.5)
        host.check_output("systemctl restart uwsgi@toy.service")
        time.sleep(1.5)
    assert seen.failures == []


def test_apps_start_with_the_machine(host: Host, http: Http, unit: Any, reboot: Any) -> None:
    reboot()
    assert http("/", host=TOY).status == 200
    assert all(unit(name).master for name in NAMES)
    assert host.check_output("systemctl --failed --no-legend") == ""


@pytest.fixture
def module(host: Host, converge: Any) -> Iterator[Any]:
    """Change the code of an app behind everybody's back."""
    yield lambda code: host.check_output(f"echo '{code}' > {MODULE} && chgrp toy {MODULE} && chmod 0640 {MODULE}")
    converge()
    host.run(f"rm -f {MODULE}")


def test_code_that_cannot_work_is_told_and_heals(
    converge: Any, http: Http, unit: Any, *, varied: Any, module: Any, soon: Any
) -> None:
    # A reload leaves the workers alone.
    before = unit("toy").processes
    module(BROKEN)
    outcome = converge(varied(toy={"wsgi": "trouble:app"}))
    assert outcome.rc != 0
    assert "entry 'toy': uwsgi@toy.service" in outcome.output
    assert "RuntimeError: no such table: toys" in outcome.output
    assert unit("toy").processes == before
    assert http("/", host=TOY).status == 200
    module(SOUND)
    outcome = converge(varied(toy={"wsgi": "trouble:app"}))
    assert outcome.rc == 0, outcome
    assert http("/", host=TOY).status == 200

    # A start is tried until the code is repaired.
    module(BROKEN)
    outcome = converge(varied(toy={"wsgi": "trouble:app", "memory_max": "256M"}))
    assert outcome.rc != 0
    assert "entry 'toy': uwsgi@toy.service does not come up" in outcome.output
    assert "RuntimeError: no such table: toys" in outcome.output
    assert http("/", host="example.test").status == 200
    module(SOUND)
    soon(lambda: http("/", host=TOY).status == 200)


@pytest.mark.parametrize("name", NAMES)
def test_exposure_is_at_most_what_was_reached(host: Host, name: str) -> None:
    done = host.run(f"systemd-analyze security --no-pager --threshold=12 uwsgi@{name}.service")
    assert done.rc == 0, done.stdout


def test_unit_files_are_sound(host: Host) -> None:
    done = host.run("systemd-analyze verify uwsgi@hello.service uwsgi@toy.socket")
    assert (done.rc, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize(("user", "can"), [("www-data", True), ("nobody", False), ("hello", False), ("toy", False)])
def test_only_the_web_server_can_connect(host: Host, user: str, can: bool) -> None:
    connect = "python3 -c \"import socket; socket.socket(socket.AF_UNIX).connect('/run/uwsgi/toy.sock')\""
    assert (host.run(f"runuser -u {user} -- {connect}").rc == 0) is can
