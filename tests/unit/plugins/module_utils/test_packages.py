# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What dpkg says, and a package manager that hangs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
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


POLICY = """php8.4-fpm:
  Installed: (none)
  Candidate: 8.4.27-1
  Version table:
     8.4.27-1 500
php-json:
  Installed: (none)
  Candidate: (none)
  Version table:
"""


def lacking(calls: list[list[str]]) -> Callable[..., Any]:
    """A package manager whose sources have one of the packages."""

    def run(command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        return subprocess.CompletedProcess(command, 0 if {"policy", "update"} & {*command} else 100, POLICY, "")

    return run


def test_package_that_no_source_has_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lacking(calls))
    reasons = {"php8.4-fpm": "here", "php-json": "pool 'a'; leave it out", "php9.9-fpm": "pool 'b'; take another"}
    with pytest.raises(_packages.PackageError) as raised:
        _packages._install([*reasons], 1, reasons)
    assert str(raised.value).splitlines() == [
        "Nothing was installed: no package source of this host has",
        "- php-json: pool 'a'; leave it out",
        "- php9.9-fpm: pool 'b'; take another",
    ]
    assert [call for call in calls if "--fix-broken" in call] == []


def test_package_that_nobody_gave_a_reason_for_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lacking(calls))
    with pytest.raises(_packages.PackageError, match="Installing php-json failed"):
        _packages._install(["php-json"], 1, {})
    assert "policy" not in [word for call in calls for word in call]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Ask a host that has nginx and PHP for packages."""
    there = {"nginx": "1.26", "php": "8.4"}
    monkeypatch.setattr(_packages, "_ASKED", tmp_path / "barehost" / "packages.json")
    monkeypatch.setattr(_packages, "supported_codename", lambda: "trixie")
    monkeypatch.setattr(_packages, "killed_run", lambda: False)
    monkeypatch.setattr(_packages, "installed", lambda names: {name: there[name] for name in names if name in there})
    monkeypatch.setattr(_packages, "install", lambda names, **_: there.update(dict.fromkeys(names, "new")))

    def ask(*names: str, check: bool = False) -> dict[str, Any]:
        return _packages.run({"names": [*names], "lock_timeout": 1, "reasons": {}}, check=check).result

    return ask


def test_first_answer_is_for_all_that_was_ever_asked_for(host: Callable[..., dict[str, Any]]) -> None:
    assert host("nginx")["known"] == {"nginx": "1.26"}
    assert host("php", "mariadb-server")["known"] == {"nginx": "1.26", "php": "8.4", "mariadb-server": "new"}
    again = host("nginx")
    assert again["versions"] == {"nginx": "1.26"}
    assert again["known"] == {"nginx": "1.26", "php": "8.4", "mariadb-server": "new"}


def test_check_remembers_nothing(host: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    assert host("nginx", "mariadb-server", check=True)["known"] == {"nginx": "1.26"}
    assert not any(tmp_path.iterdir())


def test_memory_that_is_broken_costs_a_question_only(host: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    host("nginx")
    (tmp_path / "barehost" / "packages.json").write_text("")
    assert host("php")["known"] == {"php": "8.4"}
