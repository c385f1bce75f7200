# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From apps to the files and units of the development server."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import jinja2
import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._entries import part, select
from ansible_collections.barehost.web.plugins.plugin_utils._flask import FLASK, published
from ansible_collections.barehost.web.plugins.plugin_utils._service import service_lines
from jinja2.sandbox import SandboxedEnvironment

UTIL = {"name": "util", "wsgi": "wsgi:server"}
REPOSITORY = Path(__file__).parents[4]


def app(**options: Any) -> dict[str, Any]:
    (filled,) = select([UTIL | options], "flask")
    return filled


def render(**options: Any) -> dict[str, str]:
    """Render all files of one app, as publish does."""
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([REPOSITORY / "roles/flask/templates", REPOSITORY / "templates"]),
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
    parser.read_string(render(**options)["/etc/flask/util.ini"])
    return dict(parser["app"])


def test_settings_of_a_plain_app_ask_for_nothing_that_shows_or_reloads() -> None:
    assert ini() == {
        "wsgi": "wsgi:server",
        "directory": "/srv/util/current",
        "threaded": "true",
        "graceful_timeout": "30",
        "reload": "false",
        "debug": "false",
    }


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({"threaded": False}, {"threaded": "false"}),
        ({"reload": True}, {"reload": "true"}),
        ({"debug": "yes"}, {"debug": "true"}),
        ({"graceful_timeout": 5}, {"graceful_timeout": "5"}),
        ({"directory": "/opt/100%"}, {"directory": "/opt/100%"}),
    ],
)
def test_settings_that_are_asked_for(options: dict[str, Any], settings: dict[str, str]) -> None:
    assert ini(**options) == ini() | settings


def test_programs_are_handed_over_as_they_are() -> None:
    files = render()
    assert files["/etc/flask/barehost_wsgi.py"] == (REPOSITORY / "templates/barehost_wsgi.py").read_text("utf-8")
    runner = REPOSITORY / "roles/flask/templates/barehost_flask.py"
    assert files["/etc/flask/barehost_flask.py"] == runner.read_text("utf-8")


def test_commands_of_an_app_that_lies_elsewhere_are_those_of_the_unit_with_other_paths() -> None:
    unit = render()["/etc/systemd/system/flask@.service"]
    usual = [line for line in unit.splitlines() if line.startswith(("ExecStart=", "ExecReload="))]
    found = service_lines(FLASK, app(directory="/opt/util", venv="/opt/env/"))
    moved = [line.replace("%i", "util").replace("/srv/util/current/.venv", "/opt/env") for line in usual]
    assert found == ["ExecStart=", moved[0], "ExecReload=", moved[1]]
    assert service_lines(FLASK, app()) == []


def test_keys_of_other_servers_do_nothing_here() -> None:
    everywhere = UTIL | {"server": "flask", "processes": 100, "threads": 8, "options": {"backlog": 1}, "stats": "x"}
    assert published(part([everywhere], "flask")) == published([UTIL])


def test_app_is_asked_over_http() -> None:
    apps = [UTIL, UTIL | {"name": "web", "bind": "127.0.0.1:5000"}]
    ready = [unit["ready"] for unit in published(apps)["units"] if "ready" in unit]
    assert [(one["protocol"], one["address"]) for one in ready] == [
        ("http", "unix:/run/flask/util.sock"),
        ("http", "127.0.0.1:5000"),
    ]


def test_apps_of_other_servers_are_not_its_business() -> None:
    assert published([UTIL | {"server": "gunicorn"}, UTIL | {"name": "gone", "state": "absent"}]) == {
        "parts": {"files": [], "links": [], "directories": [], "entries": ["util", "gone"]},
        "units": [],
    }
