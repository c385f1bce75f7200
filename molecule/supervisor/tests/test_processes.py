# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apps go on, or come back, whatever happens to their processes or to supervisord."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

#: They take as long as playbooks; what they see hangs on the server and not on Debian.
pytestmark = pytest.mark.costly
SITE = "example.test"
APPS = [("hello", "/"), ("toy", "/toy/")]


@pytest.mark.parametrize(("name", "path"), APPS)
def test_killed_worker_is_back_within_two_seconds(
    host: Host, http: Http, program: Any, *, soon: Any, busy: Any, name: str, path: str
) -> None:
    master, before = program(name).master, program(name).workers
    victim = min(before)
    host.check_output(f"kill -KILL {victim}")
    children = f"cat /proc/{master}/task/{master}/children"
    assert soon(lambda: len({*host.check_output(children).split()} - {str(victim)}) == len(before)) < 2 * busy()
    assert http(path, host=SITE).status == 200
    assert program(name).master == master


@pytest.mark.parametrize(("name", "path"), APPS)
def test_killed_master_is_back_within_two_seconds_and_nothing_is_left_of_the_old_one(
    host: Host, http: Http, program: Any, *, busy: Any, soon: Any, name: str, path: str
) -> None:
    before = program(name).processes
    master = program(name).master
    with http.watch(path, host=SITE) as seen:
        host.check_output(f"kill -KILL {master}")
        started = f"pgrep -u {name} -P $(systemctl show --property=MainPID --value supervisor)"
        seconds = soon(lambda: host.run(started).stdout.split() not in ([], [str(master)]))
        soon(lambda: program(name).master not in {0, master} and len(program(name).workers) == 2)
        soon(lambda: not {int(pid) for pid in host.run(f"pgrep -u {name}").stdout.split()} & before)
    assert seconds < 2 * busy()
    assert seen.slowest < 5 * busy()
    assert {failure.status for failure in seen.failures} <= {502}
    assert len(seen.failures) <= 2, "only what the killed ones had in hand is lost"


@pytest.mark.parametrize(("name", "path"), APPS)
def test_no_request_is_lost_when_an_app_restarts(host: Host, http: Http, program: Any, name: str, path: str) -> None:
    before = program(name).processes
    with http.watch(path, host=SITE, least=10) as seen:
        for _round in range(2):
            time.sleep(0.5)
            host.check_output(f"supervisorctl restart {name}")
        time.sleep(0.5)
    assert seen.failures == []
    assert not before & program(name).processes


@pytest.mark.parametrize(("name", "path"), APPS)
def test_request_in_flight_is_finished_before_a_restart(host: Host, http: Http, name: str, path: str) -> None:
    with http.watch(f"{path}wait/1.0", host=SITE, least=2) as seen:
        time.sleep(0.5)
        host.check_output(f"supervisorctl restart {name}")
        time.sleep(1.5)
    assert seen.failures == []


def test_apps_do_not_need_the_keeper_of_the_sockets_to_go_on(host: Host, http: Http, program: Any, soon: Any) -> None:
    before = {name: program(name).processes for name in ("hello", "other", "toy")}
    keeper = host.check_output("supervisorctl pid barehost.sockets")
    host.check_output(f"kill -KILL {keeper}")
    assert http("/", host=SITE).status == 200
    soon(lambda: host.run("supervisorctl pid barehost.sockets").stdout.strip() not in {"0", keeper})
    assert {name: program(name).processes for name in ("hello", "other", "toy")} == before
    host.check_output("supervisorctl restart hello other toy")
    for path in ("/", "/other/", "/toy/"):
        assert http(path, host=SITE).status == 200


def test_killed_supervisord_is_back_and_nothing_is_left_of_the_old_one(
    host: Host, http: Http, program: Any, soon: Any
) -> None:
    before = {process for name in ("hello", "other", "toy") for process in program(name).processes}
    host.check_output("systemctl kill --signal=KILL --kill-whom=main supervisor.service")
    soon(lambda: all(http(path, host=SITE).status == 200 for path in ("/", "/other/", "/toy/")))
    running = host.check_output("ps -eo pid").split()
    assert not {str(process) for process in before} & {*running}


def test_apps_start_with_the_machine(host: Host, http: Http, soon: Any, reboot: Any) -> None:
    reboot()
    for path in ("/", "/other/", "/toy/", "/beside/"):
        soon(lambda path=path: http(path, host=SITE).status == 200)
    assert host.check_output("systemctl --failed --no-legend") == ""
