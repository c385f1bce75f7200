# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From apps to the files and units of Apache and mod_wsgi."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jinja2
import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._entries import addresses, select
from ansible_collections.barehost.web.plugins.plugin_utils._listen import own
from ansible_collections.barehost.web.plugins.plugin_utils._mod_wsgi import (
    MOD_WSGI,
    daemon,
    from_source,
    listen,
    published,
)
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems
from ansible_collections.barehost.web.plugins.plugin_utils._service import service_lines
from jinja2.sandbox import SandboxedEnvironment

UTIL = {"name": "util", "wsgi": "wsgi:server"}
REPOSITORY = Path(__file__).parents[4]


def app(**options: Any) -> dict[str, Any]:
    (filled,) = select([UTIL | options], "mod_wsgi")
    return filled


def render(**options: Any) -> dict[str, str]:
    """Render all files of one app, as publish does."""
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([REPOSITORY / "roles/mod_wsgi/templates", REPOSITORY / "templates"]),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    return {
        file["dest"]: environment.get_template(file["template"]).render(ansible_managed="-", **file.get("vars", {}))
        for file in published([UTIL | options])["parts"]["files"]
    }


def mistakes(**options: Any) -> list[str]:
    app = UTIL | {"server": "mod_wsgi", "source": {"package": "util"}} | options
    return [str(problem) for problem in problems({"web_apps": [app]})]


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ({}, False),
        ({"python": "3.12"}, True),
        ({"python": "3.13", "install": "debian"}, False),
        ({"install": "source"}, True),
    ],
)
def test_app_on_another_python_has_a_mod_wsgi_of_its_own(options: dict[str, Any], source: bool) -> None:
    assert from_source(app(**options)) is source
    assert f"Define MOD_WSGI {'source' if source else 'debian'}\n" in render(**options)["/etc/mod_wsgi/util.conf"]


def test_another_python_is_no_matter_of_a_reload() -> None:
    lines = [service_lines(MOD_WSGI, app(python=version)) for version in ("3.12", "3.14")]
    assert lines[0] != lines[1]


def test_further_address_follows_from_the_name_and_is_the_hosts_own() -> None:
    found = {own(name) for name in ("util", "shop", "api", "util")}
    assert len(found) == 3
    assert all(re.fullmatch(r"127(\.(25[0-4]|2[0-4]\d|1\d\d|[1-9]\d?)){3}:8010", address) for address in found)


@pytest.mark.parametrize(
    ("bind", "listens"),
    [
        ("", own("util")),
        (":5000", "5000"),
        ("[::]:5000", "5000"),
        ("0.0.0.0:5000", "0.0.0.0:5000"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("[::1]:5000", "[::1]:5000"),
    ],
)
def test_apache_listens_where_the_web_server_asks(bind: str, listens: str) -> None:
    assert listen(app(bind=bind)) == listens
    (address,) = addresses([UTIL | {"bind": bind}], "mod_wsgi")
    assert address["protocol"] == "http"
    assert address["address"] == {"5000": "127.0.0.1:5000", "0.0.0.0:5000": "127.0.0.1:5000"}.get(listens, listens)


def test_low_port_is_the_only_thing_that_needs_a_capability() -> None:
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in service_lines(MOD_WSGI, app(bind=":80"))
    assert service_lines(MOD_WSGI, app(bind=":1024")) == service_lines(MOD_WSGI, app()) == []


def test_processes_of_a_plain_app() -> None:
    assert daemon(app()) == [
        "processes=2",
        "threads=1",
        "python-home=/srv/util/current/.venv",
        "python-path=/etc/mod_wsgi",
        "home=/srv/util/current",
        "request-timeout=30",
        "socket-timeout=35",
        "graceful-timeout=30",
        "shutdown-timeout=30",
        "listen-backlog=2048",
        "lang=C.UTF-8",
        "locale=C.UTF-8",
    ]


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({"max_requests": 500}, {"maximum-requests=500"}),
        ({"timeout": 0}, {"socket-timeout=86400"}),
        ({"options": {"inactivity-timeout": 60}}, {"inactivity-timeout=60"}),
        ({"options": {"lang": "de_DE.UTF-8"}}, {"lang=de_DE.UTF-8"}),
        ({"directory": "/opt/util", "venv": "/opt/env/"}, {"home=/opt/util", "python-home=/opt/env"}),
        ({"directory": "/opt/util"}, {"home=/opt/util", "python-home=/opt/util/.venv"}),
    ],
)
def test_settings_that_are_asked_for(options: dict[str, Any], more: set[str]) -> None:
    assert {*daemon(app(**options))} - {*daemon(app())} == more


