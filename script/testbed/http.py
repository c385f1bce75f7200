# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask the servers of a machine from inside it, so that nothing has to be published."""

from __future__ import annotations

import base64
import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from testbed.enter import ask, entrance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROGRAM = ("python3", "-c", Path(__file__).with_name("inside.py").read_text(encoding="utf-8"))


# The headers of every site that does not say otherwise.
USUAL = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "content-security-policy": "frame-ancestors 'self'; base-uri 'self'; object-src 'none'",
}


class Options(TypedDict, total=False):
    """How to ask. Default: GET with `Host: localhost`, of 127.0.0.1:80, or of a unix socket if one is named."""

    host: str
    method: str
    headers: Mapping[str, str]
    body: bytes | str
    address: str
    port: int
    unix: str
    timeout: float


@dataclass(frozen=True)
class Response:
    """An answer. Status 0: the server closed the connection or could not be reached, as error says."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    error: str
    seconds: float

    def __repr__(self) -> str:
        """Show what a failed assertion needs, not a whole page."""
        return f"Response({self.status} {self.error} {self.text[:300]!r} {self.headers})"

    @property
    def text(self) -> str:
        """Read the body as UTF-8."""
        return self.body.decode(errors="replace")

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object."""
        content: dict[str, Any] = json.loads(self.body)
        return content

    def header(self, name: str) -> str | None:
        """Find a header, whatever its case; several of one name are joined."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None


@dataclass
class Watch:
    """What became of the requests of a watch; complete once its block was left."""

    count: int = 0
    slowest: float = 0.0
    failures: list[Response] = field(default_factory=list)


@dataclass(frozen=True)
class Http:
    """Requests to one machine. The path is sent as it is written."""

    container: str

    def __call__(self, path: str = "/", **options: Unpack[Options]) -> Response:
        """Send one request."""
        return response(json.loads(ask(self.container, *PROGRAM, data=line(request(path, options)))))

    @contextmanager
    def watch(
        self,
        path: str = "/",
        *,
        expected: int = 200,
        interval: float = 0.04,
        least: int = 1,
        **options: Unpack[Options],
    ) -> Iterator[Watch]:
        """Keep asking for as long as the block runs: `with http.watch("/") as seen: …`, then look at seen.failures.

        The block begins after the first answer, and ends when there have been at least so many.
        """
        task = request(path, options) | {"expected": expected, "interval": interval, "least": least}
        seen = Watch()
        command = [*entrance(self.container), *PROGRAM]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            try:
                if process.stdin and process.stdout:
                    process.stdin.write(line(task))
                    process.stdin.flush()
                    process.stdout.readline()
                yield seen
            finally:
                output, _ = process.communicate()
        result = json.loads(output)
        seen.count, seen.slowest = result["count"], result["slowest"]
        seen.failures = [response(failure) for failure in result["failures"]]


def request(path: str, options: Options) -> dict[str, Any]:
    """Write a request for inside.py. A header replaces the one of that name that would be sent anyway."""
    method = options.get("method", "GET")
    body = options.get("body", b"")
    content = body.encode() if isinstance(body, str) else body
    fields = {"Host": options.get("host", "localhost"), "Connection": "close"}
    if content or method in {"POST", "PUT", "PATCH"}:
        fields["Content-Length"] = str(len(content))
    given = options.get("headers", {})
    replaced = {name.lower() for name in given}
    fields = {name: value for name, value in fields.items() if name.lower() not in replaced} | dict(given)
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    raw = f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("utf-8", "surrogateescape") + content
    return {
        "request": base64.b64encode(raw).decode(),
        "method": method,
        "address": options.get("address", "127.0.0.1"),
        "port": options.get("port", 80),
        "unix": options.get("unix", ""),
        "timeout": options.get("timeout", 30),
    }


def line(task: dict[str, Any]) -> bytes:
    """Write a task as inside.py reads it."""
    return json.dumps(task).encode() + b"\n"


def response(answer: dict[str, Any]) -> Response:
    """Unpack what inside.py printed."""
    headers = [(name, value) for name, value in answer["headers"]]
    return Response(answer["status"], headers, base64.b64decode(answer["body"]), answer["error"], answer["seconds"])
