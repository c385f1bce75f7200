# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask servers over HTTP, uwsgi or FastCGI until they answer, many at a time; private to the collection."""

from __future__ import annotations

import http.client
import io
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

_PAUSE = 0.1
_LOOK_EVERY = 0.5
_SERVER_ERROR = 500
# https://fastcgi-archives.github.io/FastCGI_Specification.html: version, type, request, content, padding, reserved.
_RECORD = struct.Struct(">BBHHBx")
_BEGIN, _END, _PARAMS, _STDIN, _STDOUT = 1, 3, 4, 5, 6
_RESPONDER = struct.pack(">HB5x", 1, 0)
_SHORT = 0x80


@dataclass(frozen=True)
class Probe:
    """A request that a server answers when it is ready.

    ``address`` is ``unix:/path`` or ``host:port``, ``protocol`` ``http``, ``uwsgi`` or ``fastcgi``; ``timeout`` is
    in seconds. Any answer below 500 is one if ``status`` is 0.
    """

    address: str
    path: str = "/"
    host: str = "localhost"
    timeout: float = 30.0
    protocol: str = "http"
    method: str = "GET"
    status: int = 0


def _connect(address: str, timeout: float) -> socket.socket:
    if not address.startswith("unix:"):
        host, _, port = address.rpartition(":")
        return socket.create_connection((host.strip("[]") or "127.0.0.1", int(port)), timeout)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    try:
        connection.connect(address.removeprefix("unix:"))
    except OSError:
        connection.close()
        raise
    return connection


def _request(probe: Probe) -> bytes:
    """The request as it goes over the wire."""
    if probe.protocol == "http":
        lines = [f"{probe.method} {probe.path} HTTP/1.1", f"Host: {probe.host}"]
        return "\r\n".join([*lines, "User-Agent: barehost.web", "Connection: close", "", ""]).encode()
    path, _, query = probe.path.partition("?")
    variables = {
        "REQUEST_METHOD": probe.method,
        "REQUEST_URI": probe.path,
        "PATH_INFO": unquote(path),
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": probe.host,
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": probe.host,
        "HTTP_USER_AGENT": "barehost.web",
    }
    if probe.protocol == "fastcgi":
        # Servers of FastCGI take a path for that of a script; PHP-FPM answers for its ping.path by itself.
        return _records({**variables, "SCRIPT_NAME": path, "SCRIPT_FILENAME": path})
    # https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html: lengths of 16 bits, the lowest byte first.
    texts = [text.encode() for pair in variables.items() for text in pair]
    body = b"".join(struct.pack("<H", len(text)) + text for text in texts)
    return struct.pack("<BHB", 0, len(body), 0) + body


def _records(variables: Mapping[str, str]) -> bytes:
    """A FastCGI request without a body."""
    pairs = [(name.encode(), value.encode()) for name, value in variables.items()]
    params = b"".join(_length(name) + _length(value) + name + value for name, value in pairs)
    parts = ((_BEGIN, _RESPONDER), (_PARAMS, params), (_PARAMS, b""), (_STDIN, b""))
    return b"".join(_RECORD.pack(1, kind, 1, len(content), 0) + content for kind, content in parts)


def _length(text: bytes) -> bytes:
    return bytes([len(text)]) if len(text) < _SHORT else struct.pack(">I", len(text) | 1 << 31)


def _fastcgi_status(stream: io.BufferedIOBase) -> int:
    """Read an answer in FastCGI up to its status, which a good one need not have."""
    output, kind = b"", 0
    while kind != _END and b"\r\n\r\n" not in output:
        head = stream.read(_RECORD.size)
        if len(head) < _RECORD.size:
            raise http.client.RemoteDisconnected("the connection was closed without an answer")
        _version, kind, _request_id, length, padding = _RECORD.unpack(head)
        content = stream.read(length + padding)[:length]
        output += content if kind == _STDOUT else b""
    if not output:
        raise http.client.BadStatusLine("an empty answer")
    headers = http.client.parse_headers(io.BytesIO(output))
    status = str(headers.get("Status", "200")).split()[0]
    if not status.isdigit():
        raise http.client.BadStatusLine(status)
    return int(status)


def _status(connection: socket.socket, probe: Probe) -> int:
    if probe.protocol == "fastcgi":
        with connection.makefile("rb") as stream:
            return _fastcgi_status(stream)
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status


def ask(probe: Probe) -> str:
    """Ask until there is an answer or the time is over; returns why not, empty for a good answer."""
    until = time.monotonic() + probe.timeout
    reason = ""
    while (left := until - time.monotonic()) > 0:
        try:
            with _connect(probe.address, left) as connection:
                connection.sendall(_request(probe))
                status = _status(connection, probe)
        except (OSError, http.client.HTTPException) as error:
            reason = f"no answer on {probe.address} within {probe.timeout:g} seconds ({error or type(error).__name__})"
        else:
            if status == probe.status or (not probe.status and status < _SERVER_ERROR):
                return ""
            wanted = f" and not {probe.status}" if probe.status else ""
            return f"{probe.method} {probe.path} on {probe.address} answers {status}{wanted}"
        time.sleep(_PAUSE)
    return reason or f"no answer on {probe.address} within {probe.timeout:g} seconds"


class Waiter:
    """Asks all probes side by side; threads that nobody waits for any more end with the process."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._answers: dict[str, str] = {}
        self._given_up: set[str] = set()
        self._open = set(probes)
        self._changed = threading.Condition()
        for name, probe in probes.items():
            threading.Thread(target=self._run, args=(name, probe), daemon=True).start()

    def _run(self, name: str, probe: Probe) -> None:
        answer = ask(probe)
        with self._changed:
            self._answers[name] = answer
            self._open.discard(name)
            self._changed.notify_all()

    def give_up(self, name: str) -> None:
        """Do not wait for this one any longer."""
        with self._changed:
            self._given_up.add(name)
            self._open.discard(name)

    def failures(self) -> dict[str, str]:
        """Why servers gave no good answer, so far."""
        with self._changed:
            return {name: why for name, why in self._answers.items() if why and name not in self._given_up}

    def wait(self) -> bool:
        """Wait a moment; returns whether anything is still open and worth another look."""
        with self._changed:
            if self._open:
                self._changed.wait(_LOOK_EVERY)
                return True
            return False
