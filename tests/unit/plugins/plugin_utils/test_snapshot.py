# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host has said at the beginning of a play, and how long that holds."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils import _run, _snapshot
from ansible_collections.barehost.web.plugins.plugin_utils._snapshot import Memory, Request, Snapshot, digest_of
from ansible_collections.barehost.web.plugins.plugin_utils._sources import COLLECTION

ASKED = Request("publish", "nginx", "abc")
ANSWER = {"digest": "abc", "result": {"changed": False, "files": []}, "warnings": []}


def said(**changes: Any) -> Snapshot:
    """A host that fulfils one request."""
    return Snapshot(**{"requests": {"publish.nginx": ANSWER}, "sets": ["nginx"], "owed": False, **changes})


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (ASKED, {"changed": False, "files": []}),
        (Request("publish", "nginx", "other"), None),
        (Request("publish", "apache", "abc"), None),
        (Request("units", "nginx", "abc"), None),
    ],
)
def test_only_what_is_asked_for_in_the_same_words_is_answered(request_: Request, answer: Any) -> None:
    assert said().answer(request_) == answer


def test_warnings_of_the_host_are_part_of_the_answer() -> None:
    warned = said(requests={"publish.nginx": {**ANSWER, "warnings": ["'gone' is no longer in the model"]}})
    assert (warned.answer(ASKED) or {})["warnings"] == ["'gone' is no longer in the model"]


@pytest.mark.parametrize(
    ("snapshot", "nothing"),
    [(said(), True), (said(sets=["uwsgi"]), False), (said(owed=True), False), (Snapshot(), False)],
)
def test_host_has_nothing_of_a_set_only_if_it_has_said_so(snapshot: Snapshot, *, nothing: bool) -> None:
    assert snapshot.has_nothing_of("uwsgi") is nothing


def test_digest_tells_what_is_wanted_and_not_who_asks() -> None:
    wanted = {"apps": [1], "by": "me"}
    assert digest_of(wanted, ["by"]) == digest_of({"by": "you", "apps": [1]}, ["by"])
    assert digest_of(wanted, ["by"]) != digest_of({**wanted, "apps": [2]}, ["by"])
    assert digest_of(wanted) != digest_of({**wanted, "by": "you"})


def plain(snapshot: Snapshot) -> dict[str, Any]:
    return {"requests": dict(snapshot.requests), "sets": list(snapshot.sets), "owed": snapshot.owed}


def test_memory_holds_until_it_is_dropped(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "run", "site", "play", "ssh", "host")
    assert memory.read() is None
    memory.write(plain(said()))
    assert memory.read() == said()
    assert [path.stat().st_mode & 0o077 for path in (tmp_path / "run").iterdir()] == [0]
    memory.drop()
    assert memory.read() is None
    memory.drop()


@pytest.mark.parametrize(
    "other", [("deploy", "play", "ssh", "host"), ("site", "next", "ssh", "host"), ("site", "play", "ssh", "elsewhere")]
)
def test_memory_is_of_one_play_and_one_connection(tmp_path: Path, other: tuple[str, ...]) -> None:
    Memory(tmp_path, "site", "play", "ssh", "host").write(plain(said()))
    assert Memory(tmp_path, *other).read() is None


def test_memory_of_another_run_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Memory(tmp_path, "site", "play").write(plain(said()))
    monkeypatch.setattr(_run, "RUN", "another")
    assert Memory(tmp_path, "site", "play").read() is None


def task(path: str, delegate_to: str | None = None) -> SimpleNamespace:
    """A task of a play in a playbook."""
    play = SimpleNamespace(get_path=lambda: f"{path}:3", _uuid="one")
    return SimpleNamespace(get_play=lambda: play, delegate_to=delegate_to)


def context(**changes: Any) -> SimpleNamespace:
    """How a host is reached."""
    usual = {"remote_addr": "one", "port": 22, "remote_user": "root", "become": False, "become_method": "sudo"}
    return SimpleNamespace(**{**usual, "become_user": "root", **changes})


SSH = SimpleNamespace(transport="ssh")
SITE = str(COLLECTION / "playbooks/site.yml")


@pytest.mark.parametrize("path", ["/home/me/site.yml", "", str(COLLECTION / "roles/nginx/tasks/main.yml")])
def test_nothing_is_remembered_in_plays_of_users(path: str) -> None:
    assert _snapshot.memory_of(task(path), SSH, context()) is None
    assert _snapshot.validated_of(task(path), "one") is None


@pytest.mark.parametrize(
    ("other", "connection", "reached"),
    [
        (task(SITE, "two"), SSH, context()),
        (task(SITE), SSH, context(remote_addr="two")),
        (task(SITE), SSH, context(remote_user="me")),
        (task(SITE), SSH, context(become=True)),
        (task(SITE), SimpleNamespace(transport="podman"), context()),
    ],
)
def test_another_way_to_a_host_is_another_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: Any, connection: Any, reached: Any
) -> None:
    monkeypatch.setattr(_snapshot, "run_folder", lambda: tmp_path)
    memory = _snapshot.memory_of(task(SITE), SSH, context())
    assert memory is not None
    memory.write(plain(said()))
    same, another = (_snapshot.memory_of(*way) for way in ((task(SITE), SSH, context()), (other, connection, reached)))
    assert same is not None
    assert another is not None
    assert (same.read(), another.read(), same.play) == (said(), None, "site")


def test_model_is_validated_once_for_each_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_snapshot, "run_folder", lambda: tmp_path)
    one = _snapshot.validated_of(task(SITE), "one")
    assert one is not None
    assert not one
    one.note()
    assert _snapshot.validated_of(task(SITE), "one")
    assert not _snapshot.validated_of(task(SITE), "two")
