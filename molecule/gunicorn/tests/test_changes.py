# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change reaches the app that it is about, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"
NAMES = ("hello", "other", "notes")
# A second set of processes for code that is there.
SECOND = {
    "name": "second",
    "wsgi": "wsgi:application",
    "user": "hello",
    "directory": "/srv/hello/current",
    "environment_file": "/etc/barehost/apps/other.env",
    "writable": ["/srv"],
    "memory_deny_write_execute": False,
}


def test_more_workers_reload_one_app_only(converge: Any, unit: Any, varied: Any, soon: Any) -> None:
    before = {name: unit(name).processes for name in NAMES}
    master = unit("hello").master
    outcome = converge(varied(hello={"processes": 3}))
    assert outcome.task("have the apps run").result["actions"] == ["reload gunicorn@hello.service"]
    soon(lambda: len(unit("hello").workers - before["hello"]) == 3)
    assert unit("hello").master == master
    assert {name: unit(name).processes for name in ("other", "notes")} == {
        name: before[name] for name in ("other", "notes")
    }


def test_environment_restarts_one_app_only(converge: Any, http: Http, unit: Any, varied: Any) -> None:
    before = {name: unit(name).processes for name in NAMES}
    outcome = converge(varied(key="app_apps", notes={"environment": {"HELLO_GREETING": "Good night"}}))
    assert outcome.task("have the apps run").result["actions"] == ["restart gunicorn@notes.service"]
    assert http("/notes/", host=SITE).text == "Good night"
    assert unit("notes").master not in before["notes"]
    assert {name: unit(name).processes for name in ("hello", "other")} == {
        name: before[name] for name in ("hello", "other")
    }


def test_app_moves_from_a_port_to_a_socket_and_back(converge: Any, host: Host, http: Http, varied: Any) -> None:
    outcome = converge(varied(hello={"bind": ""}))
    assert outcome.rc == 0, outcome
    assert http("/", port=5000).status == 0
    assert http("/", host=SITE).text == "Hello World!"
    assert host.file("/run/gunicorn/hello.sock").is_socket
    assert converge().rc == 0
    assert http("/", port=5000).text == "Hello World!"
    assert not host.file("/run/gunicorn/hello.sock").exists
    assert host.check_output("systemctl show --property=NeedDaemonReload --value gunicorn@hello.socket") == "no"


def test_app_comes_and_goes_without_the_others_noticing(
    converge: Any, host: Host, http: Http, unit: Any, varied: Any
) -> None:
    before = {name: unit(name).processes for name in NAMES}
    outcome = converge(varied(SECOND))
    assert outcome.rc == 0, outcome
    told = http("/request", unix="/run/gunicorn/second.sock").json()
    assert told["environ"]["REMOTE_ADDR"] == "127.0.0.1"
    assert http("/", unix="/run/gunicorn/second.sock").text == "Good morning"
    assert {name: unit(name).processes for name in NAMES} == before

    outcome = converge(varied({"name": "second", "state": "absent"}))
    assert outcome.rc == 0, outcome
    left = host.run("find /etc /run /srv /var/lib -name '*second*' -not -path '*/hello/*'").stdout
    assert left == ""
    assert host.check_output("systemctl list-units --all --no-legend 'gunicorn@second*'") == ""
    assert {name: unit(name).processes for name in NAMES} == before


def test_forgotten_app_goes_on_until_it_is_purged(converge: Any, host: Host, http: Http, varied: Any) -> None:
    assert converge(varied(SECOND)).rc == 0
    outcome = converge()
    assert "second" in outcome.task("have the apps run").result["orphans"]
    assert http("/", unix="/run/gunicorn/second.sock").status == 200
    outcome = converge({"gunicorn_purge": True})
    assert outcome.rc == 0, outcome
    assert host.run("find /etc /run /var/lib -name '*second*'").stdout == ""
    assert not host.service("gunicorn@second.service").is_running


def test_last_app_leaves_nothing_behind(converge: Any, host: Host) -> None:
    gone = [{"name": name, "state": "absent"} for name in NAMES]
    outcome = converge({"gunicorn_apps": gone, "nginx_sites": []})
    assert outcome.rc == 0, outcome
    assert host.run("find /etc /run -name '*gunicorn*' -not -path '/run/systemd/*'").stdout in ("", "/run/gunicorn\n")
    assert host.run("ls -A /run/gunicorn").stdout == ""
    assert host.run("systemctl list-units --all --no-legend 'gunicorn@*'").stdout == ""
    assert converge({"gunicorn_apps": gone, "nginx_sites": []}).changed == 0


def test_new_app_can_be_checked_before_its_user_exists(converge: Any, varied: Any) -> None:
    new = {"name": "newcomer", "wsgi": "wsgi:app"}
    outcome = converge(varied(new), check=True)
    assert outcome.rc == 0, outcome
    assert "/etc/gunicorn/newcomer.conf.py" in outcome.output


def test_missing_user_is_told_before_anything_changes(converge: Any, host: Host, unit: Any, varied: Any) -> None:
    before = {name: unit(name).processes for name in NAMES}
    outcome = converge(varied({"name": "newcomer", "wsgi": "wsgi:app"}))
    assert outcome.rc != 0
    assert "entry 'newcomer'" in outcome.output
    assert "Create the account first" in outcome.output
    assert not host.file("/etc/gunicorn/newcomer.conf.py").exists
    assert {name: unit(name).processes for name in NAMES} == before


def test_nothing_to_do_takes_one_call(converge: Any) -> None:
    outcome = converge()
    assert outcome.changed == 0
    assert outcome.task("have the apps run").action == "barehost.web.publish"
