# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask servers over HTTP until they answer, many at a time. This module is private to the collection."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

_PAUSE = 0.1
_LOOK_EVERY = 0.5
_SERVER_ERROR = 500


@dataclass(frozen=True)
class Probe:
    """A request that a server answers when it is ready.

    ``address`` is ``unix:/path`` or ``host:port``; ``timeout`` is in seconds. Any answer below 500 is one.
    """

    address: str
    path: str = "/"
    host: str = "localhost"
    timeout: float = 30.0


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket file instead of a port."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection(address: str, timeout: float) -> http.client.HTTPConnection:
    if address.startswith("unix:"):
        return _UnixConnection(address.removeprefix("unix:"), timeout)
    host, _, port = address.rpartition(":")
    return http.client.HTTPConnection(host.strip("[]") or "127.0.0.1", int(port), timeout=timeout)


def ask(probe: Probe) -> str:
    """Ask until there is an answer or the time is over; returns why not, empty for a good answer."""
    until = time.monotonic() + probe.timeout
    reason = ""
    while (left := until - time.monotonic()) > 0:
        connection = _connection(probe.address, left)
        try:
            connection.request("GET", probe.path, headers={"Host": probe.host, "User-Agent": "barehost.web"})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            reason = f"no answer on {probe.address} within {probe.timeout:g} seconds ({error or type(error).__name__})"
        else:
            if status < _SERVER_ERROR:
                return ""
            return f"GET {probe.path} on {probe.address} answers {status}"
        finally:
            connection.close()
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
