# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What programs of supervisord have to be told, and how supervisord is spoken with."""

from __future__ import annotations

import json
import threading
import xmlrpc.client
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _marks
from ansible_collections.barehost.web.plugins.module_utils._programs import published
from ansible_collections.barehost.web.plugins.module_utils._programs_plan import (
    Program,
    ProgramWork,
    is_program,
    plan,
    short,
    trouble,
)
from ansible_collections.barehost.web.plugins.module_utils._supervisor import Supervisor, SupervisorError
from ansible_collections.barehost.web.plugins.module_utils._units_plan import Wanted

UP, STARTING, STOPPED, EXITED, BACKOFF, FATAL = (
    Program(state, 7) for state in ("RUNNING", "STARTING", "STOPPED", "EXITED", "BACKOFF", "FATAL")
)
NAME = "util.program"


def test_programs_are_told_from_units_by_their_name() -> None:
    assert (is_program(NAME), is_program("util.service")) == (True, False)
    assert short(NAME) == "util"


@pytest.mark.parametrize(
    ("now", "mark", "expected"),
    [
        (UP, None, ProgramWork()),
        (STARTING, None, ProgramWork()),
        (None, None, ProgramWork(start=["util"])),
        (STOPPED, None, ProgramWork(start=["util"])),
        (EXITED, "reload", ProgramWork(start=["util"])),
        (BACKOFF, None, ProgramWork(restart=["util"])),
        (FATAL, None, ProgramWork(restart=["util"])),
        (UP, "reload", ProgramWork(reload=["util"])),
        (UP, "restart", ProgramWork(restart=["util"])),
        (UP, "stop", ProgramWork(restart=["util"])),
        (None, "restart", ProgramWork(start=["util"])),
    ],
)
def test_plan_of_a_program_that_is_to_run(
    now: Program | None, mark: _marks.Action | None, expected: ProgramWork
) -> None:
    programs = {"somebodys": UP} | ({"util": now} if now else {})
    assert plan([Wanted(NAME)], programs, {NAME: mark}, set()) == expected


@pytest.mark.parametrize(
    ("now", "mark", "ours", "stops"),
    [
        (UP, "stop", set(), True),
        (UP, None, {"util"}, True),
        (UP, None, set(), False),
        (None, "stop", {"util"}, False),
    ],
)
def test_only_a_program_of_ours_is_stopped(
    now: Program | None, mark: _marks.Action | None, ours: set[str], stops: bool
) -> None:
    work = plan([Wanted(NAME, started=False)], {"util": now} if now else {}, {NAME: mark}, ours)
    assert work == ProgramWork(stop=["util"] if stops else [])


def test_what_is_done_is_told_by_the_names_of_the_model() -> None:
    assert ProgramWork(start=["b"], reload=["a"]).sentences() == ["start b.program", "reload a.program"]
    assert not ProgramWork().any()


@pytest.mark.parametrize(
    ("seen", "now", "words"),
    [
        ({1}, UP, ""),
        ({1, 2}, STARTING, ""),
        ({1, 2, 3}, UP, "ends as soon as it is started"),
        ({1}, BACKOFF, "ends as soon as it is started"),
        (set(), FATAL, "ends as soon as it is started"),
        ({1}, STOPPED, "has stopped"),
        ({1}, EXITED, ""),
        (set(), None, "does not know it"),
    ],
)
def test_a_program_that_does_not_come_up_is_noticed(seen: set[int], now: Program | None, words: str) -> None:
    told = trouble(seen, now)
    assert (words in told) if words else told == ""


def test_programs_of_ours_are_those_whose_sections_were_published(tmp_path: Path) -> None:
    assert published(tmp_path) == set()
    paths = ["/etc/supervisor/conf.d/util.conf", "/etc/supervisor/barehost_run.py", "/etc/systemd/system/x.conf"]
    (tmp_path / "published").mkdir()
    (tmp_path / "published/supervisor.json").write_text(json.dumps({path: {} for path in paths}))
    assert published(tmp_path) == {"util"}


class Spoken:
    """A supervisord that answers from a list, one answer for each call."""

    def __init__(self, *answers: object) -> None:
        self.answers = [*answers]
        self.calls: list[tuple[Any, ...]] = []


class Handler(BaseHTTPRequestHandler):
    """Answers XML-RPC on a unix socket."""

    spoken: Spoken

    def do_POST(self) -> None:
        """One call."""
        arguments, method = xmlrpc.client.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.spoken.calls.append((method, *arguments))
        answer = self.spoken.answers.pop(0)
        body = xmlrpc.client.dumps(
            answer if isinstance(answer, xmlrpc.client.Fault) else (answer,), methodresponse=True
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Keep quiet."""


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "supervisor.sock"
    with UnixStreamServer(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield path
        server.shutdown()


def speak(*answers: object) -> Spoken:
    Handler.spoken = Spoken(*answers)
    return Handler.spoken


def test_supervisord_answers_or_does_not(listening: Path, tmp_path: Path) -> None:
    speak({"statename": "RUNNING"}, {"statename": "SHUTDOWN"})
    assert Supervisor(listening).answers()
    assert not Supervisor(listening).answers()
    assert not Supervisor(tmp_path / "none").answers()
    with pytest.raises(SupervisorError, match="does not answer on"):
        Supervisor(tmp_path / "none").processes()


def test_configuration_is_read_again(listening: Path) -> None:
    speak([[["new"], ["changed"], ["gone"]]])
    assert Supervisor(listening).reread() == ({"new"}, {"changed"})
    speak(xmlrpc.client.Fault(92, "CANT_REREAD: no section"))
    with pytest.raises(SupervisorError, match="rejects its configuration: CANT_REREAD: no section"):
        Supervisor(listening).reread()


def test_stopping_waits_for_the_last_and_for_those_only(listening: Path) -> None:
    states = [[{"group": "a", "pid": 5}, {"group": "other", "pid": 6}], [{"group": "a", "pid": 0}]]
    spoken = speak(True, *states)
    Supervisor(listening).stop(["a"])
    assert [call[0] for call in spoken.calls] == [
        "supervisor.stopProcess",
        "supervisor.getAllProcessInfo",
        "supervisor.getAllProcessInfo",
    ]
    assert spoken.calls[0] == ("supervisor.stopProcess", "a", False)


def test_what_is_stopped_already_is_no_error(listening: Path) -> None:
    speak(xmlrpc.client.Fault(70, "NOT_RUNNING"), [])
    Supervisor(listening).stop(["a"])
    speak(xmlrpc.client.Fault(30, "FAILED"))
    with pytest.raises(SupervisorError, match="does not stop a: FAILED"):
        Supervisor(listening).stop(["a"])


def test_a_refusal_names_the_program(listening: Path) -> None:
    speak(xmlrpc.client.Fault(10, "BAD_NAME: a"))
    with pytest.raises(SupervisorError, match="addProcessGroup a: BAD_NAME: a"):
        Supervisor(listening).add("a")
