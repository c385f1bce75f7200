# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An app that shows what its server does: ``wsgi:app``, plain WSGI, nothing to install.

A path that is none of ``PAGES`` answers what the server says of the request, so that odd paths can be looked at.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

PIECE = 65536


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with the page of the path."""
    page = PAGES.get(environ.get("PATH_INFO", ""), seen)
    return page(environ, start_response, dict(parse_qsl(environ.get("QUERY_STRING", ""))))


def seen(environ: WSGIEnvironment, start_response: StartResponse, _query: dict[str, str]) -> Iterable[bytes]:
    """What the server says of the request, and what this process is."""
    told = {name: value for name, value in environ.items() if isinstance(value, str) and name not in os.environ}
    page = {
        "environ": told,
        "directory": str(Path.cwd()),
        "variables": {name: value for name, value in os.environ.items() if name.startswith("PROBE_")},
        "process": os.getpid(),
        "python": platform.python_version(),
    }
    return answer(start_response, page)


def body(environ: WSGIEnvironment, start_response: StartResponse, _query: dict[str, str]) -> Iterable[bytes]:
    """Length and hash of the request body, which is never in memory as a whole."""
    digest, length = hashlib.sha256(), 0
    for piece in pieces(environ):
        digest.update(piece)
        length += len(piece)
    return answer(start_response, {"length": length, "sha256": digest.hexdigest()})


def pieces(environ: WSGIEnvironment) -> Iterator[bytes]:
    """The request body. Without a length it ends where the server says so, if the server can say so at all."""
    left = int(environ.get("CONTENT_LENGTH") or 0)
    endless = not left and ("HTTP_TRANSFER_ENCODING" in environ or bool(environ.get("wsgi.input_terminated")))
    while (endless or left) and (piece := environ["wsgi.input"].read(PIECE if endless else min(PIECE, left))):
        left -= len(piece)
        yield piece


def stream(environ: WSGIEnvironment, start_response: StartResponse, query: dict[str, str]) -> Iterable[bytes]:
    """``n`` pieces of ``size`` bytes with a pause after each; says in the log if nobody waited for all of them."""
    count, size, pause = int(query.get("n", 3)), int(query.get("size", 10)), float(query.get("pause", 0))
    start_response("200 OK", [("Content-Type", "text/plain")])
    sent = 0
    try:
        for _piece in range(count):
            yield b"x" * size
            sent += 1
            time.sleep(pause)
    finally:
        if sent < count:
            environ["wsgi.errors"].write(f"stream {query.get('marker', '')} was left after {sent} of {count}\n")
            environ["wsgi.errors"].flush()


def sleep(_environ: WSGIEnvironment, start_response: StartResponse, query: dict[str, str]) -> Iterable[bytes]:
    """Keep a worker busy, as a slow database would."""
    time.sleep(min(float(query.get("seconds", 1)), 30))
    return answer(start_response, {"process": os.getpid()})


def status(_environ: WSGIEnvironment, start_response: StartResponse, query: dict[str, str]) -> Iterable[bytes]:
    """An answer of this status, without a body."""
    code = HTTPStatus(int(query.get("code", 204)))
    start_response(f"{code.value} {code.phrase}", [("ETag", '"probe"')])
    return []


def headers(_environ: WSGIEnvironment, start_response: StartResponse, query: dict[str, str]) -> Iterable[bytes]:
    """An answer with a large header, two cookies, and what the app itself says of frames if it is asked to."""
    size = int(query.get("size", 1000))
    cookies = [("Set-Cookie", "first=1"), ("Set-Cookie", "second=2")]
    frames = [("X-Frame-Options", query["frames"])] if "frames" in query else []
    return answer(start_response, {"size": size}, ("X-Large", "x" * size), *cookies, *frames)


def fail(_environ: WSGIEnvironment, start_response: StartResponse, query: dict[str, str]) -> Iterable[bytes]:
    """Fail before the answer has begun, or with ``late`` in the middle of it."""
    if "late" in query:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"x" * PIECE
    raise RuntimeError(query.get("marker", "asked to fail"))


def change(environ: WSGIEnvironment, start_response: StartResponse, query: dict[str, str]) -> Iterable[bytes]:
    """Change the environment and the folder of this process for some seconds, to see who else notices."""
    folder = Path.cwd()
    os.environ["PROBE_CHANGED"] = "yes"
    os.chdir("/")
    try:
        time.sleep(min(float(query.get("seconds", 1)), 30))
        return list(seen(environ, start_response, query))
    finally:
        os.chdir(folder)
        del os.environ["PROBE_CHANGED"]


def answer(start_response: StartResponse, page: dict[str, object], *more: tuple[str, str]) -> list[bytes]:
    """Send a page as JSON."""
    text = json.dumps(page).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text))), *more])
    return [text]


PAGES = {
    "/body": body,
    "/stream": stream,
    "/sleep": sleep,
    "/status": status,
    "/headers": headers,
    "/fail": fail,
    "/change": change,
}
