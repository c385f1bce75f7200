# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The same in a container: supervisord is its first process, and there is no systemd."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from testbed.podman import podman_ok

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

APPS = [("hello", 8000, "Hello World!"), ("other", 5000, "Good morning")]


def test_supervisord_is_the_first_process_and_there_is_no_systemd(host: Host) -> None:
    assert host.check_output("tr '\\0' ' ' < /proc/1/cmdline").split()[1] == "/usr/bin/supervisord"
    assert not host.file("/run/systemd/system").exists


@pytest.mark.parametrize(("name", "port", "text"), APPS)
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_every_app_answers_on_its_port(http: Http, name: str, port: int, text: str, address: str) -> None:
    answer = http("/", address=address, port=port)
    assert (answer.status, answer.text) == (200, text), name


def test_processes_have_no_privilege_and_cannot_get_any(host: Host, program: Any) -> None:
    for process in program("hello").processes:
        lines = host.file(f"/proc/{process}/status").content_string.splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert status["NoNewPrivs"] == "1"
        assert {int(uid) for uid in status["Uid"].split()} == {host.user("hello").uid}
        assert {int(status[f"Cap{kind}"], 16) for kind in ("Prm", "Eff", "Amb")} == {0}


def test_environment_and_logs_are_shown_to_nobody(host: Host) -> None:
    assert "Good morning" not in host.check_output("ps -eo args")
    for path in ("/etc/barehost/apps/other.env", "/var/log/supervisor/other.stderr.log"):
        assert host.file(path).exists
        assert host.run(f"runuser -u nobody -- test -r {path}").rc != 0


def test_killed_worker_and_killed_master_come_back(host: Host, http: Http, program: Any, soon: Any, busy: Any) -> None:
    master, workers = program("hello").master, program("hello").workers
    host.check_output(f"kill -KILL {min(workers)}")
    soon(lambda: len(program("hello").workers - {min(workers)}) == 2)
    host.check_output(f"kill -KILL {master}")
    start = time.monotonic()
    assert http("/", port=8000).status == 200
    assert time.monotonic() - start < 2 * busy()
    soon(lambda: program("hello").master not in {0, master})
    soon(lambda: not {int(pid) for pid in host.run("pgrep -u hello").stdout.split()} & workers)


def test_change_reaches_one_app_and_no_request_is_lost(converge: Any, http: Http, program: Any, varied: Any) -> None:
    before, master = program("other").processes, program("hello").master
    with http.watch("/", port=8000) as seen:
        outcome = converge(varied(key="web_apps", hello={"timeout": 40, "environment": {"HELLO_GREETING": "Hi"}}))
    assert outcome.task("program sections").result["actions"] == ["restart hello.program"]
    assert seen.failures == []
    assert http("/", port=8000).text == "Hi"
    assert program("hello").master != master
    assert program("other").processes == before


def test_app_for_systemd_is_refused_with_a_way_out(converge: Any, varied: Any) -> None:
    outcome = converge(varied(key="web_apps", hello={"manager": "systemd"}))
    assert outcome.rc != 0
    assert "This host does not run systemd" in outcome.output
    assert "manager: supervisor" in outcome.output


def test_app_comes_and_goes_without_the_others_noticing(
    converge: Any, host: Host, http: Http, program: Any, varied: Any
) -> None:
    before = program("hello").processes | program("other").processes
    second = {
        "name": "second",
        "source": {"path": "examples/hello"},
        "wsgi": "wsgi:missing",
        "manager": "supervisor",
        "bind": ":5002",
    }
    outcome = converge(varied(second, key="web_apps"))
    assert outcome.rc != 0
    assert "app 'second': starting the new release in private" in outcome.output
    assert "missing" in outcome.output
    assert converge(varied(second | {"wsgi": "wsgi:app"}, key="web_apps")).rc == 0
    assert http("/", port=5002).text == "Hello World!"
    assert converge(varied({"name": "second", "state": "absent"}, key="web_apps")).rc == 0
    assert http("/", port=5002).status == 0
    assert host.run("find /etc /run /srv /var/lib /var/log -name '*second*'").stdout == ""
    assert program("hello").processes | program("other").processes == before


def test_apps_start_with_the_container(host: Host, http: Http, machine: Any, soon: Any) -> None:
    podman_ok("restart", "--time=20", machine.container)
    for name, port, text in APPS:
        soon(lambda port=port, text=text: http("/", port=port).text == text)
        assert name in host.check_output("supervisorctl status")


def test_what_somebody_has_stopped_is_started_again(converge: Any, host: Host, http: Http) -> None:
    host.check_output("supervisorctl stop all")
    assert http("/", port=8000, timeout=1).status == 0
    outcome = converge()
    assert outcome.task("program sections").result["actions"] == [
        "start barehost.sockets.program",
        "start hello.program",
        "start other.program",
    ]
    for _name, port, text in APPS:
        assert http("/", port=port).text == text
