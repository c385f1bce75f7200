# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What units have to be told, and servers that answer or do not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _marks
from ansible_collections.barehost.web.plugins.module_utils._ready import Probe, Waiter, ask
from ansible_collections.barehost.web.plugins.module_utils._units import complaints_of
from ansible_collections.barehost.web.plugins.module_utils._units_plan import (
    Status,
    Wanted,
    Work,
    leaving,
    parse_show,
    plan,
)

UP = Status("loaded", "active", "enabled", can_reload=True)
DOWN = Status("loaded", "inactive", "disabled", can_reload=True)
CRASHING = Status("loaded", "activating", "enabled")
MISSING = Status()
SERVICE, SOCKET = "app@a.service", "app@a.socket"


@pytest.mark.parametrize(
    ("wanted", "status", "mark", "expected"),
    [
        (Wanted(SERVICE), UP, None, Work()),
        (Wanted(SERVICE), DOWN, None, Work(enable=[SERVICE], start=[SERVICE])),
        (Wanted(SERVICE), UP, "reload", Work(reload=[SERVICE])),
        (Wanted(SERVICE), UP, "restart", Work(restart=[SERVICE])),
        (Wanted(SERVICE), UP, "stop", Work(restart=[SERVICE])),
        (Wanted(SERVICE), Status("loaded", "active", "enabled"), "reload", Work(restart=[SERVICE])),
        (Wanted(SERVICE), DOWN, "restart", Work(enable=[SERVICE], start=[SERVICE])),
        (Wanted(SERVICE), CRASHING, None, Work(restart=[SERVICE])),
        (Wanted(SERVICE, enabled=False), UP, None, Work(disable=[SERVICE])),
        (Wanted(SERVICE), Status("loaded", "active", "static"), None, Work()),
        (Wanted(SERVICE, started=False, enabled=False), UP, "restart", Work(disable=[SERVICE], stop=[SERVICE])),
        (Wanted(SERVICE, started=False, enabled=False), DOWN, None, Work()),
        (Wanted(SERVICE, started=False, enabled=False), MISSING, None, Work()),
        (Wanted(SERVICE, started=False, enabled=False), CRASHING, None, Work(disable=[SERVICE], stop=[SERVICE])),
    ],
)
def test_plan_of_one_unit(wanted: Wanted, status: Status, mark: _marks.Action | None, expected: Work) -> None:
    assert plan([wanted], {SERVICE: status}, {SERVICE: mark}) == expected


def test_socket_is_opened_while_its_service_is_down() -> None:
    work = plan([Wanted(SOCKET), Wanted(SERVICE)], {SOCKET: UP, SERVICE: UP}, {SOCKET: "restart", SERVICE: "reload"})
    assert work == Work(restart=[SOCKET], stop=[SERVICE], start=[SERVICE])


def test_socket_of_a_stopped_service_needs_no_detour() -> None:
    work = plan([Wanted(SOCKET), Wanted(SERVICE)], {SOCKET: DOWN, SERVICE: DOWN}, {})
    assert (work.stop, work.start) == ([], [SOCKET, SERVICE])


@pytest.mark.parametrize(
    ("started", "status", "marks", "expected"),
    [
        (True, UP, {}, []),
        (True, UP, {SERVICE: "restart"}, []),
        (True, UP, {SOCKET: "restart"}, [SOCKET, SERVICE]),
        (True, DOWN, {SOCKET: "restart"}, []),
        (False, UP, {}, [SOCKET, SERVICE]),
        (False, MISSING, {}, []),
        (False, CRASHING, {SOCKET: "restart"}, [SOCKET, SERVICE]),
    ],
)
def test_what_stops_by_its_old_unit_file(
    started: bool, status: Status, marks: dict[str, _marks.Action | None], expected: list[str]
) -> None:
    wanted = [Wanted(SERVICE, started=started), Wanted(SOCKET, started=started)]
    assert leaving(wanted, {SERVICE: status, SOCKET: status}, marks) == expected


