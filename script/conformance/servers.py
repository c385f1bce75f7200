# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The servers, and the places at which each of them is spoken to. A new server is one entry here.

It also needs its two apps, ``<server>-unix`` and ``<server>-tcp``, and their sites in ``inventory/servers``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from testbed.podman import ROOT

from conformance.speak import Address, Talk

MOUNT = "/below/probe"
TRANSPORTS = ("direct-unix", "direct-tcp", "nginx-unix", "nginx-tcp")
#: Where a client that is no program of the machine comes from, as far as the machine can tell.
STRANGER = "127.0.0.2"


@dataclass(frozen=True)
class Server:
    """A server: its name in the model, the unix socket of an app, and the command that prints an app's log."""

    name: str
    socket: str
    log: str


SERVERS = (
    Server(
        name="gunicorn",
        socket="/run/gunicorn/{app}.sock",
        log="journalctl --sync; journalctl --output=cat --since=-5min --unit=gunicorn@{app}.service",
    ),
    Server(
        name="uwsgi",
        socket="/run/uwsgi/{app}.sock",
        log="journalctl --sync; journalctl --output=cat --since=-5min --unit=uwsgi@{app}.service",
    ),
    Server(
        name="mod_wsgi",
        socket="/run/mod_wsgi/{app}.sock",
        log="journalctl --sync; journalctl --output=cat --since=-5min --unit=mod_wsgi@{app}.service",
    ),
)


@dataclass(frozen=True)
class Place:
    """An app of a server, the way to it, and the path that it is mounted at."""

    server: Server
    transport: str
    mount: str = ""

    def __str__(self) -> str:
        """Name it for a test."""
        return f"{self.server.name}-{self.transport}{'-below' if self.mount else ''}"

    @property
    def proxied(self) -> bool:
        """Tell whether nginx is in front."""
        return self.transport.startswith("nginx")

    @property
    def app(self) -> str:
        """Name the app."""
        return f"{self.server.name.replace('_', '-')}-{self.transport.partition('-')[2]}"

    @property
    def neighbour(self) -> Place:
        """Give the place of the other app of this server."""
        front, _, kind = self.transport.partition("-")
        return Place(self.server, f"{front}-{'tcp' if kind == 'unix' else 'unix'}", self.mount)

    @property
    def domain(self) -> str:
        """Name the site."""
        return f"{self.app}.example.test"

    @property
    def client(self) -> str:
        """Give the address of the client that speaks here."""
        return "127.0.0.1" if self.transport == "direct-unix" else STRANGER

    @property
    def address(self) -> Address:
        """Tell where to connect to."""
        if self.transport == "direct-unix":
            return Address(unix=self.server.socket.format(app=self.app))
        return Address(port=80 if self.proxied else port(self.app), source=self.client)

    def talk(self, target: str | bytes, *headers: str, method: str = "GET", host: str = "", mount: str = "") -> Talk:
        """Begin a conversation with the head of a request; the target lies below the mount, here or another."""
        raw = target.encode() if isinstance(target, str) else target
        lines = [f"Host: {host or self.domain}", "Connection: close", *headers]
        head = "".join(f"{line}\r\n" for line in lines).encode("latin-1")
        prefix = (mount if self.proxied and mount else self.mount).encode()
        first = method.encode() + b" " + prefix + raw + b" HTTP/1.1\r\n"
        return Talk(self.address).send(first + head + b"\r\n")

    def get(self, target: str | bytes, *headers: str, method: str = "GET", host: str = "", mount: str = "") -> Talk:
        """Give the conversation of an ordinary request."""
        return self.talk(target, *headers, method=method, host=host, mount=mount).listen()


@cache
def model() -> dict[str, Any]:
    """Read the model of the inventory."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "inventory/servers/group_vars/web.yml").read_text("utf-8"))
    return loaded


def port(app: str) -> int:
    """Find the port of an app; 0 if it has none."""
    bound = next((entry.get("bind", "") for entry in model()["web_apps"] if entry["name"] == app), "")
    return int(bound.rpartition(":")[2] or 0)


def places() -> list[Place]:
    """List all places: only behind nginx is there anything but the root."""
    every = [Place(server, transport) for server in SERVERS for transport in TRANSPORTS]
    return every + [Place(place.server, place.transport, MOUNT) for place in every if place.proxied]
