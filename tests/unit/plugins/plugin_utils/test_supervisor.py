# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From apps to program sections of supervisord."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import jinja2
import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._supervisor import published
from jinja2.sandbox import SandboxedEnvironment

UTIL = {"name": "util", "manager": "supervisor"}
REPOSITORY = Path(__file__).parents[4]
WRAPPER = "/usr/bin/python3 -I /etc/supervisor/barehost_run.py --name=util"
PLAIN = f"{WRAPPER} --user=util --environment=/etc/barehost/apps/util.env"
DROP_IN = "/etc/systemd/system/supervisor.service.d/barehost.conf"
SECTION = "/etc/supervisor/conf.d/util.conf"


def wanted(*more: dict[str, Any], **options: Any) -> dict[str, Any]:
    return published([UTIL | options, *more], "10MB", 5)


def render(*more: dict[str, Any], **options: Any) -> dict[str, str]:
    """Render all files of one app, as publish does."""
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([REPOSITORY / "roles/supervisor/templates"]),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    return {
        file["dest"]: environment.get_template(file["template"]).render(ansible_managed="-", **file.get("vars", {}))
        for file in wanted(*more, **options)["parts"]["files"]
    }


def section(**options: Any) -> dict[str, str]:
    parser = RawConfigParser(strict=True)
    parser.read_string(render(**options)[SECTION])
    return dict(parser["program:util"])


def drop_in(*more: dict[str, Any], **options: Any) -> set[str]:
    return {*render(*more, **options)[DROP_IN].splitlines()}


def test_section_of_a_plain_app() -> None:
    assert section() == {
        "command": f"{PLAIN} --folder=/run/gunicorn/util --socket=unix:/run/gunicorn/util.sock"
        " -- /srv/util/current/.venv/bin/gunicorn --config /etc/gunicorn/util.conf.py",
        "directory": "/srv/util/current",
        "autostart": "true",
        "autorestart": "true",
        "startretries": "1000000",
        "stopsignal": "TERM",
        "stopwaitsecs": "35",
        "killasgroup": "true",
        "stdout_logfile": "/var/log/supervisor/util.stdout.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "5",
        "stderr_logfile": "/var/log/supervisor/util.stderr.log",
        "stderr_logfile_maxbytes": "10MB",
        "stderr_logfile_backups": "5",
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"server": "uwsgi"}, "--folder=/run/uwsgi/util --socket=unix:/run/uwsgi/util.sock"),
        ({"server": "uwsgi"}, "-- /usr/bin/uwsgi --plugins python3 --ini /etc/uwsgi/util.ini"),
        ({"server": "uwsgi", "python": "3.12"}, "-- /srv/util/current/.venv/bin/uwsgi --ini /etc/uwsgi/util.ini"),
        ({"bind": ":5000"}, "--socket=:5000 --"),
        ({"bind": "[::1]:5000"}, "--socket=[::1]:5000 --"),
        ({"user": "www"}, "--user=www "),
        ({"environment_file": "/etc/util.env"}, "--environment=/etc/util.env "),
        ({"venv": "/opt/env/"}, "-- /opt/env/bin/gunicorn --config"),
        ({"directory": "/opt/util"}, "-- /opt/util/.venv/bin/gunicorn --config"),
    ],
)
def test_command_follows_the_app(options: dict[str, Any], words: str) -> None:
    assert words in section(**options)["command"]


def test_app_gets_the_time_that_it_asks_for() -> None:
    assert section(graceful_timeout=60)["stopwaitsecs"] == "65"


WELL = {"path": "/", "method": "GET", "status": 0, "host": "localhost", "timeout": 30}


def test_keeper_comes_first_and_supervisord_before_all() -> None:
    units = wanted()["units"]
    assert [unit["name"] for unit in units] == ["supervisor.service", "barehost.sockets.program", "util.program"]
    assert units[2] == {
        "name": "util.program",
        "entry": "util",
        "ready": {"protocol": "http", "address": "unix:/run/gunicorn/util.sock", **WELL},
        "check": [*PLAIN.split(), "--", "/srv/util/current/.venv/bin/gunicorn", *CONFIG, "--check-config"],
        "reload": ["/bin/sh", "/etc/gunicorn/reload.sh"],
    }


CONFIG = ["--config", "/etc/gunicorn/util.conf.py"]


def test_another_app_changes_no_file_of_the_others() -> None:
    one, two = render(), render(UTIL | {"name": "b", "bind": ":5000"})
    assert {path: two[path] for path in one} == one
    assert set(two) - set(one) == {"/etc/supervisor/conf.d/b.conf"}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({}, "CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL CAP_CHOWN"),
        ({"bind": ":80"}, "CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL CAP_CHOWN CAP_NET_BIND_SERVICE"),
        (
            {"environment_file": "/opt/a.env"},
            "CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_KILL CAP_CHOWN CAP_DAC_READ_SEARCH",
        ),
        ({}, "ProtectHome=yes"),
        ({"directory": "/home/util/app"}, "ProtectHome=read-only"),
        ({}, "MemoryDenyWriteExecute=yes"),
        ({"memory_deny_write_execute": False}, "MemoryDenyWriteExecute=no"),
    ],
)
def test_sandbox_is_as_tight_as_the_apps_allow(options: dict[str, Any], line: str) -> None:
    assert line in drop_in(**options)


def test_only_apps_under_supervisord_are_its_business() -> None:
    found = published(
        [UTIL | {"manager": "systemd"}, UTIL | {"name": "front", "server": "none"}, {"name": "old", "state": "absent"}],
        "10MB",
        5,
    )
    logs = ["/var/log/supervisor/old.stdout.log*", "/var/log/supervisor/old.stderr.log*"]
    parts = {"files": [], "directories": [], "entries": ["util", "front", "old"], "remove": logs}
    assert found == {"parts": parts, "units": []}