def test_status_of_several_units_is_read_in_order() -> None:
    text = (
        "Id=a.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=yes\n"
        "CanReload=yes\nNRestarts=3\nResult=success\n\n"
        "Id=b.socket\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\nNeedDaemonReload=no\nCanReload=no\n"
    )
    first, second = parse_show(text)
    assert (first.is_active, first.stale, first.restarts, first.enabled) == (True, True, 3, "enabled")
    assert (second.load, second.is_quiet) == ("not-found", True)


def test_marks_are_kept_until_they_are_cleared(tmp_path: Path) -> None:
    _marks.mark("a.service", "reload", tmp_path)
    assert _marks.read_mark("a.service", tmp_path) == "reload"
    _marks.mark("a.service", "restart", tmp_path)
    _marks.mark("a.service", "reload", tmp_path)
    assert _marks.read_mark("a.service", tmp_path) == "restart"
    assert _marks.units_to_stop(tmp_path) == []
    _marks.mark("a.service", "stop", tmp_path)
    assert _marks.units_to_stop(tmp_path) == ["a.service"]
    _marks.mark("a.service", "reload", tmp_path)
    assert _marks.read_mark("a.service", tmp_path) == "restart", "it runs as it was before it was to stop"
    _marks.clear_mark("a.service", tmp_path)
    _marks.clear_mark("a.service", tmp_path)
    assert _marks.read_mark("a.service", tmp_path) is None


FAILED = "Job for app@a.service failed because the control process exited with error code."
SEE = 'See "systemctl status app@a.service" and "journalctl -xeu app@a.service" for details.'


@pytest.mark.parametrize(
    ("verb", "said", "expected"),
    [
        ("start", [FAILED, SEE], {"app@a.service": f"systemctl start: {FAILED}"}),
        ("reload", [FAILED, SEE], {"app@a.service": "it was not reloaded and goes on as it was"}),
        (
            "reload",
            ["Failed to reload b.service: Unit b.service not found."],
            {"b.service": "systemctl reload: Failed to reload b.service: Unit b.service not found."},
        ),
        (
            "stop",
            ["Connection timed out"],
            dict.fromkeys(("a.service", "app@a.service", "b.service"), "systemctl stop: Connection timed out"),
        ),
    ],
)
def test_only_units_that_systemd_names_are_complained_about(
    verb: str, said: list[str], expected: dict[str, str]
) -> None:
    assert complaints_of(verb, ["a.service", "app@a.service", "b.service"], said) == expected


class Handler(BaseHTTPRequestHandler):
    """Answers with the number in the path."""

    def do_GET(self) -> None:
        """One answer."""
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.mark.parametrize("status", ["200", "301", "404"])
def test_any_answer_below_500_is_good(server: str, status: str) -> None:
    assert ask(Probe(server, f"/{status}", timeout=60)) == ""


def test_server_error_is_told(server: str) -> None:
    assert ask(Probe(server, "/503", timeout=5)) == f"GET /503 on {server} answers 503"


def test_nobody_there_is_told(tmp_path: Path) -> None:
    assert "within 0.3 seconds" in ask(Probe(f"unix:{tmp_path}/none.sock", timeout=0.3))


def test_accepting_without_answering_is_no_answer(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{tmp_path}/a.sock")
        listener.listen()
        assert "no answer" in ask(Probe(f"unix:{tmp_path}/a.sock", timeout=0.3))


def test_waiter_gathers_failures_and_forgets_the_given_up(server: str) -> None:
    waiter = Waiter(
        {
            "good": Probe(server, "/200", timeout=60),
            "bad": Probe(server, "/500", timeout=5),
            "hopeless": Probe("127.0.0.1:1", timeout=60),
        }
    )
    waiter.give_up("hopeless")
    while waiter.wait():
        pass
    assert set(waiter.failures()) == {"bad"}
