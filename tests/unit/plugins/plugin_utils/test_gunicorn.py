# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From apps to gunicorn's files and units."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._entries import select
from ansible_collections.barehost.web.plugins.plugin_utils._gunicorn import GUNICORN as SERVER
from ansible_collections.barehost.web.plugins.plugin_utils._gunicorn import literal, published
from ansible_collections.barehost.web.plugins.plugin_utils._service import service_lines, socket_lines

UTIL = {"name": "util", "wsgi": "wsgi:server"}
GONE = {"name": "gone", "state": "absent"}
FRONTEND = {"name": "frontend", "server": "none"}
GUNICORN = "/opt/env/bin/gunicorn --config /etc/gunicorn/util.conf.py"


def app(**options: Any) -> dict[str, Any]:
    (filled,) = select([UTIL | options], "gunicorn")
    return filled


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (5, "5"),
        (0.5, "0.5"),
        ("gthread", '"gthread"'),
        ('a "b" \\ é\n', '"a \\"b\\" \\\\ é\\n"'),
        (["a", 1, False], '["a", 1, False]'),
        ({"X-Proto": "https", "n": {"m": []}}, '{"X-Proto": "https", "n": {"m": []}}'),
    ],
)
def test_settings_are_written_as_python(value: object, text: str) -> None:
    assert literal(value) == text


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ({}, []),
        ({"graceful_timeout": 10, "timeout": 300, "processes": 8, "threads": 4}, []),
        ({"user": "deploy"}, ["User=deploy"]),
        ({"environment_file": "/etc/util.env"}, ["EnvironmentFile=", "EnvironmentFile=-/etc/util.env"]),
        (
            {"venv": "/opt/env/"},
            [
                "ExecStart=",
                f"ExecStart={GUNICORN}",
                "ExecReload=",
                f"ExecReload={GUNICORN} --check-config",
                "ExecReload=+/usr/bin/env -i PATH=/usr/bin:/bin MAINPID=${MAINPID} /bin/sh /etc/gunicorn/reload.sh",
            ],
        ),
        ({"graceful_timeout": 60}, ["TimeoutStopSec=65"]),
        ({"health": {"timeout": 120}}, ["TimeoutStartSec=120"]),
        ({"memory_max": "25%"}, ["MemoryMax=25%"]),
        ({"processes": 16, "threads": 8}, ["TasksMax=416"]),
        ({"writable": ["/srv/a", "/srv/b"]}, ["ReadWritePaths=/srv/a /srv/b"]),
        ({"writable": ["/home/me/up"]}, ["ReadWritePaths=/home/me/up", "ProtectHome=read-only"]),
        ({"memory_deny_write_execute": False}, ["MemoryDenyWriteExecute=no"]),
    ],
)
def test_service_says_only_what_differs(options: dict[str, Any], lines: list[str]) -> None:
    assert service_lines(SERVER, app(**options)) == lines


def test_environment_is_looked_for_in_the_folder_of_the_code() -> None:
    assert "ExecStart=/opt/util/.venv/bin/gunicorn --config /etc/gunicorn/util.conf.py" in service_lines(
        SERVER, app(directory="/opt/util")
    )


@pytest.mark.parametrize(
    ("bind", "lines"),
    [
        ("", []),
        ("127.0.0.1:5000", ["ListenStream=", "ListenStream=127.0.0.1:5000", "FreeBind=yes"]),
        ("[::1]:5000", ["ListenStream=", "ListenStream=[::1]:5000", "FreeBind=yes"]),
        ("0.0.0.0:5000", ["ListenStream=", "ListenStream=0.0.0.0:5000", "FreeBind=yes"]),
        (":5000", ["ListenStream=", "ListenStream=5000", "BindIPv6Only=both"]),
        ("[::]:5000", ["ListenStream=", "ListenStream=5000", "BindIPv6Only=both"]),
    ],
)
def test_socket_says_only_what_differs(bind: str, lines: list[str]) -> None:
    assert socket_lines(app(bind=bind)) == lines


