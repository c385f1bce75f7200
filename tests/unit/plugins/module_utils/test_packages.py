# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What dpkg says, and a package manager that hangs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _packages


def test_only_complete_packages_count() -> None:
    text = "nginx\tinstalled\t1.26.3-3\nlogrotate\tunpacked\t3.22.0\nuv\tnot-installed\t\n"
    assert _packages.parse_status(text) == {"nginx": "1.26.3-3"}


def hanging(times: int, calls: list[list[str]]) -> Callable[..., Any]:
    """A package manager whose update hangs as often, and whose install needs an update first."""

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        verb = next(word for word in command if word in {"install", "update"})
        updates = sum("update" in call for call in calls)
        if verb == "update" and updates <= times:
            raise subprocess.TimeoutExpired(command, options["timeout"])
        return subprocess.CompletedProcess(command, 0 if updates > times else 100, "no such package", "")

    return run


def test_update_that_hangs_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", hanging(2, calls))
    _packages._install(["nginx"], 1, {})
    assert ["update" in call for call in calls] == [False, True, True, True, False]


def test_update_that_always_hangs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", hanging(99, []))
    with pytest.raises(_packages.PackageError, match="hung for 90 seconds, 4 times"):
        _packages._install(["nginx"], 1, {})
