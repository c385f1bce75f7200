# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which commit a version means, and how git is let in."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _patience
from ansible_collections.barehost.web.plugins.module_utils._release_git import (
    Commit,
    choose,
    is_commit,
    remote,
    resolve,
)
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40
ANSWER = f"""{ONE}\trefs/heads/main
{TWO}\trefs/tags/v1
{THREE}\trefs/tags/v1^{{}}
{TWO}\trefs/tags/light
{ONE}\trefs/tags/both
{TWO}\trefs/heads/both
{THREE}\tHEAD
"""


@pytest.mark.parametrize(
    ("version", "commit"),
    [
        ("main", Commit(ONE)),
        ("v1", Commit(THREE, "v1")),
        ("light", Commit(TWO, "light")),
        ("both", Commit(ONE, "both")),
        ("HEAD", Commit(THREE)),
        ("missing", None),
        ("tags/v1", None),
    ],
)
def test_a_version_is_a_commit(version: str, commit: Commit | None) -> None:
    assert choose(version, f"warning: a word of the server\n{ANSWER}") == commit


@pytest.mark.parametrize(("text", "full"), [(ONE, True), (ONE[:39], False), ("main", False), (f"{ONE}\n", False)])
def test_only_a_full_id_is_a_commit(text: str, *, full: bool) -> None:
    assert is_commit(text) is full


def access(url: str, key: Path | None = None) -> tuple[str, dict[str, str]]:
    made = remote(url, known_hosts=Path("/known"), settings=Path("/settings"), key=key)
    return made.url, dict(made.environment)


def test_a_password_is_no_argument_and_goes_to_its_server_only() -> None:
    url, variables = access("https://me:p%40ss@git.example.test:8443/util.git")
    assert url == "https://git.example.test:8443/util.git"
    assert variables["GIT_CONFIG_KEY_0"] == "credential.https://git.example.test:8443.helper"
    assert (variables["BAREHOST_GIT_USER"], variables["BAREHOST_GIT_PASSWORD"]) == ("me", "p@ss")
    assert "p@ss" not in variables["GIT_CONFIG_VALUE_0"]


@pytest.mark.parametrize("url", ["git@git.example.test:util.git", "ssh://git@git.example.test/util.git", "/srv/x.git"])
def test_other_urls_stay_as_they_are(url: str) -> None:
    found, variables = access(url)
    assert found == url
    assert "GIT_CONFIG_COUNT" not in variables
    assert "-o UserKnownHostsFile=/known" in variables["GIT_SSH_COMMAND"]
    assert "-i" not in variables["GIT_SSH_COMMAND"].split()


def test_a_key_is_the_only_one() -> None:
    _, variables = access("git@git.example.test:util.git", Path("/run/key"))
    assert variables["GIT_SSH_COMMAND"].endswith("-o IdentitiesOnly=yes -i /run/key")


class Sandbox:
    """Runs git here; something may happen before a try."""

    def __init__(self) -> None:
        self.tries = 0
        self.before: dict[int, Callable[[], object]] = {}

    def run(self, command: Sequence[str], folder: Path, doing: str) -> str:
        self.tries += 1
        self.before.get(self.tries, lambda: None)()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise WorkError(f"{doing} failed:\n{done.stdout}{done.stderr}")
        return done.stdout


@pytest.fixture
def port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
    return number


@pytest.fixture
def daemon(tmp_path: Path, port: int) -> Iterator[Callable[[], object]]:
    """Starts git's own server, with a repository of one commit."""
    git = ["git", "-C", str(tmp_path / "util.git"), "-c", "user.name=x", "-c", "user.email=x@example.test"]
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(tmp_path / "util.git")], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "one"], check=True)
    command = ["git", "daemon", "--export-all", "--listen=127.0.0.1", f"--port={port}", f"--base-path={tmp_path}"]
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        started.append(subprocess.Popen(command, start_new_session=True))
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return
            time.sleep(0.1)

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_server_that_is_away_for_a_moment_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, daemon: Callable[[], object], port: int
) -> None:
    monkeypatch.setattr(_patience, "PAUSES", (0.0, 0.0))
    sandbox = Sandbox()
    sandbox.before[3] = daemon
    assert is_commit(resolve(cast("Any", sandbox), f"git://127.0.0.1:{port}/util.git", "main").name)
    assert sandbox.tries == 3


def test_a_server_that_stays_away_is_told(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(_patience, "PAUSES", (0.0, 0.0))
    sandbox = Sandbox()
    with pytest.raises(WorkError, match="refused"):
        resolve(cast("Any", sandbox), f"git://127.0.0.1:{port}/util.git", "main")
    assert sandbox.tries == 3


def test_a_repository_that_is_not_there_is_missed_at_once(daemon: Callable[[], object], port: int) -> None:
    daemon()
    sandbox = Sandbox()
    with pytest.raises(WorkError, match=f"asking git://127.0.0.1:{port}/none.git for 'main' failed"):
        resolve(cast("Any", sandbox), f"git://127.0.0.1:{port}/none.git", "main")
    assert sandbox.tries == 1


@pytest.mark.parametrize(
    ("said", "tries"),
    [
        ("fatal: unable to access 'http://h/x.git/': The requested URL returned error: 503", 3),
        ("fatal: unable to access 'http://h/x.git/': transfer closed with 966 bytes remaining to read", 3),
        ("fatal: unable to access 'http://h/x.git/': Recv failure: Connection reset by peer", 3),
        ("fatal: unable to access 'http://h/x.git/': Empty reply from server", 3),
        ("fatal: unable to access 'http://h/x.git/': Failed to connect to h port 80 after 0 ms: Couldn't connect", 3),
        ("kex_exchange_identification: read: Connection reset by peer", 3),
        ("fatal: unable to connect to 127.0.0.1:\n127.0.0.1[0: 127.0.0.1]: errno=Connection refused", 3),
        ("fatal: unable to access 'http://h/x.git/': The requested URL returned error: 403", 1),
        ("remote: Repository not found.\nfatal: repository 'https://h/x.git/' not found", 1),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.", 1),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", 1),
    ],
)
def test_what_may_pass_is_tried_again(monkeypatch: pytest.MonkeyPatch, said: str, tries: int) -> None:
    monkeypatch.setattr(_patience, "PAUSES", (0.0, 0.0))
    tried = []

    def run(*_words: object) -> str:
        tried.append(1)
        raise WorkError(said)

    with pytest.raises(WorkError):
        resolve(cast("Any", SimpleNamespace(run=run)), "http://h/x.git", "main")
    assert len(tried) == tries


def test_a_server_that_takes_minutes_to_be_away_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((0.0, 134.0))
    monkeypatch.setattr(_patience.time, "monotonic", lambda: next(clock))
    tried = []

    def run(*_words: object) -> str:
        tried.append(1)
        raise WorkError("fatal: unable to access 'http://h/x.git/': Failed to connect to h port 80 after 134000 ms")

    with pytest.raises(WorkError):
        resolve(cast("Any", SimpleNamespace(run=run)), "http://h/x.git", "main")
    assert len(tried) == 1
