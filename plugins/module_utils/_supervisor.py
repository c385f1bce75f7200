# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Speak with supervisord over its own socket, and start it where nobody else does.

This module is private to the collection.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import time
import xmlrpc.client
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

from ansible_collections.barehost.web.plugins.module_utils._host import HostError

Data: TypeAlias = Any  # whatever supervisord answers
CONTROL = Path("/run/supervisor.sock")
_CONFIGURATION = "/etc/supervisor/supervisord.conf"
_PAUSE = 0.1
#: Seconds to wait for a supervisord that somebody else starts: the first process of a container, or systemd.
_PATIENCE = 10
_NO_SUCH_NAME, _NOT_RUNNING = 10, 70


class SupervisorError(HostError):
    """supervisord does not do what it is asked for, and why."""


class _Connection(http.client.HTTPConnection):
    """HTTP through a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        """Connect to the path."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    """XML-RPC through a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, _host: object) -> http.client.HTTPConnection:
        """Give a fresh connection."""
        return _Connection(self._path)


class Supervisor:
    """What is asked of supervisord; see http://supervisord.org/api.html."""

    def __init__(self, path: Path = CONTROL) -> None:
        self._path = path

    def _call(self, method: str, *arguments: object) -> Data:
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(self._path))
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault:
            raise
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            raise SupervisorError(f"supervisord does not answer on {self._path}: {error}") from error

    def answers(self, seconds: float = 0) -> bool:
        """Tell whether supervisord is there, perhaps after a while."""
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(SupervisorError, xmlrpc.client.Fault):
                return bool(self._call("getState")["statename"] == "RUNNING")
            if time.monotonic() >= until:
                return False
            time.sleep(_PAUSE)

    def processes(self) -> dict[str, dict[str, Any]]:
        """Give what supervisord says of each program, by name."""
        found: list[dict[str, Any]] = self._call("getAllProcessInfo")
        return {process["group"]: process for process in found}

    def reread(self) -> tuple[set[str], set[str]]:
        """Have the configuration read again; gives the programs that are new and those that have changed."""
        try:
            ((added, changed, _removed),) = self._call("reloadConfig")
        except xmlrpc.client.Fault as fault:
            raise SupervisorError(f"supervisord rejects its configuration: {fault.faultString}") from fault
        return set(added), set(changed)

    def add(self, name: str) -> None:
        """Take a program up, which starts it."""
        self._do("addProcessGroup", name)

    def start(self, name: str) -> None:
        """Start a program without waiting for it."""
        self._do("startProcess", name, False)

    def stop(self, names: Iterable[str]) -> None:
        """Stop programs side by side and wait for them; supervisord kills those that take too long."""
        names = set(names)
        for name in names:
            try:
                self._call("stopProcess", name, False)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode not in {_NO_SUCH_NAME, _NOT_RUNNING}:
                    raise SupervisorError(f"supervisord does not stop {name}: {fault.faultString}") from fault
        while any(name in names and process["pid"] for name, process in self.processes().items()):
            time.sleep(_PAUSE)

    def drop(self, name: str) -> None:
        """Forget a program that is stopped."""
        self._do("removeProcessGroup", name)

    def restart(self) -> None:
        """Have supervisord itself begin anew, as the same process."""
        self._call("restart")
        until = time.monotonic() + _PATIENCE
        # It answers until it has stopped its programs.
        while self.answers() and time.monotonic() < until:
            time.sleep(_PAUSE)

    def _do(self, method: str, *arguments: object) -> None:
        try:
            self._call(method, *arguments)
        except xmlrpc.client.Fault as fault:
            raise SupervisorError(f"supervisord: {method} {arguments[0]}: {fault.faultString}") from fault


def ensure(supervisor: Supervisor, *, managed: bool) -> None:
    """Have supervisord answer.

    :param managed: whether systemd starts it; where nobody does, this does.
    """
    if supervisor.answers(_PATIENCE):
        return
    if not managed:
        subprocess.Popen(
            ["supervisord", "--nodaemon", "--configuration", _CONFIGURATION],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
    if not supervisor.answers(_PATIENCE):
        log = "journalctl --unit=supervisor" if managed else "/var/log/supervisor/supervisord.log"
        raise SupervisorError(f"supervisord does not answer on {CONTROL}. Look at {log}, then run again.")
