# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a scenario's test sends is what arrives, byte by byte."""

from __future__ import annotations

import base64
import io
import json
import select
import socket
import threading
from typing import TYPE_CHECKING, Unpack

import pytest
from testbed import inside
from testbed.http import Options, Response, request, response

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def sent(path: str, **options: Unpack[Options]) -> bytes:
    """Write a request and read its bytes."""
    return base64.b64decode(request(path, options)["request"])


def test_request_is_sent_as_written() -> None:
    """Odd paths stay odd; a header of one's own replaces the usual one."""
    assert (
        sent("/..%2f/ä?a=1#x") == "GET /..%2f/ä?a=1#x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    )
    assert sent("/", headers={"host": "a"}) == b"GET / HTTP/1.1\r\nConnection: close\r\nhost: a\r\n\r\n"
    assert sent("/", method="POST", body="äb").endswith(b"Content-Length: 3\r\n\r\n\xc3\xa4b")


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[tuple[str, list[bytes]]]:
    """Serve prepared answers on a unix socket, one per connection."""
    path, prepared = str(tmp_path / "socket"), list[bytes]()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def serve() -> None:
            while True:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(prepared.pop(0))

        threading.Thread(target=serve, daemon=True).start()
        yield path, prepared


def ask(path: str) -> Response:
    """Ask the prepared server."""
    task = request("/", {"unix": path, "timeout": 5})
    return response(json.loads(json.dumps(inside.ask(task))))


def test_answers_are_read(answers: tuple[str, list[bytes]]) -> None:
    """Status, headers and body of a good answer; status 0 for none."""
    path, prepared = answers
    prepared += [b'HTTP/1.1 404 No\r\nX-A: 1\r\nX-a: 2\r\nContent-Length: 7\r\n\r\n{"a":1}', b""]
    good = ask(path)
    assert (good.status, good.header("x-a"), good.json(), good.header("none")) == (404, "1, 2", {"a": 1}, None)
    closed = ask(path)
    assert (closed.status, closed.error.split(":")[0]) == (0, "closed")


def test_no_server() -> None:
    """A server that is not there is an answer too."""
    assert ask("/nonexistent").error.startswith("FileNotFoundError")


def test_watch_stops_with_its_input(
    answers: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It tells of its first answer, asks until standard input ends and keeps what was not as expected."""
    path, prepared = answers
    prepared += [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n"]
    rounds = iter([[], [], [io.StringIO()]])
    monkeypatch.setattr(select, "select", lambda *_: (next(rounds), [], []))
    seen = inside.watch(request("/", {"unix": path}) | {"interval": 0, "expected": 200, "least": 1})
    assert capsys.readouterr().out == "\n"
    assert seen["count"] == 2
    assert [failure["status"] for failure in seen["failures"]] == [502]
