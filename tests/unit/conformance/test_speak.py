# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a conversation sends, and how its answer is read."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from conformance import inside
from conformance.bodies import read
from conformance.servers import SERVERS, Place
from conformance.speak import Address, Answer, Talk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n{}"


class Server(threading.Thread):
    """Takes one connection, answers with prepared bytes and keeps what it was sent."""

    def __init__(self, path: str) -> None:
        """Listen on a unix socket."""
        super().__init__(daemon=True)
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(path)
        self.listening.listen()
        self.heard = b""
        self.waits = False

    def run(self) -> None:
        """Answer at the first words, wait for the next if asked to, then listen to the end."""
        connection, _ = self.listening.accept()
        with connection:
            self.heard = connection.recv(65536)
            connection.sendall(OK)
            if self.waits:
                self.heard += connection.recv(65536)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                self.heard += piece


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Serve one connection."""
    one = Server(str(tmp_path / "socket"))
    one.start()
    yield one
    one.listening.close()


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    """Speak to the prepared server."""
    return Talk(Address(unix=str(tmp_path / "socket")), timeout=5)


def hold(talk: Talk) -> dict[str, Any]:
    """Hold a conversation as it is held in a machine."""
    return inside.talk(json.loads(json.dumps(talk.task())))


def test_conversation_sends_what_it_says_and_hears_all(server: Server, talk: Talk) -> None:
    heard = hold(talk.send(b"GET /\xff\r\n").pause(0.01).send(b"\r\n").listen())
    server.join(5)
    assert server.heard == b"GET /\xff\r\n\r\n"
    assert heard["error"] == ""
    assert heard["arrivals"][-1][1] == len(OK)


@pytest.mark.parametrize("step", ["listen", "sip", "until"])
def test_all_ways_to_listen_come_to_an_end(server: Server, talk: Talk, step: str) -> None:
    arguments: dict[str, tuple[str | float, ...]] = {"listen": (), "sip": (7, 0.001), "until": ("}",)}
    heard = hold(talk.send(b"GET /").then(step, *arguments[step]))
    server.join(5)
    assert heard["arrivals"][-1][1] == len(OK)
    assert (len(heard["arrivals"]) > 5) is (step == "sip")


def test_client_goes_on_when_it_has_heard_what_it_waits_for(server: Server, talk: Talk) -> None:
    server.waits = True
    assert hold(replace(talk, timeout=1).send(b"a").until("200 OK").send(b"b").listen())["error"] == ""
    server.join(5)
    assert server.heard == b"ab"


@pytest.mark.parametrize("size", [0, 1, 251, 300, 262_044, 600_001])
def test_body_is_the_pattern_that_is_expected(server: Server, talk: Talk, size: int) -> None:
    assert hold(talk.send(b"GET /").fill(size).listen())["error"] == ""
    server.join(5)
    body = server.heard.removeprefix(b"GET /")
    assert read(size) == {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def test_body_in_chunks_is_the_same_body(server: Server, talk: Talk) -> None:
    hold(talk.send(b"GET /").fill(600_001, 1000).listen())
    server.join(5)
    answer = heard(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + server.heard.removeprefix(b"GET /"))
    assert answer.complete
    assert read(600_001)["sha256"] == hashlib.sha256(answer.body).hexdigest()


def test_nobody_there_is_an_error_not_a_failure(talk: Talk) -> None:
    assert hold(talk.listen())["error"].startswith("FileNotFoundError")


def heard(raw: bytes, method: str = "GET", error: str = "") -> Answer:
    """Read an answer."""
    return Answer(raw, [], error, 0.0, method)


def test_answer_is_read() -> None:
    answer = heard(OK)
    assert (answer.status, answer.body, answer.json(), answer.complete) == (200, b"{}", {}, True)
    assert answer.headers("set-cookie") == ["a", "b"]
    assert not answer.continued


def test_leave_to_go_on_is_not_the_answer() -> None:
    answer = heard(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)
    assert answer.continued
    assert (answer.status, answer.body) == (200, b"{}")


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "method", "error", "body", "complete"),
    [
        (OK[:-1], "GET", "", b"{", False),
        (OK, "GET", "TimeoutError: timed out", b"{}", False),
        (OK, "HEAD", "", b"", True),
        (b"HTTP/1.1 204 No Content\r\n\r\nrest", "GET", "", b"", True),
        (b"HTTP/1.0 200 OK\r\n\r\nrest", "GET", "", b"rest", True),
        (CHUNKED + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "GET", "", b"abc", True),
        (CHUNKED + b"2\r\nab\r\n", "GET", "", b"ab", False),
        (CHUNKED + b"2\r\na", "GET", "", b"a", False),
        (CHUNKED, "GET", "", b"", False),
        (b"", "GET", "", b"", False),
        (b"\x00\x01uwsgi", "GET", "", b"", False),
        (b"uwsgi 200 OK\r\n\r\nrest", "GET", "", b"", False),
    ],
)
def test_body_is_as_a_client_takes_it(raw: bytes, method: str, error: str, body: bytes, complete: bool) -> None:
    answer = heard(raw, method, error)
    assert (answer.body, answer.complete) == (body, complete)


def test_what_follows_the_head_is_kept_where_no_body_may_be() -> None:
    assert heard(OK, "HEAD").after_head == b"{}"


@pytest.mark.parametrize(
    ("transport", "mount", "expected"),
    [
        ("direct-unix", "", b"GET /x HTTP/1.1\r\nHost: gunicorn-unix.example.test\r\n"),
        ("nginx-tcp", "/below", b"GET /below/x HTTP/1.1\r\nHost: gunicorn-tcp.example.test\r\n"),
    ],
)
def test_request_is_sent_to_the_mount_of_its_place(transport: str, mount: str, expected: bytes) -> None:
    place = Place(SERVERS[0], transport, mount)
    ((_name, words),) = place.talk("/x").steps
    assert base64.b64decode(str(words)).startswith(expected)


def test_slow_clients_stay_until_they_are_sent_away(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        listening.listen()
        where = {"unix": str(tmp_path / "socket"), "timeout": 5}
        kinds = [{"count": 2, "words": "", "talks": True}, {"count": 1, "words": "eA==", "talks": False}]
        assert inside.crowd({"where": where, "kinds": kinds}) == 3
        clients = [listening.accept()[0] for _client in range(3)]
        for client in clients:
            client.settimeout(5)
        stays, goes, reads = clients
        assert stays.recv(1) == b"x"
        assert reads.recv(2) == b"x"
        goes.recv(1)
        goes.close()
        assert inside.crowd({"where": where, "kinds": []}) == 2
        stays.close()
        reads.close()
