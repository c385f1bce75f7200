# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What role app does for its entries, and in which of its parts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._app_plan import PlanError, packages, plan, programs
from ansible_collections.barehost.web.plugins.plugin_utils._entries import select


def apps(*entries: dict[str, Any]) -> list[dict[str, Any]]:
    return select([{"source": {"path": "x"}, **entry} for entry in entries], "app")


ALL = apps(
    {"name": "util", "environment": {"B": "2", "A": 'say "hi"'}},
    {"name": "frontend", "server": "none", "environment": {"A": "unused"}},
    {"name": "old", "state": "absent"},
)


def test_everything_at_once() -> None:
    found = plan(ALL, "all")
    assert found["packages"] == ["ca-certificates", "python3-pip-whl"]
    assert found["accounts"]["users"] == [
        {"name": "util", "home": "/srv/util"},
        {"name": "frontend", "home": "/srv/frontend"},
    ]
    assert found["entries"] == ["util", "frontend", "old"]
    assert [app["name"] for app in found["apps"]] == ["util", "frontend", "old"]
    assert [file["dest"] for file in found["files"]] == ["/etc/barehost/apps/util.env"]


def test_releasing_and_removing_by_themselves() -> None:
    released, removed = plan(ALL, "release"), plan(ALL, "remove")
    assert [app["name"] for app in released["apps"]] == ["util", "frontend"]
    assert [app["name"] for app in removed["apps"]] == ["old"]
    assert (removed["packages"], removed["accounts"]) == ([], {"users": []})
    assert released["entries"] == removed["entries"]
    assert released["files"] == removed["files"], "a file that is left out would be removed"


def test_nothing_for_no_apps() -> None:
    assert plan([], "all") == {"packages": [], "accounts": {"users": []}, "files": [], "entries": [], "apps": []}
    assert plan(apps({"name": "util"}), "remove")["apps"] == []


def test_an_unknown_part() -> None:
    with pytest.raises(PlanError, match="app_part is 'x' and not one of all, release, remove"):
        plan([], "x")


def test_the_environment_is_secret_and_restarts_its_app_and_the_workers_of_it() -> None:
    (file,) = plan(ALL, "all")["files"]
    assert file["content"].splitlines()[1:] == ['A="say \\"hi\\""', 'B="2"']
    assert (file["mode"], file["secret"], file["entry"]) == ("0600", True, "util")
    assert (file["restart"], file["reload"]) == (["gunicorn@util.service", "worker-util.*@*.service"], [])


def test_an_apache_takes_new_code_and_variables_up_by_a_reload() -> None:
    found = plan(apps({"name": "util", "server": "mod_wsgi"}), "all")
    assert (found["apps"][0]["take_up"], plan(ALL, "all")["apps"][0]["take_up"]) == ("reload", "restart")
    assert found["files"][0]["reload"] == ["mod_wsgi@util.service"]
    assert found["files"][0]["restart"] == ["worker-util.*@*.service"]


@pytest.mark.parametrize(
    ("options", "debian", "program"),
    [
        ({}, True, ""),
        ({"python": "3.13", "install": "debian"}, True, ""),
        ({"python": "3.12"}, False, "mod_wsgi-express"),
        ({"install": "source"}, False, "mod_wsgi-express"),
    ],
)
def test_who_brings_the_module_of_apache(options: dict[str, Any], debian: bool, program: str) -> None:
    (app,) = plan(apps({"name": "util", "server": "mod_wsgi", **options}), "all")["apps"]
    assert (app["debian_python"], app["program"]) == (debian, program)


def test_the_environment_of_an_app_under_supervisord_restarts_its_program() -> None:
    (file,) = plan(apps({"name": "util", "manager": "supervisor"}), "all")["files"]
    assert file["restart"][0] == "util.program"


def test_a_variable_that_cannot_be_written_names_its_app() -> None:
    with pytest.raises(PlanError, match="app 'util': environment: '1' is not a name"):
        plan(apps({"name": "util", "environment": {"1": "x"}}), "all")


