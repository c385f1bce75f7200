# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From apps to uWSGI's files and units."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import jinja2
import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._entries import select
from ansible_collections.barehost.web.plugins.plugin_utils._service import service_lines
from ansible_collections.barehost.web.plugins.plugin_utils._uwsgi import (
    UWSGI,
    from_source,
    option_lines,
    published,
)
from jinja2.sandbox import SandboxedEnvironment

UTIL = {"name": "util", "wsgi": "wsgi:server"}
REPOSITORY = Path(__file__).parents[4]


def app(**options: Any) -> dict[str, Any]:
    (filled,) = select([UTIL | options], "uwsgi")
    return filled


def render(**options: Any) -> dict[str, str]:
    """Render all files of one app, as publish does."""
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([REPOSITORY / "roles/uwsgi/templates", REPOSITORY / "templates"]),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    return {
        file["dest"]: environment.get_template(file["template"]).render(ansible_managed="-", **file.get("vars", {}))
        for file in published([UTIL | options])["parts"]["files"]
    }


def ini(**options: Any) -> dict[str, str]:
    parser = RawConfigParser(strict=True)
    parser.read_string(render(**options)["/etc/uwsgi/util.ini"])
    return dict(parser["uwsgi"])


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ({}, False),
        ({"python": "3.12"}, True),
        ({"python": "3.12", "install": "debian"}, False),
        ({"install": "source"}, True),
    ],
)
def test_app_on_another_python_has_a_uwsgi_of_its_own(options: dict[str, Any], source: bool) -> None:
    assert from_source(app(**options)) is source
    own = "ExecStart=/srv/util/current/.venv/bin/uwsgi --ini /etc/uwsgi/util.ini"
    assert (own in service_lines(UWSGI, app(**options))) is source


def test_app_that_lies_elsewhere_is_loaded_from_there() -> None:
    lines = service_lines(UWSGI, app(directory="/opt/util", venv="/opt/env/"))
    assert lines == [
        "ExecReload=",
        "ExecReload=/opt/env/bin/python /etc/uwsgi/util.wsgi",
        "ExecReload=+/usr/bin/env -i PATH=/usr/bin:/bin MAINPID=${MAINPID} /bin/sh /etc/uwsgi/reload.sh util",
    ]
    files = render(directory="/opt/util", venv="/opt/env")
    assert 'barehost_wsgi.application("wsgi:server", "/opt/util")' in files["/etc/uwsgi/util.wsgi"]
    assert "virtualenv = /opt/env\n" in files["/etc/uwsgi/util.ini"]


def test_settings_of_a_plain_app() -> None:
    assert ini() == {
        "strict": "true",
        "virtualenv": "/srv/util/current/.venv",
        "pythonpath": "/etc/uwsgi",
        "wsgi-file": "/etc/uwsgi/util.wsgi",
        "need-app": "true",
        "master": "true",
        "lazy-apps": "true",
        "processes": "2",
        "threads": "1",
        "enable-threads": "true",
        "harakiri": "30",
        "worker-reload-mercy": "30",
        "buffer-size": "65535",
        "master-fifo": "/run/uwsgi/util/fifo",
        "die-on-term": "true",
        "disable-logging": "true",
    }


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({"protocol": "http"}, {"protocol": "http"}),
        ({"cheaper": 1}, {"cheaper": "1"}),
        ({"max_requests": 5000}, {"max-requests": "5000"}),
        ({"post_buffering": 4096}, {"post-buffering": "4096"}),
        ({"stats": "127.0.0.1:9191"}, {"stats": "127.0.0.1:9191"}),
        ({"stats": "127.0.0.1:9191", "stats_http": True}, {"stats": "127.0.0.1:9191", "stats-http": "true"}),
        ({"options": {"log-slow": 2000}}, {"log-slow": "2000"}),
    ],
)
def test_settings_that_are_asked_for(options: dict[str, Any], settings: dict[str, str]) -> None:
    assert ini(**options) == ini() | settings


def test_supervisord_ends_an_app_by_a_signal_that_waits_for_its_requests() -> None:
    hook = {"hook-master-start": "unix_signal:15 gracefully_kill_them_all"}
    assert ini(manager="supervisor") == ini() | hook


def test_timeout_can_be_left_out() -> None:
    assert "harakiri" not in ini(timeout=0)


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ({"log-x-forwarded-for": True}, ["log-x-forwarded-for = true"]),
        ({"log-x-forwarded-for": False, "log-slow": None}, []),
        ({"route": ["^/a last:", "^/b last:"]}, ["route = ^/a last:", "route = ^/b last:"]),
        ({"log-format": "%(method) 50%"}, ["log-format = %%(method) 50%%"]),
    ],
)
def test_further_options_are_written_as_uwsgi_reads_them(options: dict[str, Any], lines: list[str]) -> None:
    assert option_lines(options) == lines


def test_app_is_asked_in_the_language_that_it_speaks() -> None:
    apps = [UTIL, UTIL | {"name": "web", "bind": ":3031", "protocol": "http"}]
    ready = [unit["ready"] for unit in published(apps)["units"] if "ready" in unit]
    assert [(one["protocol"], one["address"]) for one in ready] == [
        ("uwsgi", "unix:/run/uwsgi/util.sock"),
        ("http", "127.0.0.1:3031"),
    ]


def test_apps_of_other_servers_are_not_its_business() -> None:
    parts = published([UTIL | {"server": "gunicorn"}, UTIL | {"name": "gone", "state": "absent"}])
    assert parts == {
        "parts": {"files": [], "links": [], "directories": [], "entries": ["util", "gone"]},
        "units": [],
    }
