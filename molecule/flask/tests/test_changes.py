# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server is for development hosts; a change reaches the app that it is about, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

SITE = "toy.example.test"
NAMES = ("toy", "draft")
APP = {"name": "toy", "source": {"path": "examples/hello"}, "wsgi": "wsgi:app", "processes": 1}
SITES = [{"name": "toy", "domains": [SITE], "routes": [{"path": "/", "app": "toy"}]}]


@pytest.fixture
def others(unit: Any) -> Any:
    """Give the processes of all apps but one."""
    return lambda name: {other: unit(other).processes for other in NAMES if other != name}


def test_host_that_is_not_for_development_is_refused_before_it_is_asked(converge: Any, http: Http, others: Any) -> None:
    before = others("")
    variables = {"web_environment": "production", "web_apps": [APP | {"server": "flask"}], "web_sites": SITES}
    outcome = converge(variables, playbook="site", check=True)
    assert outcome.rc != 0
    assert "web_apps[0].server: 'flask' is a server for development, and 'toy' is to run" in outcome.output
    assert "set web_environment: development" in outcome.output
    assert [task.action for task in outcome.tasks] == ["barehost.web.model"]
    outcome = converge({"web_environment": "production"}, check=True)
    assert outcome.rc != 0
    assert outcome.tasks[-1].action == "barehost.web.publish"
    assert "flask_apps[1].server: 'flask' is a server for development, and 'draft' is to run" in outcome.output
    assert outcome.changed == 0
    assert others("") == before
    assert http("/", host=SITE).status == 200


def test_settings_reload_one_app_only(converge: Any, http: Http, others: Any, unit: Any, varied: Any) -> None:
    before, master = others("toy"), unit("toy").master
    with http.watch("/", host=SITE) as seen:
        outcome = converge(varied(toy={"threaded": False}))
    assert outcome.task("have the apps run").result["actions"] == ["reload flask@toy.service"]
    assert seen.failures == []
    assert unit("toy").master == master
    assert others("toy") == before


def test_environment_without_flask_is_told(converge: Any, host: Host, http: Http, others: Any, varied: Any) -> None:
    before = others("toy")
    host.check_output("python3 -m venv --without-pip /opt/bare")
    outcome = converge(varied(toy={"venv": "/opt/bare"}))
    assert outcome.rc != 0
    assert "entry 'toy': flask@toy.service does not come up" in outcome.output
    assert "/opt/bare has no module 'werkzeug', and the development server is part of Flask" in outcome.output
    assert others("toy") == before
    assert http("/draft/", host=SITE).status == 200


def test_app_that_changes_its_server_leaves_nothing_of_the_old_one(
    converge: Any, host: Host, http: Http, others: Any
) -> None:
    before = others("toy")
    for server, old in (("gunicorn", "flask"), ("flask", "gunicorn")):
        outcome = converge({"web_apps": [APP | {"server": server}], "web_sites": SITES}, playbook="site")
        assert outcome.rc == 0, outcome
        assert http("/", host=SITE).text == "Hello World!"
        assert host.service(f"{server}@toy.service").is_running
        left = host.run(f"find /etc /run -name '*toy*' -path '*{old}*' -not -path '/run/systemd/*'").stdout
        assert left == ""
        assert host.check_output(f"systemctl list-units --all --no-legend '{old}@toy*'") == ""
        assert others("toy") == before


def test_last_app_leaves_nothing_behind(converge: Any, host: Host) -> None:
    gone = {"flask_apps": [{"name": name, "state": "absent"} for name in NAMES], "nginx_sites": []}
    # An app that is removed may be so anywhere.
    assert converge(gone | {"web_environment": "production"}).rc == 0
    found = host.run("find /etc /run -name '*flask*' -not -path '/run/systemd/*'").stdout
    assert {*found.split()} <= {"/run/flask"}
    assert host.run("ls -A /run/flask").stdout == ""
    assert host.run("systemctl list-units --all --no-legend 'flask@*'").stdout == ""
