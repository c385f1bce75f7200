# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives are had from servers that are there, and in the end from those that are away for a moment."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _patience, _release_fetch
from ansible_collections.barehost.web.plugins.module_utils._release_fetch import download
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError

CONTENT = b"what an archive has in it" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HALF = len(CONTENT) // 2


class Server(ThreadingHTTPServer):
    """Answers each request with the next of its answers, with the last one again and again."""

    daemon_threads = True
    answers: tuple[str, ...] = ("200",)
    asked = 0
    #: What each request has said of who asks.
    authorized: list[str | None]

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://me:secret@127.0.0.1:{self.server_port}/one.tar.gz"


class Handler(BaseHTTPRequestHandler):
    """An answer is a status, or what happens in the middle of the content."""

    server: Server

    def do_GET(self) -> None:
        """Answer."""
        answer = self.server.answers[min(self.server.asked, len(self.server.answers) - 1)]
        self.server.asked += 1
        self.server.authorized.append(self.headers["Authorization"])
        if answer == "hangs":
            time.sleep(2)
        self.send_response(302 if answer.startswith("http") else int(answer) if answer.isdecimal() else 200)
        if answer.startswith("http"):
            self.send_header("Location", answer)
        self.send_header("Content-Length", str(len(CONTENT)))
        if answer == "encoded":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(CONTENT[:HALF] if answer in {"cut", "reset"} else CONTENT)
        if answer == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    """Have a server with these answers; nobody waits between two questions."""
    monkeypatch.setattr(_patience, "PAUSES", (0.0, 0.0))
    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

        def answering(*answers: str) -> Server:
            server.answers, server.authorized = answers, []
            return server

        yield answering
        server.shutdown()


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        (("200",), 1),
        (("503", "200"), 2),
        (("429", "502", "200"), 3),
        (("cut", "200"), 2),
        (("reset", "cut", "200"), 3),
        # What is stored is what has the checksum, whatever the server says of it.
        (("encoded",), 1),
    ],
)
def test_an_archive_is_had(serve: Any, tmp_path: Path, answers: tuple[str, ...], asked: int) -> None:
    server = serve(*answers)
    with download(server.url, SHA256, tmp_path) as file:
        assert file.read() == CONTENT
    assert server.asked == asked
    assert list(tmp_path.iterdir()) == []


def test_credentials_are_for_the_server_of_the_address_only(serve: Any, tmp_path: Path) -> None:
    server = serve()
    server.answers = (f"http://localhost:{server.server_port}/elsewhere.tar.gz", "200")
    with download(server.url, SHA256, tmp_path) as file:
        assert file.read() == CONTENT
    assert server.authorized == ["Basic bWU6c2VjcmV0", None]


def test_credentials_are_those_of_netrc_where_the_address_has_none(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login you password word\n", encoding="utf-8")
    (tmp_path / ".netrc").chmod(0o600)
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    server = serve("200")
    with download(server.url.replace("me:secret@", ""), SHA256, tmp_path / "work"):
        pass
    assert server.authorized == ["Basic eW91OndvcmQ="]


@pytest.mark.parametrize(
    ("answer", "asked", "reason"),
    [
        ("404", 1, "404"),
        ("403", 1, "403"),
        ("503", 3, "503"),
        ("cut", 3, f"the transfer broke off after {HALF} of {len(CONTENT)} bytes"),
    ],
)
def test_a_server_has_the_last_word(serve: Any, tmp_path: Path, answer: str, asked: int, reason: str) -> None:
    server = serve(answer)
    with pytest.raises(WorkError, match="cannot be fetched") as raised, download(server.url, SHA256, tmp_path):
        pass
    assert reason in str(raised.value)
    assert "secret" not in str(raised.value)
    assert server.asked == asked


def test_a_server_that_hangs_is_not_asked_again(serve: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_release_fetch, "_TIMEOUT", 0.3)
    server = serve("hangs", "200")
    with pytest.raises(WorkError, match="timed out"), download(server.url, SHA256, tmp_path):
        pass
    assert server.asked == 1


def test_another_content_is_not_asked_for_again(serve: Any, tmp_path: Path) -> None:
    server = serve("200")
    with pytest.raises(WorkError, match="checksum of the entry"), download(server.url, "0" * 64, tmp_path):
        pass
    assert server.asked == 1


def test_a_file_that_is_not_there_is_missed_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_patience.time, "sleep", lambda _seconds: pytest.fail("it waits"))
    with pytest.raises(WorkError, match="cannot be fetched"), download(f"file://{tmp_path}/none", SHA256, tmp_path):
        pass
