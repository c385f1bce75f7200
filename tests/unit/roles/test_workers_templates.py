# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The files of role workers: units as systemd reads them, and the program that keeps a command in one release."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._workers import LAUNCHER, published
from jinja2.sandbox import SandboxedEnvironment

REPOSITORY = Path(__file__).parents[3]
UNITS = "/etc/systemd/system"
WORKER = {"name": "mail", "command": "rq worker mail{number} '$x'", "stop_signal": "INT", "stop_timeout": 300}
NIGHT = {"name": "night", "command": "python manage.py clearsessions", "calendar": "Mon 04:00"}


def render(**options: Any) -> dict[str, str]:
    """Render all files of one app, as publish does."""
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader([REPOSITORY / "roles/workers/templates", REPOSITORY / "templates"]),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    files = published([{"name": "util", **options}])["parts"]["files"]
    return {
        file["dest"].removeprefix(f"{UNITS}/"): environment.get_template(file["template"]).render(
            ansible_managed="-", **file.get("vars", {})
        )
        for file in files
    }


def settings(text: str) -> dict[str, list[str]]:
    """Read the settings of a unit, those that are given several times in their order."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def sandbox() -> dict[str, list[str]]:
    return settings((REPOSITORY / "templates/sandbox.service.j2").read_text(encoding="utf-8"))


def test_a_worker_is_stopped_as_its_entry_says() -> None:
    unit = settings(render(workers=[WORKER])["worker-util.mail@.service"])
    assert unit["ExecStart"] == [f'{LAUNCHER} /srv/util/current/.venv rq worker "mail%i" "$$x"']
    assert (unit["KillSignal"], unit["TimeoutStopSec"], unit["KillMode"]) == (["SIGINT"], ["300"], ["mixed"])
    assert (unit["User"], unit["EnvironmentFile"], unit["WorkingDirectory"]) == (
        ["util"],
        ["-/etc/barehost/apps/util.env"],
        ["/srv/util/current"],
    )


@pytest.mark.parametrize(("persistent", "delay", "expected"), [(True, 0, ("yes", "0")), (False, 90, ("no", "90"))])
def test_a_schedule_runs_when_its_entry_says(persistent: bool, delay: int, expected: tuple[str, str]) -> None:
    files = render(schedules=[NIGHT | {"persistent": persistent, "random_delay": delay, "timeout": 60}])
    timer, service = (settings(files[f"schedule-util.night.{kind}"]) for kind in ("timer", "service"))
    assert timer["OnCalendar"] == ["Mon 04:00"]
    assert (timer["Persistent"][0], timer["RandomizedDelaySec"][0]) == expected
    assert (service["Type"], service["TimeoutStartSec"]) == (["oneshot"], ["60"])
    assert "Restart" not in service


def test_the_sandbox_is_that_of_the_servers_and_what_an_app_has_of_its_own_comes_later() -> None:
    files = render(workers=[WORKER], schedules=[NIGHT], memory_deny_write_execute=False, writable=["/srv/a"])
    for name in ("worker-util.mail@.service", "schedule-util.night.service"):
        unit = settings(files[name])
        own = {"MemoryDenyWriteExecute": ["yes", "no"], "ReadWritePaths": ["/srv/a"]}
        assert {**unit, **sandbox(), **own} == unit


def test_a_command_stays_in_the_release_that_was_live_when_it_began(tmp_path: Path) -> None:
    launcher = tmp_path / "in_release.sh"
    launcher.write_text(render(workers=[WORKER])[LAUNCHER], encoding="utf-8")
    launcher.chmod(0o755)
    for release in ("one", "two"):
        program = tmp_path / release / ".venv/bin/tell"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nread line; echo {release} "$(command -v again)" "$0" "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        (program.parent / "again").symlink_to("tell")
    current = tmp_path / "current"
    current.symlink_to("one")
    environment = {"PATH": os.defpath}
    with subprocess.Popen(
        [launcher, f"{current}/.venv", "tell", "two words", "$x"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as running:
        while Path(f"/proc/{running.pid}/cmdline").read_text(encoding="utf-8").find("/bin/tell") < 0:
            assert running.poll() is None
        current.unlink()
        current.symlink_to("two")
        said, _ = running.communicate("go\n")
    binaries = f"{tmp_path}/one/.venv/bin"
    assert said == f"one {binaries}/again {binaries}/tell two words $x\n"


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    launcher = tmp_path / "in_release.sh"
    launcher.write_text(render(schedules=[NIGHT])[LAUNCHER], encoding="utf-8")
    words = ["sh", str(launcher), str(tmp_path), "no-such-program"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 127
    assert "no-such-program" in done.stderr
