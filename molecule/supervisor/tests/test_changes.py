# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change reaches the program that it is about, and no other; a mistake is told and changes nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"
NAMES = ("hello", "other", "toy")
MODULE = "/srv/hello/current/trouble.py"
BROKEN = 'raise RuntimeError("no such table: toys")'
SOUND = "from wsgi import app"
# A second set of processes for code that is there.
SECOND = {
    "name": "second",
    "wsgi": "wsgi:app",
    "user": "hello",
    "directory": "/srv/hello/current",
    "manager": "supervisor",
    "bind": ":5002",
}
ROLES = ("gunicorn", "uwsgi", "supervisor")


@pytest.fixture
def apps(varied: Any) -> Callable[..., dict[str, Any]]:
    """Give the apps of the inventory with changes; a second app runs code of the first, and is not released."""

    def vary(*more: dict[str, Any], **changes: dict[str, Any]) -> dict[str, Any]:
        released: dict[str, Any] = varied(key="web_apps", **changes)
        parts = {f"{role}_apps": f"{{{{ (web_apps + more_apps) | barehost.web.entries('{role}') }}}}" for role in ROLES}
        return {**released, **(parts if more else {}), "more_apps": [*more]}

    return vary


@pytest.fixture
def others(program: Any) -> Any:
    """Give the processes of all apps but one."""
    return lambda name: {other: program(other).processes for other in NAMES if other != name}


@pytest.fixture
def own(host: Host) -> Iterator[str]:
    """Give a section of the administrator's own, which supervisord has not read."""
    path = "/etc/supervisor/conf.d/own.conf"
    host.check_output(f"printf '[program:own]\\ncommand=/bin/sleep infinity\\n' > {path}")
    yield path
    host.check_output(f"rm {path}")


@pytest.fixture
def module(host: Host) -> Iterator[Callable[[str], object]]:
    """Change the code of an app behind everybody's back."""
    yield lambda code: host.check_output(f"echo '{code}' > {MODULE} && chgrp hello {MODULE} && chmod 0640 {MODULE}")
    host.check_output(f"rm {MODULE}")


def test_settings_reload_their_app_only(converge: Any, program: Any, apps: Any) -> None:
    before, masters = program("other").processes, [program(name).master for name in ("hello", "toy")]
    workers = program("hello").workers | program("toy").workers
    outcome = converge(apps(hello={"timeout": 40}, toy={"timeout": 40}))
    assert outcome.task("program sections").result["actions"] == ["reload hello.program", "reload toy.program"]
    assert [program(name).master for name in ("hello", "toy")] == masters
    assert not (program("hello").workers | program("toy").workers) & workers
    assert program("other").processes == before


def test_environment_and_section_restart_one_app_only_and_requests_wait(
    converge: Any, host: Host, http: Http, *, program: Any, others: Any, apps: Any
) -> None:
    before = others("hello")
    changes: dict[str, Any] = {}
    for change in ({"environment": {"HELLO_GREETING": "Good night"}}, {"graceful_timeout": 20}):
        changes |= change
        master = program("hello").master
        with http.watch("/", host=SITE) as seen:
            outcome = converge(apps(hello=changes))
        assert outcome.task("program sections").result["actions"] == ["restart hello.program"]
        assert seen.failures == []
        assert http("/", host=SITE).text == "Good night"
        assert program("hello").master != master
    assert others("hello") == before
    assert host.check_output("supervisorctl reread") == "No config updates to processes"


def test_what_a_killed_run_still_owed_is_made_good(converge: Any, host: Host, program: Any, others: Any) -> None:
    before, master = others("hello"), program("hello").master
    host.check_output("printf restart > /var/lib/barehost/marks/hello.program")
    assert converge().task("program sections").result["actions"] == ["restart hello.program"]
    assert program("hello").master != master
    assert others("hello") == before
    assert not host.file("/var/lib/barehost/marks/hello.program").exists


def test_app_that_cannot_be_loaded_is_told_and_the_others_never_notice(
    converge: Any, http: Http, others: Any, *, apps: Any, module: Any
) -> None:
    before = others("")
    module(BROKEN)
    with http.watch("/", host=SITE) as seen:
        outcome = converge(apps(SECOND | {"wsgi": "trouble:app"}, hello={"wsgi": "trouble:app"}))
    assert outcome.rc != 0
    assert "entry 'second': second.program does not come up: it ends as soon as it is started" in outcome.output
    assert "entry 'hello': hello.program does not come up: it was not reloaded and goes on as it was" in outcome.output
    assert outcome.output.count("RuntimeError: no such table: toys") >= 2
    assert seen.failures == []
    assert others("") == before
    # A request to the one that is broken waits in its socket until it is repaired.
    module(SOUND)
    assert http("/", port=5002, timeout=60).text == "Hello World!"


def test_app_comes_and_goes_without_the_others_noticing(
    converge: Any, host: Host, http: Http, *, others: Any, apps: Any, own: str
) -> None:
    before = others("")
    outcome = converge(apps(SECOND), check=True)
    assert outcome.rc == 0, outcome
    assert "/etc/supervisor/conf.d/second.conf" in outcome.output
    assert converge(apps(SECOND)).rc == 0
    assert http("/", port=5002).text == "Hello World!"
    assert others("") == before
    assert "own" not in host.run("supervisorctl status").stdout, "that is for its owner to start"
    assert converge(apps(SECOND | {"state": "absent"})).rc == 0
    assert http("/", port=5002).status == 0
    assert host.run("find /etc /run /var/lib /var/log -name '*second*'").stdout == ""
    assert "second" not in host.run("supervisorctl status").stdout
    assert others("") == before
    assert host.file(own).exists


def test_app_moves_to_systemd_and_back(converge: Any, host: Host, http: Http, others: Any, apps: Any) -> None:
    before = others("hello")
    outcome = converge(apps(hello={"manager": "systemd"}))
    assert outcome.rc == 0, outcome
    assert http("/", host=SITE).text == "Hello World!"
    assert host.service("gunicorn@hello.service").is_running
    assert "hello" not in host.run("supervisorctl status").stdout
    assert not host.file("/etc/supervisor/conf.d/hello.conf").exists
    assert converge().rc == 0
    assert http("/", host=SITE).text == "Hello World!"
    assert not host.service("gunicorn@hello.service").is_running
    assert host.run("find /etc/systemd -name '*gunicorn@hello*'").stdout == ""
    assert others("hello") == before


def test_logs_are_put_aside_and_the_last_app_leaves_nothing_behind(
    converge: Any, host: Host, http: Http, soon: Any
) -> None:
    assert converge({"supervisor_log_size": "1KB", "supervisor_log_backups": 1}).rc == 0
    for _round in range(3):
        host.check_output("supervisorctl restart hello")
    soon(lambda: host.file("/var/log/supervisor/hello.stderr.log.1").exists)
    assert host.file("/var/log/supervisor/hello.stderr.log").size < 1100
    assert not host.file("/var/log/supervisor/hello.stderr.log.2").exists

    gone = {"supervisor_apps": [{"name": name, "state": "absent"} for name in NAMES], "nginx_sites": []}
    assert converge(gone).rc == 0
    folders = "/etc/supervisor /etc/systemd/system/supervisor.service.d /var/log/supervisor /run/gunicorn /run/uwsgi"
    found = host.run(f"find {folders} -name '*barehost*' {' '.join(f'-o -name {name}.*' for name in NAMES)}").stdout
    assert found == ""
    assert host.run("supervisorctl status").stdout == ""
    assert http("/", port=5000).status == 0
    assert converge(gone).changed == 0
