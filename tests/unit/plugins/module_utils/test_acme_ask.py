# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Questions to an authority, and to oneself."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils._acme_ask import directory_fault, lost

DIRECTORY = {"newOrder": "https://ca.test/order"}


class Server(ThreadingHTTPServer):
    """Answers requests for paths from a table, and for the rest as a web server with a webroot does."""

    answers: dict[str, tuple[int, str]]
    webroot: Path


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        file = self.server.webroot / self.path.lstrip("/")
        status, text = self.server.answers.get(self.path, (404, ""))
        if file.is_file():
            status, text = self.server.answers.get("*", (200, file.read_text()))
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as one:
        one.answers, one.webroot = {}, tmp_path
        thread = threading.Thread(target=one.serve_forever, args=(0.01,))
        thread.start()
        yield one
        one.shutdown()
        thread.join()


def url(server: Server, path: str = "/dir") -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


def test_an_authority_that_answers_is_asked(server: Server) -> None:
    server.answers["/dir"] = 200, json.dumps(DIRECTORY)
    assert directory_fault(url(server), None) == ""


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ((200, "<html>"), "it is not the directory of an authority"),
        ((200, "[]"), "it is not the directory of an authority"),
        ((200, "{}"), "it is not the directory of an authority"),
        ((503, ""), "Service Unavailable"),
        (
            (200, json.dumps({**DIRECTORY, "meta": {"externalAccountRequired": True}})),
            "it asks for an external account",
        ),
    ],
)
def test_what_is_wrong_with_an_authority_is_said(server: Server, answer: tuple[int, str], fault: str) -> None:
    server.answers["/dir"] = answer
    assert directory_fault(url(server), None, bound=False).startswith(fault)


def test_an_authority_that_is_not_there_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert directory_fault(f"http://127.0.0.1:{port}/dir", None) == "nobody listens there"
    assert "address" in directory_fault("https://nobody.invalid/dir", None) or "DNS" in directory_fault(
        "https://nobody.invalid/dir", None
    )


@pytest.mark.parametrize(("silent", "reason"), [(1, ""), (2, "the DNS does not answer for its name")])
def test_a_dns_that_is_silent_is_asked_once_more(
    monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path, silent: int, reason: str
) -> None:
    asked: list[object] = []
    look_up = socket.getaddrinfo

    def silent_at_first(*words: Any, **options: Any) -> Any:
        asked.append(words[0])
        if len(asked) <= silent:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return look_up("127.0.0.1", *words[1:], **options)

    monkeypatch.setattr(socket, "getaddrinfo", silent_at_first)
    there = f"slow.example.test:{server.server_port}"
    assert lost([there], tmp_path) == ({there: reason} if reason else {})
    asked.clear()
    found = directory_fault(f"http://{there}/nothing", None)
    assert (found == reason) == (silent > 1)
    assert len(asked) == 2


def test_a_domain_that_leads_here_is_not_lost(server: Server, tmp_path: Path) -> None:
    here = f"127.0.0.1:{server.server_port}"
    assert lost([here], tmp_path) == {}
    assert list((tmp_path / ".well-known/acme-challenge").iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((200, "another text"), "another host answers, or another web server"),
        ((403, ""), "another host answers, or another web server, with status 403"),
        ((302, ""), "another host answers, or another web server, with status 404"),
    ],
)
def test_a_domain_that_leads_elsewhere_is_lost(
    server: Server, tmp_path: Path, answer: tuple[int, str], reason: str
) -> None:
    server.answers["*"] = answer
    here = f"127.0.0.1:{server.server_port}"
    assert lost([here], tmp_path) == {here: reason}


def test_what_a_killed_run_has_left_is_removed(server: Server, tmp_path: Path) -> None:
    left = tmp_path / ".well-known/acme-challenge/barehost-left"
    left.parent.mkdir(parents=True)
    left.touch()
    others = left.with_name("token")
    others.touch()
    assert lost([f"127.0.0.1:{server.server_port}"], tmp_path) == {}
    assert not left.exists()
    assert others.exists()
