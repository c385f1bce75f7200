# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change reaches the app that it is about, and no other; a mistake changes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

SITE, TOY = "example.test", "toy.example.test"
NAMES = ("toy", "hello", "own")
TASK = "have the apps run"
MASTER = "systemctl show --property=MainPID --value mod_wsgi@hello.service"


@pytest.fixture
def others(unit: Any) -> Any:
    """Give the processes of all apps but one."""
    return lambda name: {other: unit(other).processes for other in NAMES if other != name}


def test_settings_reload_one_app_only(converge: Any, http: Http, unit: Any, others: Any, varied: Any) -> None:
    before, master = others("toy"), unit("toy").master
    with http.watch("/", host=TOY, least=50) as seen:
        outcome = converge(varied(toy={"processes": 3}))
    assert outcome.task(TASK).result["actions"] == ["reload mod_wsgi@toy.service"]
    assert others("toy") == before
    # Another Apache has taken over; requests find the one or the other.
    assert unit("toy").master != master
    assert seen.failures == []


def test_environment_reloads_one_app_only_and_loses_nothing(
    converge: Any, host: Host, http: Http, others: Any, varied: Any
) -> None:
    before, master = others("hello"), host.check_output(MASTER)
    with http.watch("/", host=SITE) as seen:
        outcome = converge(varied(key="app_apps", hello={"environment": {"HELLO_SECRET": "s3cret-value"}}))
        assert outcome.task(TASK).result["actions"] == ["reload mod_wsgi@hello.service"]
        # What is gone from the variables is gone from the app as well.
        assert {http("/", host=SITE).text for _number in range(9)} == {"Hello World!"}
    assert seen.failures == []
    assert host.check_output(MASTER) == master
    assert others("hello") == before
    told = [outcome.output, json.dumps([task.result for task in outcome.tasks])]
    assert not [text for text in (*told, host.check_output("journalctl --no-pager -o cat")) if "s3cret-value" in text]
    assert host.run("grep -rl s3cret-value /etc /run /srv /var/lib").stdout.split() == [
        "/etc/barehost/apps/hello.env",
        "/run/mod_wsgi/hello/environment",
    ]
    assert host.check_output("ps axww -o args | grep s3cret-value | grep -vc grep || true") == "0"


@pytest.mark.parametrize(("user", "can"), [("hello", True), ("toy", False), ("www-data", False), ("nobody", False)])
def test_environment_is_for_the_app_alone(host: Host, user: str, can: bool) -> None:
    assert (host.run(f"runuser -u {user} -- cat /run/mod_wsgi/hello/environment").rc == 0) is can


def test_release_loses_nothing(converge: Any, http: Http, others: Any, varied: Any) -> None:
    before, workers = others("toy"), {http("/request", host=TOY).json()["worker"] for _number in range(20)}
    with http.watch("/", host=TOY) as seen:
        outcome = converge(varied(key="app_apps", toy={"requirements": ["six"]}))
        later = {http("/request", host=TOY).json()["worker"] for _number in range(20)}
    assert outcome.task(TASK).result["actions"] == ["reload mod_wsgi@toy.service"]
    assert seen.failures == []
    assert not workers & later, "the old release answers"
    assert others("toy") == before


def test_unknown_option_is_refused_by_apache_before_anything_changes(
    converge: Any, host: Host, http: Http, others: Any, varied: Any
) -> None:
    before, conf = others(""), host.file("/etc/mod_wsgi/toy.conf").content_string
    outcome = converge(varied(toy={"options": {"inactivty-timeout": 5}}))
    assert outcome.rc != 0
    assert "Invalid option to WSGI daemon process" in outcome.output
    assert "entry 'toy': /etc/mod_wsgi/toy.conf" in outcome.output
    assert host.file("/etc/mod_wsgi/toy.conf").content_string == conf
    assert others("") == before
    assert http("/", host=TOY).status == 200
    converge.differs = False


def test_python_of_the_app_must_be_that_of_its_module(
    converge: Any, host: Host, http: Http, others: Any, varied: Any
) -> None:
    before = others("")
    theirs = host.check_output("python3 -c 'import sys; print(\"3.%d\" % sys.version_info.minor)'")
    host.check_output("install -d /opt/other/bin && echo 'version = 3.9.2' > /opt/other/pyvenv.cfg")
    outcome = converge(varied(toy={"venv": "/opt/other"}))
    assert outcome.rc != 0
    assert "of app 'toy' has Python 3.9, but Debian's mod_wsgi runs apps on Python " + theirs in outcome.output
    assert "leave 'python' out" in outcome.output
    assert "install: source" in outcome.output
    assert others("") == before
    assert http("/", host=TOY).status == 200
    host.check_output("rm -r /opt/other")
    converge.differs = False