def test_app_that_differs_in_nothing_has_one_file_of_its_own() -> None:
    parts = published([UTIL])["parts"]
    own = [file for file in parts["files"] if file.get("entry")]
    assert [(file["dest"], file["group"], file["mode"]) for file in own] == [
        ("/etc/gunicorn/util.conf.py", "util", "0640")
    ]
    assert [link["dest"].removeprefix("/etc/systemd/system/") for link in parts["links"]] == [
        "multi-user.target.wants/gunicorn@util.service",
        "sockets.target.wants/gunicorn@util.socket",
    ]
    assert parts["directories"][0]["path"] == "/var/lib/util"


def files(*apps: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = published(list(apps))["parts"]["files"]
    return found


def test_change_of_an_app_reaches_that_app_only() -> None:
    told = {
        file["dest"].rpartition("/etc/")[2]: file.get("reload", []) + file.get("restart", [])
        for file in files(UTIL | {"bind": ":5000", "user": "www-data"}, {"name": "b", "wsgi": "w:a"})
        if file.get("entry")
    }
    assert told == {
        "gunicorn/util.conf.py": ["gunicorn@util.service"],
        "systemd/system/gunicorn@util.service.d/barehost.conf": ["gunicorn@util.service"],
        "systemd/system/gunicorn@util.socket.d/barehost.conf": ["gunicorn@util.socket"],
        "gunicorn/b.conf.py": ["gunicorn@b.service"],
    }


def test_change_of_what_apps_share_reaches_all_of_them() -> None:
    shared = [file for file in files(UTIL, {"name": "b", "wsgi": "w:a"}) if not file.get("entry")]
    assert [sorted(file.get("reload", []) + file.get("restart", [])) for file in shared] == [
        ["gunicorn@b.service", "gunicorn@util.service"],
        ["gunicorn@b.socket", "gunicorn@util.socket"],
        ["gunicorn@b.service", "gunicorn@util.service"],
        [],
    ]


def test_nothing_is_published_when_no_app_is_left() -> None:
    wanted = published([GONE, FRONTEND])
    parts = wanted["parts"]
    assert (parts["files"], parts["links"], parts["directories"]) == ([], [], [])
    assert parts["entries"] == ["gone", "frontend"]
    assert wanted["units"] == []


WELL = {"path": "/", "method": "GET", "status": 0, "host": "localhost", "timeout": 30}


def test_app_is_ready_when_its_health_path_answers() -> None:
    units = published([UTIL | {"bind": ":5000", "health": {"path": "/ok"}}, UTIL | {"name": "b"}])["units"]
    assert [unit["ready"] for unit in units if unit["name"].endswith(".service")] == [
        {"protocol": "http", "address": "127.0.0.1:5000", **WELL, "path": "/ok"},
        {"protocol": "http", "address": "unix:/run/gunicorn/b.sock", **WELL},
    ]


def test_app_under_supervisord_has_settings_and_no_unit() -> None:
    wanted = published([UTIL | {"manager": "supervisor"}])
    assert (wanted["parts"]["links"], wanted["units"]) == ([], [])
    found = {file["dest"]: file for file in wanted["parts"]["files"]}
    assert set(found) == {"/etc/gunicorn/barehost_wsgi.py", "/etc/gunicorn/reload.sh", "/etc/gunicorn/util.conf.py"}
    assert found["/etc/gunicorn/util.conf.py"]["reload"] == ["util.program"]
    assert found["/etc/gunicorn/util.conf.py"]["stop"] == []


def test_app_that_leaves_systemd_is_stopped_there() -> None:
    links = published([UTIL])["parts"]["links"]
    assert [link["stop"] for link in links] == [["gunicorn@util.service"], ["gunicorn@util.socket"]]


def test_app_under_systemd_is_no_program_any_more() -> None:
    first, *_units = published([UTIL])["units"]
    assert first == {"name": "util.program", "state": "stopped"}


def test_app_whose_settings_are_removed_is_stopped() -> None:
    (settings,) = [file for file in files(UTIL) if file.get("entry")]
    assert settings["stop"] == ["gunicorn@util.service", "gunicorn@util.socket"]
