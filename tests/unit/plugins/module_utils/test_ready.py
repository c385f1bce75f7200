# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers that speak FastCGI, and answers of theirs that are none."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils._ready import Probe, ask

BEGIN, END, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7
DONE = struct.pack(">IB3x", 0, 0)


def record(kind: int, content: bytes = b"", padding: int = 0) -> bytes:
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), padding) + content + b"\0" * padding


@pytest.fixture
def answering(tmp_path: Path) -> Callable[..., tuple[str, list[bytes]]]:
    """Ask a server that gives one answer, and tell what came of it and what the server got."""

    def once(answer: bytes, path_info: str = "/ping?x=1", **words: Any) -> tuple[str, list[bytes]]:
        path, got = f"{tmp_path}/pool.sock", []
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()

            def serve() -> None:
                connection, _ = listener.accept()
                with connection:
                    got.append(connection.recv(65536))
                    connection.sendall(answer)

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            said = ask(Probe(f"unix:{path}", path_info, timeout=0.4, **{"protocol": "fastcgi", **words}))
            thread.join()
        Path(path).unlink()
        return said, got

    return once


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (record(STDOUT, b"Content-type: text/plain\r\n\r\npong") + record(END, DONE), ""),
        (record(STDOUT, b"Status: 404 Not Found\r\n\r\n") + record(END, DONE), ""),
        (record(STDOUT, b"Status: 503 Busy\r\n\r\n") + record(END, DONE), "answers 503"),
        (record(STDERR, b"a warning") + record(STDOUT, b"X: y\r\n\r\n", padding=3) + record(END, DONE), ""),
        (record(STDOUT, b"Status: 4", padding=7) + record(STDOUT, b"04\r\n\r\n") + record(END, DONE), ""),
        (record(STDOUT, b"Status: none\r\n\r\n") + record(END, DONE), "no answer"),
        (record(END, DONE), "no answer"),
        (record(STDOUT, b"Content-type"), "no answer"),
        (b"", "no answer"),
    ],
)
def test_answer_in_fastcgi(answering: Callable[[bytes], tuple[str, list[bytes]]], answer: bytes, said: str) -> None:
    found, _got = answering(answer)
    assert said in found
    assert bool(said) is bool(found)


def test_request_in_fastcgi(answering: Callable[[bytes], tuple[str, list[bytes]]]) -> None:
    _said, (got,) = answering(record(STDOUT, b"\r\n\r\n") + record(END, DONE))
    kinds, texts = [], []
    while got:
        _version, kind, _request, length, padding = struct.unpack(">BBHHBx", got[:8])
        kinds.append(kind)
        texts.append(got[8 : 8 + length])
        got = got[8 + length + padding :]
    assert kinds == [BEGIN, PARAMS, PARAMS, STDIN]
    assert texts[0] == struct.pack(">HB5x", 1, 0)
    assert b"\x0b\x05SCRIPT_NAME/ping" in texts[1]
    assert b"\x0f\x05SCRIPT_FILENAME/ping" in texts[1]
    assert b"\x0c\x03QUERY_STRINGx=1" in texts[1]
    assert texts[2:] == [b"", b""]


@pytest.mark.parametrize(
    ("answer", "wanted", "said"),
    [
        (204, 204, ""),
        (500, 500, ""),
        (200, 204, "HEAD /up answers 200 and not 204"),
        (404, 0, ""),
        (500, 0, "HEAD /up answers 500"),
    ],
)
def test_method_and_status_over_http(
    answering: Callable[..., tuple[str, list[bytes]]], answer: int, wanted: int, said: str
) -> None:
    text = f"HTTP/1.1 {answer} X\r\nContent-Length: 5\r\n\r\n".encode()
    found, (got,) = answering(text, "/up", protocol="http", method="HEAD", status=wanted, host="a.test")
    assert found.split(" on ")[0] + found.partition(".sock")[2] == said
    assert got.startswith(b"HEAD /up HTTP/1.1\r\nHost: a.test\r\n")
