# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a benchmark is asked for, and what it tells the roles."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils import _benchmark
from ansible_collections.barehost.web.plugins.plugin_utils._benchmark import plan, problems, servers, settings

UTIL = {"name": "util", "source": {"package": "util==1"}, "wsgi": "util:app", "bind": "127.0.0.1:8099"}
SHOP = {
    "name": "shop",
    "domains": ["shop.test"],
    "listen": ["127.0.0.1:8099"],
    "routes": [{"path": "/", "app": "util"}],
}


@pytest.mark.parametrize(
    ("given", "model", "message"),
    [
        ({"rounds": 0}, {}, "benchmark_rounds: is 0; the least is 1"),
        ({"port": 70000}, {}, "benchmark_port: is 70000; the highest is 65535"),
        ({"path": "x"}, {}, "benchmark_path: 'x' is no path of an address; write it like '/' or '/search?q=a'"),
        ({"results": ""}, {}, "benchmark_results: is empty; name a folder on the control node"),
        ({"servers": ["gunicon"]}, {}, "benchmark_servers[0]: no server named 'gunicon'; did you mean 'gunicorn'?"),
        ({"servers": ["uwsgi", "none"]}, {}, "benchmark_servers[1]: no server named 'none'"),
        (
            {"app": {"wsgi": "a:b", "server": "uwsgi"}},
            {},
            "benchmark_app.server: is not for a benchmark; name the servers",
        ),
        ({"app": {"source": {"package": "x"}}}, {}, "benchmark_app.wsgi: is missing; name the callable"),
        ({"app": {"wsgi": "a b", "source": {"package": "x"}}}, {}, "benchmark_app.wsgi: 'a b'"),
        ({"seconds": "ten"}, {}, "benchmark_seconds: "),
        (
            {},
            {"web_sites": [{**SHOP, "name": "benchmark"}]},
            "web_sites[0].name: 'benchmark' is what a benchmark calls",
        ),
        ({}, {"web_apps": [{**UTIL, "name": "benchmark-uwsgi"}]}, "web_apps[0].name: 'benchmark-uwsgi' is what"),
    ],
)
def test_mistake_is_named_with_a_way_out(given: dict[str, Any], model: dict[str, Any], message: str) -> None:
    found = [str(problem) for problem in problems(given, model)]
    assert len(found) == 1
    assert found[0].startswith(message)


def test_port_that_is_taken_is_refused() -> None:
    (problem,) = problems({}, {"web_apps": [UTIL], "web_sites": []})
    assert problem.path == "web_apps[0].bind"
    assert "benchmark_port" in f"{problem}"


def test_what_is_right_is_accepted() -> None:
    apps = [{**UTIL, "bind": ""}]
    given = {"servers": ["uwsgi", "gunicorn"], "path": "/search?q=a", "threads": 4}
    assert problems(given, {"web_apps": apps, "web_sites": [SHOP | {"listen": ["80"]}]}) == []


def test_every_server_is_measured_if_none_is_named() -> None:
    assert {"gunicorn", "uwsgi"} <= {*settings({}, {}).servers} == {*servers()} - {"flask"}
    assert settings({}, {"web_environment": "development"}).servers == servers()


def test_development_server_needs_a_host_for_development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_benchmark, "servers", lambda: ["gunicorn", "flask"])
    given = {"servers": ["flask"]}
    assert [problem.path for problem in problems(given, {})] == ["benchmark_servers[0]"]
    assert problems(given, {"web_environment": "development"}) == []
    assert settings({}, {}).servers == ["gunicorn"]


def test_entries_come_beside_those_that_are_there_and_go_again() -> None:
    wanted = settings({"servers": ["gunicorn"]}, {"web_apps": [UTIL], "web_sites": [SHOP]})
    found, reasons = plan(wanted, {"gunicorn": ["util"], "nginx": ["shop"], "app": ["util"]}, ["uwsgi"])
    assert reasons == []
    present, absent = found["present"], found["absent"]
    assert [app["name"] for app in present["own"]] == ["benchmark-gunicorn"]
    assert [app["name"] for app in present["apps"]] == ["util", "benchmark-gunicorn"]
    assert [site["name"] for site in present["sites"]] == ["shop", "benchmark"]
    assert absent["apps"] == [
        UTIL,
        {"name": "benchmark-gunicorn", "server": "gunicorn", "state": "absent"},
        # Of a benchmark that was killed
        {"name": "benchmark-uwsgi", "server": "uwsgi", "state": "absent"},
    ]
    assert (present["nginx"], absent["nginx"]) == (True, True)
    assert (present["servers"], absent["servers"]) == (["gunicorn"], ["gunicorn", "uwsgi"])
    assert absent["sites"] == [SHOP, {"name": "benchmark", "state": "absent"}]


def test_what_is_not_on_the_host_yet_does_not_come_there() -> None:
    wanted = settings({"servers": ["gunicorn"]}, {"web_apps": [UTIL], "web_sites": [SHOP]})
    found, reasons = plan(wanted, {})
    assert reasons == []
    assert [app["name"] for app in found["present"]["apps"]] == ["benchmark-gunicorn"]
    assert [site["name"] for site in found["present"]["sites"]] == ["benchmark"]
    # nginx without a site listens on port 80.
    assert (found["present"]["nginx"], found["absent"]["nginx"]) == (True, False)


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({"gunicorn": ["util", "old"]}, "role gunicorn has made 'old' on this host, but that is not in web_apps"),
        ({"nginx": ["old", "older"]}, "role nginx has made 'old', 'older' on this host, but that is not in web_sites"),
        ({"uwsgi": ["old"]}, ""),
    ],
)
def test_host_that_could_not_be_brought_back_is_refused(known: dict[str, list[str]], reason: str) -> None:
    _plan, reasons = plan(settings({"servers": ["gunicorn"]}, {"web_apps": [UTIL], "web_sites": [SHOP]}), known)
    assert len(reasons) == bool(reason)
    assert not reasons or reasons[0].startswith(reason)
