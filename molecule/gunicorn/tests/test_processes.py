# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apps go on, or come back, whatever happens to their processes."""

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


def test_killed_worker_is_back_within_two_seconds(unit: Any, kill: Any, least: Any, soon: Any) -> None:
    before = unit("notes")
    master, victim = before.master, min(before.workers)
    assert least(lambda: kill(min(unit("notes").workers), SITE, "/notes/"), 2) < 2
    soon(lambda: len(unit("notes").workers) == 2 and victim not in unit("notes").workers)
    assert unit("notes").master == master


@pytest.mark.parametrize(("name", "path"), [("hello", "/"), ("notes", "/notes/")])
def test_killed_master_is_back_within_two_seconds(unit: Any, kill: Any, least: Any, name: str, path: str) -> None:
    master = unit(name).master
    assert least(lambda: kill(unit(name).master, SITE, path), 2) < 2
    assert unit(name).master != master


@pytest.mark.parametrize("verb", ["restart", "reload"])
@pytest.mark.parametrize(
    ("name", "method"),
    # nginx keeps its connections to workers with threads; what is no GET it must not send a second time.
    [("hello", "GET"), ("notes", "GET"), ("other", "GET"), ("other", "POST")],
)
def test_no_request_is_lost_when_an_app_is_told_to(
    host: Host, http: Http, busy: Any, *, verb: str, name: str, method: str
) -> None:
    path = "/" if name == "hello" else f"/{name}/"
    with http.watch(path, host=SITE, method=method, expected=200 if method == "GET" else 405, least=10) as seen:
        for _round in range(3):
            time.sleep(0.5)
            host.check_output(f"systemctl {verb} gunicorn@{name}.service")
        time.sleep(0.5)
    assert seen.failures == []
    assert seen.slowest < 5 * busy()


def test_connections_to_workers_with_threads_are_kept(host: Host, http: Http) -> None:
    def connections(port: int) -> list[str]:
        return host.check_output(f"ss -Htn state established 'dport = :{port}'").splitlines()

    for path in ("/other/", "/"):
        assert http(path, host=SITE).status == 200
    assert connections(5001)
    assert not connections(5000)


def test_many_restarts_do_not_wear_an_app_out(host: Host, http: Http) -> None:
    # systemd by itself gives up after five starts in ten seconds.
    host.check_output("for round in $(seq 8); do systemctl restart gunicorn@notes.service || exit; done")
    assert http("/notes/", host=SITE).status == 200


def test_stopped_app_starts_with_the_next_request(host: Host, http: Http) -> None:
    host.check_output("systemctl stop gunicorn@notes.service")
    assert http("/notes/", host=SITE).status == 200
    assert host.service("gunicorn@notes.service").is_running


def test_apps_start_with_the_machine(host: Host, http: Http, unit: Any, reboot: Any) -> None:
    listening = "ss -Hltn | awk '{print $4}' | sort -u"
    before = host.check_output(listening)
    reboot()
    for path in ("/", "/other/", "/notes/"):
        assert http(path, host=SITE).status == 200
    assert all(unit(name).master for name in ("hello", "other", "notes"))
    assert host.check_output(listening) == before
    assert host.check_output("systemctl --failed --no-legend") == ""


def test_what_an_app_writes_out_is_in_the_journal_under_its_name(host: Host) -> None:
    host.check_output("systemctl restart gunicorn@hello.service")
    host.check_output("journalctl --sync")
    assert "Listening at" in host.check_output("journalctl --identifier=gunicorn@hello --output=cat --lines=20")