def test_timeout_can_be_left_out() -> None:
    assert not any(option.startswith("request-timeout") for option in daemon(app(timeout=0)))


def test_app_that_lies_elsewhere_is_tried_there() -> None:
    assert service_lines(MOD_WSGI, app(venv="/opt/env")) == [
        "ExecReload=",
        "ExecReload=/opt/env/bin/python /etc/mod_wsgi/util.wsgi",
        "ExecReload=/bin/sh /etc/mod_wsgi/control.sh keep util",
        "ExecReload=+/usr/bin/env -i PATH=/usr/bin:/bin MAINPID=${MAINPID} /bin/sh /etc/mod_wsgi/control.sh touch util",
        "ExecReload=/bin/sh /etc/mod_wsgi/control.sh replace util",
        "ExecReload=/bin/sh /etc/mod_wsgi/control.sh retire util",
    ]


def test_app_has_a_service_and_no_socket() -> None:
    found = published([UTIL])
    assert [unit["name"] for unit in found["units"]] == ["mod_wsgi@util.service"]
    assert not [file["dest"] for file in found["parts"]["files"] if "socket" in file["dest"]]
    assert [link["dest"] for link in found["parts"]["links"]] == [
        "/etc/systemd/system/multi-user.target.wants/mod_wsgi@util.service"
    ]


def test_every_file_belongs_to_one_app_or_to_all() -> None:
    files = render()
    assert '"/run/mod_wsgi/util/environment"' in files["/etc/mod_wsgi/util.wsgi"]
    assert '"wsgi:server", "/srv/util/current"' in files["/etc/mod_wsgi/util.wsgi"]
    compile(files["/etc/mod_wsgi/util.wsgi"], "util.wsgi", "exec")
    assert {dest for dest in files if "util" not in dest} == {
        "/etc/systemd/system/mod_wsgi@.service",
        "/etc/mod_wsgi/barehost_wsgi.py",
        "/etc/mod_wsgi/barehost_mod_wsgi.py",
        "/etc/mod_wsgi/control.sh",
    }


def test_apps_of_other_servers_are_not_its_business() -> None:
    parts = published([UTIL | {"server": "gunicorn"}, UTIL | {"name": "gone", "state": "absent"}])
    assert parts == {
        "parts": {"files": [], "links": [], "directories": [], "entries": ["util", "gone"]},
        "units": [],
    }


PATH = "web_apps[0]"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"python": "3.12", "install": "debian"},
            (
                f"{PATH}.python: '3.12' is not the Python of Debian's mod_wsgi, which is 3.11 (Debian 12) or "
                "3.13 (Debian 13); leave python out, or write 'install: source'"
            ),
        ),
        (
            {"options": {"user": "root"}},
            f"{PATH}.options.user: is a key of the app itself; write 'user' beside options",
        ),
        ({"options": {"umask": "0"}}, f"{PATH}.options.umask: is up to the unit that runs the app; leave it out"),
        (
            {"options": {"a b": 1}},
            f"{PATH}.options.a b: is not the name of a setting; write it as an option of WSGIDaemonProcess",
        ),
        (
            {"options": {"lang": "C\nUser root"}},
            (
                f"{PATH}.options.lang: has a character that Apache would misread; "
                "use letters, digits and . / : % @ + , = -"
            ),
        ),
        ({"listen_backlog": 0}, f"{PATH}.listen_backlog: is 0; the least is 1"),
    ],
)
def test_mistake_has_its_message(options: dict[str, Any], message: str) -> None:
    assert mistakes(**options) == [message]


@pytest.mark.parametrize("options", [{}, {"python": "3.13", "install": "debian"}, {"python": "3.12"}])
def test_good_app_has_no_mistake(options: dict[str, Any]) -> None:
    assert mistakes(**options) == []


def test_address_that_follows_from_the_name_can_be_taken() -> None:
    apps = [UTIL | {"server": "mod_wsgi", "source": {"package": "util"}}]
    apps.append({**apps[0], "name": "other", "server": "gunicorn", "bind": ":8010"})
    site = {"name": "main", "domains": ["a.test"], "listen": ["8010"], "routes": [{"path": "/", "static": "/srv/www"}]}
    assert [str(problem) for problem in problems({"web_apps": apps})] == [
        "web_apps[1].bind: ':8010' is where 'util' listens (web_apps[0].bind); take another port"
    ]
    assert [str(problem) for problem in problems({"web_apps": apps[:1], "web_sites": [site]})] == [
        "web_apps[0].bind: site 'main' listens on that port (web_sites[0].listen); take another port"
    ]
