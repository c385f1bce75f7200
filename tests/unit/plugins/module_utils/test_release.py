# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What makes a release another one, and how a call is read and explained."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils._ready import Probe
from ansible_collections.barehost.web.plugins.module_utils._release import (
    Outcome,
    Registry,
    described,
    explain,
    request_from,
)
from ansible_collections.barehost.web.plugins.module_utils._release_app import App, release_digest
from ansible_collections.barehost.web.plugins.module_utils._release_fetch import Source, keep_times
from ansible_collections.barehost.web.plugins.module_utils._release_manifest import Entry, scan
from ansible_collections.barehost.web.plugins.module_utils._release_preflight import Health, Preflight
from ansible_collections.barehost.web.plugins.module_utils._release_shared import Shared

APP = App(
    name="util",
    source=Source("git", "https://u:p@git.example.test/util.git", "v1"),
    public=False,
    unit="gunicorn@util.service",
    take_up="restart",
    debian_python=False,
    python="",
    requirements=("a", "b"),
    program="gunicorn",
    program_requirement="gunicorn==1",
    keep=5,
)
PYTHON = "/usr/bin/python3.11"
DIGEST = release_digest(APP, "commit", PYTHON)


@pytest.mark.parametrize(
    "other",
    [
        replace(APP, source=replace(APP.source, kind="archive")),
        replace(APP, source=replace(APP.source, subdirectory="x")),
        replace(APP, public=True),
        replace(APP, requirements=("a",)),
        replace(APP, commands=("a", "b")),
        replace(APP, served=("static",)),
        replace(APP, shared=(Shared("media"),)),
        replace(APP, program="uwsgi"),
        replace(APP, program_requirement="gunicorn==2"),
    ],
)
def test_another_release(other: App) -> None:
    assert release_digest(other, "commit", PYTHON) != DIGEST


def test_another_commit_or_interpreter_is_another_release() -> None:
    assert release_digest(APP, "other", PYTHON) != DIGEST
    assert release_digest(APP, "commit", "/usr/bin/python3.13") != DIGEST


@pytest.mark.parametrize(
    "same",
    [
        replace(APP, source=replace(APP.source, version="main")),
        replace(APP, source=replace(APP.source, location="https://mirror.example.test/util.git", key="KEY")),
        replace(APP, requirements=("b", "a")),
        replace(APP, keep=1),
        replace(APP, keep_assets=False),
    ],
)
def test_the_same_release(same: App) -> None:
    assert release_digest(same, "commit", PYTHON) == DIGEST


def test_the_order_of_commands_counts_and_that_of_folders_does_not() -> None:
    commands, folders = replace(APP, commands=("a", "b")), replace(APP, served=("a", "b"))
    assert release_digest(commands, "c", PYTHON) != release_digest(replace(commands, commands=("b", "a")), "c", PYTHON)
    assert release_digest(folders, "c", PYTHON) == release_digest(replace(folders, served=("b", "a")), "c", PYTHON)


def test_shared_paths_count_but_for_their_order_and_none_is_nothing_new() -> None:
    made_of = [1, "git", "commit", "", False, PYTHON, ["a", "b"], "gunicorn", "gunicorn==1", [], []]
    assert hashlib.sha256(json.dumps(made_of).encode()).hexdigest() == DIGEST, "releases of older versions are found"
    one, other = Shared("media"), Shared("site.db", is_file=True)
    found = [(one, other), (other, one), (replace(one, public=True), other)]
    digests = [release_digest(replace(APP, shared=shared), "commit", PYTHON) for shared in found]
    assert (digests[0] == digests[1], digests[0] == digests[2]) == (True, False)


def test_static_files_do_not_depend_on_python() -> None:
    public = replace(APP, public=True)
    assert release_digest(public, "c", "") == release_digest(replace(public, requirements=()), "c", PYTHON)


def test_the_label_has_no_password() -> None:
    assert APP.source.label() == "git https://***@git.example.test/util.git, version v1"
    assert "KEY" not in repr(replace(APP.source, key="KEY"))


PAYLOAD: dict[str, Any] = {
    "apps": [
        {
            "name": "util",
            "state": "present",
            "server": "gunicorn",
            "manager": "systemd",
            "program": "gunicorn",
            "take_up": "reload",
            "debian_python": False,
            "source": {"kind": "path", "location": "x", "digest": "d", "sent": True},
            "python": "3.12",
            "requirements": ["a"],
            "commands": ["python manage.py migrate"],
            "irreversible": True,
            "public": ["static/", "media"],
            "shared": [
                {"path": "uploads/", "type": "directory", "public": True},
                {"path": "site.db", "type": "file", "public": False},
            ],
            "preflight": {
                "wsgi": "wsgi:app",
                "folder": "src",
                "health": {"path": "/up", "method": "HEAD", "status": 204, "host": "a.test", "timeout": 3},
                "settings": ["NoNewPrivileges=yes"],
            },
            "keep_releases": 3,
            "keep_assets": False,
        },
        {
            "name": "frontend",
            "state": "present",
            "server": "none",
            "program": "",
            "take_up": "restart",
            "debian_python": False,
            "source": {"kind": "path", "location": "y"},
            "python": "",
            "requirements": [],
            "commands": [],
            "irreversible": False,
            "public": [],
            "shared": [],
            "keep_releases": 5,
            "keep_assets": True,
        },
        {"name": "old", "state": "absent"},
    ],
    "requirements": {"gunicorn": "gunicorn==1"},
    "entries": ["other"],
    "purge": True,
    "uv_version": "1",
    "uv_hashes": ["x"],
    "timeout": 5,
    "lock_timeout": 6,
    "bundle": "",
    "begun": "20260102T030405Z",
    "by": "anna@laptop",
    "deploy": None,
    "programs": {"program": "P", "library": "L"},
}


