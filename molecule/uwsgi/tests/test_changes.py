# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change reaches the app that it is about, and no other; a mistake changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

SITE, TOY = "example.test", "toy.example.test"
NAMES = ("toy", "hello", "plain", "own")


@pytest.fixture
def others(unit: Any) -> Any:
    """Give the processes of all apps but one."""
    return lambda name: {other: unit(other).processes for other in NAMES if other != name}


def test_settings_reload_and_environment_restarts_one_app_only(
    converge: Any, http: Http, unit: Any, others: Any, varied: Any
) -> None:
    before, master = others("toy"), unit("toy").master
    settings = varied(toy={"timeout": 40})
    outcome = converge(settings)
    assert outcome.task("have the apps run").result["actions"] == ["reload uwsgi@toy.service"]
    assert unit("toy").master == master
    assert others("toy") == before
    environment = {"HELLO_GREETING": "Good night"}
    outcome = converge({**settings, **varied(key="app_apps", toy={"environment": environment})})
    assert outcome.task("have the apps run").result["actions"] == ["restart uwsgi@toy.service"]
    assert http("/", host=TOY).text == "Good night"
    assert unit("toy").master != master
    assert others("toy") == before


def test_unknown_option_is_refused_by_uwsgi_before_anything_changes(
    converge: Any, host: Host, http: Http, others: Any, varied: Any
) -> None:
    before, ini = others(""), host.file("/etc/uwsgi/toy.ini").content_string
    outcome = converge(varied(toy={"options": {"log-slwo": 5}}))
    assert outcome.rc != 0
    assert "unknown config directive: log-slwo" in outcome.output
    assert "entry 'toy': /etc/uwsgi/toy.ini" in outcome.output
    assert host.file("/etc/uwsgi/toy.ini").content_string == ini
    assert others("") == before
    assert http("/", host=TOY).status == 200


def test_app_that_moves_to_gunicorn_leaves_nothing_of_uwsgi_behind(
    converge: Any, host: Host, http: Http, others: Any
) -> None:
    before = others("toy")
    site = {"name": "toy", "domains": [TOY], "routes": [{"path": "/", "app": "toy"}]}
    app = {"name": "toy", "server": "gunicorn", "source": {"path": "examples/hello"}, "wsgi": "wsgi:app"}
    moved = {"web_apps": [app], "web_sites": [site]}
    outcome = converge(moved, playbook="site")
    assert outcome.rc == 0, outcome
    assert http("/", host=TOY).text == "Hello World!"
    assert host.service("gunicorn@toy.service").is_running
    assert host.run("find /etc /run -name '*toy*' -path '*uwsgi*' -not -path '/run/systemd/*'").stdout == ""
    assert host.check_output("systemctl list-units --all --no-legend 'uwsgi@toy*'") == ""
    assert others("toy") == before
    assert converge(moved, playbook="site").changed == 0
    assert converge({"web_apps": [app | {"state": "absent"}], "web_sites": []}, playbook="site").rc == 0


def test_app_comes_and_goes_without_the_others_noticing(
    converge: Any, host: Host, http: Http, others: Any, varied: Any
) -> None:
    before = others("")
    second = {"name": "second", "wsgi": "wsgi:app", "user": "toy", "directory": "/srv/toy/current", "bind": ":5002"}
    assert converge(varied(second | {"protocol": "http"})).rc == 0
    assert http("/", port=5002).text == "Hello World!"
    assert others("") == before
    assert converge(varied({"name": "second", "state": "absent"})).rc == 0
    assert host.run("find /etc /run /var/lib -name '*second*'").stdout == ""
    assert others("") == before


def test_last_app_leaves_nothing_behind(converge: Any, host: Host) -> None:
    gone = {"uwsgi_apps": [{"name": name, "state": "absent"} for name in NAMES], "nginx_sites": []}
    outcome = converge(gone)
    assert outcome.rc == 0, outcome
    # In this call, not in one of another role.
    assert "stop uwsgi@toy.service" in outcome.task("have the apps run").result["actions"]
    packaged = "-path '/run/systemd/*' -o -path '/etc/nginx/*' -o -path '/etc/alternatives/*'"
    found = host.run(f"find /etc /run -name '*uwsgi*' -not '(' {packaged} ')'").stdout
    assert {*found.split()} <= {"/run/uwsgi"}
    assert host.run("ls -A /run/uwsgi").stdout == ""
    assert host.run("systemctl list-units --all --no-legend 'uwsgi@*'").stdout == ""
    assert converge(gone).changed == 0
