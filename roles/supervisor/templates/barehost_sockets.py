# {{ ansible_managed }}
"""Keeps the sockets of apps open under supervisord, so that requests wait while an app restarts.

An app that starts asks for its socket by name and is handed it. Supervisor's own way, a section ``fcgi-program``, knows
no IPv6, closes a socket with its last process, and ends supervisord with all of its programs when it cannot open one.
"""

from __future__ import annotations

import contextlib
import grp
import json
import os
import socket
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

#: Where apps ask. Only root can connect.
CONTROL = "/run/barehost-sockets.sock"
WEB_SERVER = "www-data"
BACKLOG = 2048
PATIENCE = 5
LONGEST = 4096
_IP_FREEBIND = 15


def open_unix(path: Path, group: str = WEB_SERVER) -> socket.socket:
    """Listen on a path. The web server connects; nobody else can, the app's own user included."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    umask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(umask)
    # A host without a web server has no such group, and root alone connects.
    with contextlib.suppress(KeyError):
        os.chown(path, -1, grp.getgrnam(group).gr_gid)
        path.chmod(0o660)
    listener.listen(BACKLOG)
    return listener


def open_tcp(host: str, port: int) -> socket.socket:
    """Listen on an address, or on all addresses of the host where none is given."""
    both = not host and socket.has_dualstack_ipv6()
    listener = socket.socket(socket.AF_INET6 if both or ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # At boot the socket is opened before the network has its addresses.
    listener.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
    if listener.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if both else 1)
    listener.bind((host, port))
    listener.listen(BACKLOG)
    return listener


def open_address(address: str) -> socket.socket:
    """Listen on ``unix:/path``, ``host:port``, ``[host]:port`` or ``:port``."""
    if address.startswith("unix:"):
        return open_unix(Path(address.removeprefix("unix:")))
    host, _, port = address.rpartition(":")
    return open_tcp(host.strip("[]"), int(port))


@dataclass
class Kept:
    """The socket of one app, and the process that has it."""

    address: str
    listener: socket.socket
    process: int = 0

    def close(self) -> None:
        """Let go of it, for good."""
        self.listener.close()
        if self.address.startswith("unix:"):
            Path(self.address.removeprefix("unix:")).unlink(missing_ok=True)


@dataclass
class Sockets:
    """The sockets of all apps by name."""

    kept: dict[str, Kept] = field(default_factory=dict)

    def give(self, name: str, address: str, process: int) -> tuple[socket.socket, int]:
        """Give an app its socket, and the process that had it before."""
        known = self.kept.get(name)
        if known is None or known.address != address:
            self.drop(name)
            known = self.kept[name] = Kept(address, open_address(address))
        before, known.process = known.process, process
        return known.listener, before

    def drop(self, name: str) -> None:
        """Close the socket of an app."""
        known = self.kept.pop(name, None)
        if known is not None:
            known.close()

    def answer(self, connection: socket.socket) -> None:
        """Do what one client asks for: give ``name`` its ``address``, or close it where there is none."""
        connection.settimeout(PATIENCE)
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        process, _, _ = struct.unpack("3i", credentials)
        asked = json.loads(connection.recv(LONGEST))
        if not asked["address"]:
            self.drop(asked["name"])
            connection.sendall(b"{}")
            return
        try:
            listener, before = self.give(asked["name"], asked["address"], process)
        except OSError as error:
            connection.sendall(json.dumps({"error": f"{asked['address']}: {error.strerror}"}).encode())
        else:
            socket.send_fds(connection, [json.dumps({"before": before}).encode()], [listener.fileno()])


def main() -> None:
    """Answer one client after the other."""
    Path(CONTROL).unlink(missing_ok=True)
    os.umask(0o077)
    sockets = Sockets()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.bind(CONTROL)
        control.listen(BACKLOG)
        os.umask(0o022)
        while True:
            connection, _ = control.accept()
            with connection:
                try:
                    sockets.answer(connection)
                except (OSError, ValueError, KeyError) as error:
                    sys.stderr.write(f"a request came to nothing: {error!r}\n")
                    sys.stderr.flush()


if __name__ == "__main__":
    main()
