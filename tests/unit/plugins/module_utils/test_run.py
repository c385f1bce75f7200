# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A command of somebody on the host: in which release it runs, what is shown of it, and when it does not run."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _release_user, _run
from ansible_collections.barehost.web.plugins.module_utils._host import HostError
from ansible_collections.barehost.web.plugins.module_utils._release_store import Store
from ansible_collections.barehost.web.plugins.module_utils._release_user import Account, Sandbox

RELEASE = "20260101T000000Z-aaaaaaaa"
OPTIONS: dict[str, Any] = {
    "app": "util",
    "command": "tell 'two words'",
    "words": ["tell", "two words"],
    "folder": "src",
    "settings": ["NoNewPrivileges=yes"],
    "timeout": 60,
}


@dataclass
class Systemd:
    """Plays systemd-run: notes what it is to run, and answers."""

    answer: subprocess.CompletedProcess[str] | Exception
    calls: list[list[str]] = field(default_factory=list)

    def run(self, words: Sequence[str], **_more: object) -> subprocess.CompletedProcess[str]:
        """Run nothing."""
        self.calls.append([str(word) for word in words])
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    """A host with systemd and one release of an app, which has a secret."""
    plays = Systemd(subprocess.CompletedProcess([], 0, "hello\nthe key is hush-hush\n"))
    monkeypatch.setattr(_release_user, "RUN", tmp_path / "run")
    monkeypatch.setattr(_release_user, "BOOTED", tmp_path)
    monkeypatch.setattr(_release_user.subprocess, "run", plays.run)
    monkeypatch.setattr(_run, "Store", lambda name: Store(name, tmp_path / "srv"))
    monkeypatch.setattr(_run, "account", lambda name: Account(name, 990, 991) if name == "util" else None)
    place = _run.as_its_unit.__globals__
    monkeypatch.setitem(place, "_ENVIRONMENTS", tmp_path)
    monkeypatch.setitem(place, "BOOTED", tmp_path)
    (tmp_path / "util.env").write_text('KEY="hush-hush"\n', encoding="utf-8")
    for name in ("util", "stranger"):
        store = Store(name, tmp_path / "srv")
        (store.releases / RELEASE).mkdir(parents=True)
        store.switch(RELEASE)
    return plays


def test_a_command_runs_in_the_release_that_is_live(host: Systemd, tmp_path: Path) -> None:
    result = _run.run(OPTIONS, check=False).result
    assert result == {"changed": True, "release": RELEASE, "rc": 0, "stdout": "hello\nthe key is ***\n"}
    (words,) = host.calls
    release = f"{tmp_path}/srv/util/releases/{RELEASE}"
    assert words[words.index("--") :] == ["--", "/usr/bin/env", "--", "tell", "two words"]
    assert {"--uid=990", "--gid=991", f"--working-directory={release}/src"} <= set(words)
    assert {"--property=NoNewPrivileges=yes", f"--property=EnvironmentFile=-{tmp_path}/util.env"} <= set(words)
    assert [word.rpartition(".")[0].rpartition(".")[0] for word in words if word.startswith("--unit=")] == [
        "--unit=barehost-run-util"
    ], "a release that ends what is left of builds does not mean it"


def test_a_command_that_fails_is_told_by_its_exit_status(host: Systemd) -> None:
    host.answer = subprocess.CompletedProcess([], 3, "no\n")
    result = _run.run(OPTIONS, check=False).result
    assert (result["rc"], result["stdout"]) == (3, "no\n")


def test_a_command_that_takes_too_long_is_ended_and_nothing_else_is(
    host: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.answer = subprocess.TimeoutExpired("x", 60, output=b"so far hush-hush\n")
    ends = Systemd(subprocess.CompletedProcess([], 0, ""))
    calls = host.calls

    def run(words: Sequence[str], **more: object) -> subprocess.CompletedProcess[str]:
        return (ends if words[0] == "systemctl" else host).run(words, **more)

    monkeypatch.setattr(_release_user.subprocess, "run", run)
    with pytest.raises(HostError) as told:
        _run.run(OPTIONS, check=False)
    assert str(told.value).splitlines() == [
        "app 'util': command 'tell 'two words'' took more than 60 seconds. Its last lines:",
        "so far ***",
    ]
    (unit,) = [word.removeprefix("--unit=") for word in calls[0] if word.startswith("--unit=")]
    assert ends.calls == [["systemctl", "kill", "--signal=KILL", unit], ["systemctl", "stop", unit]]


def test_check_mode_runs_nothing(host: Systemd) -> None:
    assert _run.run(OPTIONS, check=True).result == {"changed": True, "release": RELEASE}
    assert host.calls == []


@pytest.mark.parametrize("app", ["other", "stranger"], ids=["no release", "no user"])
def test_an_app_that_is_not_there_is_told(host: Systemd, app: str) -> None:
    with pytest.raises(HostError, match=f"app '{app}' has no release on this host. Run site.yml first."):
        _run.run({**OPTIONS, "app": app}, check=False)
    assert host.calls == []


def test_two_commands_of_one_app_do_not_take_each_others_variables(host: Systemd, tmp_path: Path) -> None:
    seen = []
    for kind in ("build", "run"):
        sandbox = Sandbox("util", Account("util", 990, 991), (), {"A": kind}, 5, kind=kind)
        host.calls.clear()
        sandbox.attempt(["true"], tmp_path, "x")
        seen += [word for word in host.calls[0] if word.startswith("--property=EnvironmentFile=")]
    assert len(set(seen)) == 2
    assert list((tmp_path / "run").iterdir()) == []