def test_a_request_is_read() -> None:
    request = request_from(PAYLOAD, check=True)
    util, frontend = request.apps
    assert (util.unit, util.program, util.public, util.keep) == ("gunicorn@util.service", "gunicorn", False, 3)
    assert (frontend.unit, frontend.program, frontend.public) == ("", "", True)
    assert (util.take_up, frontend.take_up) == ("reload", "restart")
    assert (util.keep_assets, frontend.keep_assets) == (False, True)
    assert (util.commands, util.served) == (("python manage.py migrate",), ("static", "media"))
    assert util.shared == (Shared("uploads", public=True), Shared("site.db", is_file=True))
    assert request.absent == ("old",)
    assert request.entries == {"util", "frontend", "old", "other"}
    assert (request.settings.check, request.settings.timeout, request.lock_timeout) == (True, 5, 6)
    assert (util.preflight.wsgi, util.preflight.folder, util.preflight.program) == ("wsgi:app", "src", "P")
    assert (util.preflight.health, frontend.preflight) == (Health("/up", "HEAD", 204, "a.test", 3), Preflight())
    assert (util.irreversible, util.ready, request.settings.deploys, request.break_lock) == (True, None, False, False)


def test_a_deploy_is_read() -> None:
    address = {"name": "util", "address": "unix:/run/x.sock", "protocol": "uwsgi", "keepalive": 60}
    words = {"return_to": "previous", "again": True, "despite_data": True, "ask": False, "break_lock": True}
    request = request_from({**PAYLOAD, "deploy": {"addresses": [address], **words}}, check=False)
    settings = request.settings
    assert (settings.deploys, settings.return_to, settings.again, settings.despite_data) == (
        True,
        "previous",
        True,
        True,
    )
    assert (settings.asks, request.break_lock, settings.by) == (False, True, "anna@laptop")
    util, frontend = request.apps
    assert util.ready == Probe("unix:/run/x.sock", "/up", "a.test", 3, "uwsgi", "HEAD", 204)
    assert frontend.ready is None


def test_an_app_under_supervisord_is_a_program() -> None:
    (util, *_) = request_from({**PAYLOAD, "apps": [PAYLOAD["apps"][0] | {"manager": "supervisor"}]}, check=True).apps
    assert util.unit == "util.program"


def test_a_failure_names_the_entry_and_hides_its_password() -> None:
    text = explain(Outcome(failures={"no-such-app": "https://u:hush@x.test cannot be fetched: refused."}), 3)
    assert text.splitlines() == [
        "1 of 3 apps could not be brought to the wanted state.",
        "- app 'no-such-app': https://***@x.test cannot be fetched: refused.",
        "  No release of 'no-such-app' is live. Correct the entry or its source and run again.",
    ]


def test_a_result_is_plain_data() -> None:
    assert described(Outcome(changed=True, removed=["old"], failures={"a": "b"}, warnings=["c"])) == {
        "changed": True,
        "needed": [],
        "apps": [],
        "removed": ["old"],
        "orphans": [],
        "diff": [],
        "notes": [],
    }


def test_the_host_remembers_its_apps(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    assert registry.units() == {}
    registry.add("util", "gunicorn@util.service")
    registry.add("frontend", "")
    registry.add("util", "uwsgi@util.service")
    assert registry.units() == {"frontend": "", "util": "uwsgi@util.service"}
    registry.forget("util")
    registry.forget("util")
    assert registry.units() == {"frontend": ""}


def test_a_file_that_did_not_change_keeps_its_time(tmp_path: Path) -> None:
    live, fresh = tmp_path / "live", tmp_path / "fresh"
    for folder, changed in ((live, "one"), (fresh, "two")):
        folder.mkdir()
        (folder / "same").write_text("same")
        (folder / "changed").write_text(changed)
        (folder / "link").symlink_to("same")
    before: list[Entry] = scan(live)
    keep_times(None, ())(live, before)
    times = {name: (live / name).stat().st_mtime_ns for name in ("same", "changed")}
    (fresh / "new").touch()
    keep_times(live, before)(fresh, scan(fresh))
    assert (fresh / "same").stat().st_mtime_ns == times["same"]
    assert (fresh / "changed").stat().st_mtime_ns > times["changed"]
    assert (fresh / "new").stat().st_mtime_ns > times["changed"]
