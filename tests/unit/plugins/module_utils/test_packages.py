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


class Apt:
    """A package manager that says of one verb what it is told to, as often as told; None hangs."""

    def __init__(self, verb: str, *answers: tuple[int, str] | None) -> None:
        self.verb, self.answers = verb, [*answers]
        self.calls: list[str] = []
        self.pauses: list[float] = []

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Answer like subprocess.run(); an install needs an update first."""
        verb = next(word for word in command if word in {"install", "update"})
        self.calls.append(verb)
        status, text = (0, "") if verb == "update" or "update" in self.calls else (100, "E: Unable to locate package")
        if verb == self.verb and self.answers and (verb == "update" or "update" in self.calls):
            if (answer := self.answers.pop(0)) is None:
                raise subprocess.TimeoutExpired(command, options["timeout"])
            status, text = answer
        return subprocess.CompletedProcess(command, status, text, "")


def install(monkeypatch: pytest.MonkeyPatch, apt: Apt, lock_timeout: int = 60) -> None:
    """Have nginx installed by it; the clock goes on by what is slept only."""
    monkeypatch.setattr(subprocess, "run", apt.run)
    monkeypatch.setattr(_packages.time, "sleep", apt.pauses.append)
    monkeypatch.setattr(_packages.time, "monotonic", lambda: sum(apt.pauses))
    _packages._install(["nginx"], lock_timeout, {})


LOCKED = (100, "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 61 (apt-get)\nE: Unable to lock")
BUSY = (100, "E: Failed to fetch http://mirror.test/pool/nginx_1.deb  503  Service Unavailable [IP: 192.0.2.1 80]")
#: What an update says of a source that it leaves out: it ends well all the same.
AWAY = (0, "W: Failed to fetch http://mirror.test/dists/x/InRelease  Could not connect to mirror.test:80")
GONE = (100, "E: Failed to fetch http://mirror.test/pool/nginx_1.deb  404  Not Found [IP: 192.0.2.1 80]")


@pytest.mark.parametrize(
    ("apt", "calls", "pauses"),
    [
        (Apt("update"), ["install", "update", "install"], []),
        (Apt("update", None, None), ["install", *["update"] * 3, "install"], [2.0, 5.0]),
        (Apt("update", BUSY, LOCKED, LOCKED), ["install", *["update"] * 4, "install"], [2.0, 1.0, 1.0]),
        (Apt("update", AWAY), ["install", "update", "update", "install"], [2.0]),
        (Apt("update", *[AWAY] * 4), ["install", *["update"] * 4, "install"], [2.0, 5.0, 10.0]),
        (Apt("install", LOCKED, BUSY), ["install", "update", *["install"] * 3], [1.0, 2.0]),
    ],
)
def test_what_fails_for_the_moment_is_begun_again(
    monkeypatch: pytest.MonkeyPatch, apt: Apt, calls: list[str], pauses: list[float]
) -> None:
    install(monkeypatch, apt)
    assert apt.calls == calls
    assert apt.pauses == pauses


@pytest.mark.parametrize(
    ("apt", "message", "calls"),
    [
        (Apt("update", *[None] * 9), r"hung for 90 seconds.*\nLook at the host's network", 5),
        (Apt("update", *[BUSY] * 9), r"Reading the package lists failed .*503.*\nLook at the host's network", 5),
        (Apt("install", *[BUSY] * 9), r"Installing nginx failed .*503.*\nLook at the host's network", 6),
        (Apt("install", GONE), r"Installing nginx failed .*404  Not Found \[IP: 192.0.2.1 80\]$", 3),
        (Apt("update", *[LOCKED] * 99), r"held by process 61.*waited for, for 60 seconds", 62),
    ],
)
def test_what_stays_is_told_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, apt: Apt, message: str, calls: int
) -> None:
    with pytest.raises(_packages.PackageError, match=f"(?s){message}"):
        install(monkeypatch, apt)
    assert len(apt.calls) == calls


def test_another_package_manager_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    apt = Apt("install")
    monkeypatch.setattr(apt, "run", lambda command, **_: subprocess.CompletedProcess(command, *LOCKED, ""))
    with pytest.raises(_packages.LockedError):
        install(monkeypatch, apt)
    assert sum(apt.pauses) == 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("E: Failed to fetch http://mirror.test/a  503  Service Unavailable [IP: 192.0.2.1 80]", True),
        ("E: Failed to fetch http://mirror.test/a  429  Too Many Requests", True),
        ("E: Failed to fetch http://mirror.test/a  File has unexpected size (1 != 2). Mirror sync in progress?", True),
        ("W: Failed to fetch http://mirror.test/a  Unable to connect to 192.0.2.1:80:", True),
        ("E: Failed to fetch http://mirror.test/a  404  Not Found [IP: 192.0.2.1 80]", False),
        ("E: Failed to fetch http://mirror.test/a  401  Unauthorized", False),
        ("W: Failed to fetch http://mirror.test/a  The following signatures couldn't be verified", False),
        ("E: Unable to locate package nginx", False),
    ],
)
def test_what_will_be_another_in_a_moment(text: str, expected: bool) -> None:
    assert (_packages._FOR_THE_MOMENT.search(text) is not None) == expected


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