@pytest.mark.parametrize(
    ("entry", "more"),
    [
        ({}, ["python3-pip-whl"]),
        ({"server": "none"}, []),
        ({"server": "none", "source": {"git": "https://x.test/a.git", "version": "v1"}}, ["git"]),
        ({"source": {"git": "/srv/git/a.git", "version": "v1"}}, ["git", "python3-pip-whl"]),
        ({"source": {"git": "git@x.test:a.git", "version": "v1"}}, ["git", "openssh-client", "python3-pip-whl"]),
        ({"source": {"git": "ssh://x.test/a.git", "version": "v1"}}, ["git", "openssh-client", "python3-pip-whl"]),
        ({"source": {"archive": "https://x.test/a.zip", "checksum": "x"}}, ["python3-pip-whl"]),
        ({"server": "mod_wsgi"}, ["python3-pip-whl"]),
        (
            {"server": "mod_wsgi", "install": "source"},
            ["apache2-dev", "gcc", "libc6-dev", "python3-dev", "python3-pip-whl"],
        ),
    ],
)
def test_only_packages_that_are_needed(entry: dict[str, Any], more: list[str]) -> None:
    assert packages(apps({"name": "util", **entry})) == sorted(["ca-certificates", *more])


def test_commands_and_public_folders_go_into_the_release() -> None:
    (app,) = plan(apps({"name": "util", "commands": ["a"], "public": ["b"]}), "release")["apps"]
    assert (app["commands"], app["public"]) == (["a"], ["b"])


def asked(**options: Any) -> dict[str, Any] | None:
    (app,) = plan(apps({"name": "util", "wsgi": "wsgi:app", **options}), "release")["apps"]
    told: dict[str, Any] | None = app.get("preflight")
    return told


def test_a_release_is_asked_as_its_unit_would_run_it() -> None:
    told = asked(health={"path": "/up"}, writable=["/srv/a", "/srv/b"], memory_deny_write_execute=False)
    assert told is not None
    assert (told["wsgi"], told["folder"], told["health"]["path"], told["health"]["timeout"]) == (
        "wsgi:app",
        "",
        "/up",
        30,
    )
    assert "PrivateUsers=yes" in told["settings"]
    assert told["settings"][-2:] == ["ReadWritePaths=/srv/a /srv/b", "MemoryDenyWriteExecute=no"]
    inside = asked(writable=["/home/anna/shop"], manager="systemd")
    assert inside is not None
    assert inside["settings"][-2:] == ["ReadWritePaths=/home/anna/shop", "ProtectHome=read-only"]
    shared = asked(writable=["/srv/a"], manager="supervisor")
    assert shared is not None
    assert shared["settings"] == []
    assert all("=" in line and "{" not in line for line in told["settings"])


@pytest.mark.parametrize(
    ("options", "folder"),
    [
        ({}, ""),
        ({"server": "uwsgi"}, ""),
        ({"server": "mod_wsgi"}, ""),
        ({"directory": "/srv/util/current"}, ""),
        ({"directory": "/srv/util/current/src/"}, "src"),
        ({"directory": "/srv/util/currently"}, None),
        ({"directory": "/opt/util"}, None),
        ({"venv": "/opt/venv"}, None),
        ({"user": "www"}, None),
        ({"environment_file": "/etc/util.env"}, None),
        ({"server": "flask"}, None),
        ({"server": "none"}, None),
        ({"wsgi": None}, None),
    ],
)
def test_only_what_a_server_would_take_is_asked(options: dict[str, Any], folder: str | None) -> None:
    told = asked(**options)
    assert (told["folder"] if told else None) == folder


def test_a_host_gets_the_programs_that_ask() -> None:
    assert programs()["program"].startswith("# Copyright")
    assert "def application(" in programs()["library"]


def test_the_release_gets_no_secret_of_the_app() -> None:
    assert "environment" not in plan(ALL, "all")["apps"][0]