def test_release_for_another_python_is_not_even_made(converge: Any, host: Host, others: Any, varied: Any) -> None:
    before, live = others(""), host.check_output("readlink /srv/toy/current")
    theirs = host.check_output("python3 -c 'import sys; print(\"3.%d\" % sys.version_info.minor)'")
    ours = {"3.11": "3.13", "3.13": "3.11"}[theirs]
    host.check_output(f"ln -s /bin/true /usr/local/bin/python{ours}")
    outcome = converge(varied(key="app_apps", toy={"python": ours, "install": "debian"}))
    host.check_output(f"rm /usr/local/bin/python{ours}")
    assert outcome.rc != 0
    assert f"runs apps on python{theirs} only" in outcome.output
    assert "install: source" in outcome.output
    assert host.check_output("readlink /srv/toy/current") == live
    assert others("") == before
    converge.differs = False


def test_broken_app_is_named_with_its_traceback_and_nobody_else_notices(
    converge: Any, host: Host, http: Http, others: Any, varied: Any
) -> None:
    before = others("")
    host.check_output("install -d /opt/broken && echo 'import no_such_module' > /opt/broken/wsgi.py")
    place = {"user": "toy", "directory": "/opt/broken", "venv": "/srv/toy/current/.venv"}
    with http.watch("/", host=TOY) as seen:
        outcome = converge(varied({"name": "broken", "wsgi": "wsgi:app", **place}))
    assert outcome.rc != 0
    assert "entry 'broken': mod_wsgi@broken.service does not come up" in outcome.output
    assert "ModuleNotFoundError: No module named 'no_such_module'" in outcome.output
    assert others("") == before
    assert seen.failures == []
    host.check_output("rm -r /opt/broken")


def test_app_that_moves_to_gunicorn_and_back_leaves_nothing_behind(
    converge: Any, host: Host, http: Http, others: Any
) -> None:
    before = others("toy")
    site = {"name": "toy", "domains": [TOY], "routes": [{"path": "/", "app": "toy"}]}
    app = {"name": "toy", "server": "gunicorn", "source": {"path": "examples/hello"}, "wsgi": "wsgi:app"}
    moved = {"web_apps": [app], "web_sites": [site]}
    assert converge(moved, playbook="site").rc == 0
    assert http("/", host=TOY).text == "Hello World!"
    assert host.service("gunicorn@toy.service").is_running
    assert host.run("find /etc /run -name '*toy*' -path '*mod_wsgi*' -not -path '/run/systemd/*'").stdout == ""
    assert host.check_output("systemctl list-units --all --no-legend 'mod_wsgi@toy*'") == ""
    assert others("toy") == before
    # One word.
    moved["web_apps"] = [app | {"server": "mod_wsgi"}]
    outcome = converge(moved, playbook="site")
    assert outcome.rc == 0, outcome
    assert http("/", host=TOY).text == "Hello World!"
    assert host.service("mod_wsgi@toy.service").is_running
    assert host.run("find /etc /run -name '*toy*' -path '*gunicorn*' -not -path '/run/systemd/*'").stdout == ""
    assert host.check_output("systemctl list-units --all --no-legend 'gunicorn@toy*'") == ""
    assert others("toy") == before
    assert converge(moved, playbook="site").changed == 0
    assert converge({"web_apps": [app | {"state": "absent"}], "web_sites": []}, playbook="site").rc == 0


def test_last_app_leaves_nothing_behind(converge: Any, host: Host) -> None:
    gone = {"mod_wsgi_apps": [{"name": name, "state": "absent"} for name in NAMES], "nginx_sites": []}
    outcome = converge(gone)
    assert outcome.rc == 0, outcome
    assert "stop mod_wsgi@toy.service" in outcome.task(TASK).result["actions"]
    found = host.run("find /etc /run -name '*mod_wsgi*' -not -path '/run/systemd/*'").stdout
    assert {*found.split()} <= {"/run/mod_wsgi"}
    assert host.run("ls -A /run/mod_wsgi").stdout == ""
    assert host.run("systemctl list-units --all --no-legend 'mod_wsgi@*'").stdout == ""
    assert converge(gone).changed == 0
