# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses that something listens on, and which of them collide. Private to the collection."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple

from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, show

OWN_PORT = 8010
_IPV4, _IPV6 = 4, 6
_HIGHEST_PORT = 65535
_PARTS = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]*)\]|(?P<v4>[^\[\]:]*)):(?P<port>[^:]*)")
_SITE = "write a port such as '80', or '127.0.0.1:8080', or '[::1]:8080'"
_APP = "write '127.0.0.1:5000', or ':5000' for every address, or leave it out for a unix socket"


class Listener(NamedTuple):
    """One socket: IP version, address (empty for every address of that version) and port."""

    version: int
    host: str
    port: int

    def meets(self, other: Listener) -> bool:
        """Tell whether the two cannot be open at the same time."""
        same_host = self.host == other.host or not self.host or not other.host
        return (self.version, self.port) == (other.version, other.port) and same_host

    @property
    def directive(self) -> str:
        """The one spelling of the socket in nginx's configuration, where two of one socket are an error."""
        if self.version == _IPV6:
            return f"[{self.host or '::'}]:{self.port}"
        return f"{self.host}:{self.port}" if self.host else str(self.port)

    @property
    def address(self) -> str:
        """Address and port as programs show them, zeros for every address."""
        if self.version == _IPV6:
            return f"[{self.host or '::'}]:{self.port}"
        return f"{self.host or ipaddress.IPv4Address(0)}:{self.port}"


def listeners(text: str) -> tuple[Listener, ...]:
    """Read where a site listens; a bare port is one socket for each IP version. ValueError tells a fault."""
    if ":" not in text:
        return _everywhere(text)
    return (_address(text),)


def sockets(wanted: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Give what a web server opens, each socket once, as ``listen`` of a unit takes it.

    :param wanted: where a site listens, and the name of its entry; empty for what belongs to none.
    """
    found: dict[str, str] = {}
    for text, entry in wanted:
        for each in listeners(text):
            found.setdefault(each.address, entry)
    return [{"address": address, "entry": entry} for address, entry in found.items()]


def bound(text: str) -> tuple[Listener, ...]:
    """Read where an app listens; ":5000" and "[::]:5000" take both IP versions. ValueError as above."""
    if text.startswith(":"):
        return _everywhere(text[1:])
    found = _address(text)
    return _everywhere(str(found.port)) if found == Listener(_IPV6, "", found.port) else (found,)


def listen(text: str) -> Fault | None:
    """Check where a site is to listen."""
    try:
        listeners(text)
    except ValueError as error:
        return Fault(str(error), _SITE)
    return None


def bind(text: str) -> Fault | None:
    """Check where an app is to listen."""
    if text.startswith(("unix:", "/")):
        return Fault(
            f"{show(text)} is a path",
            "leave it out: the app then has the unix socket /run/<server>/<name>.sock",
        )
    try:
        bound(text)
    except ValueError as error:
        return Fault(str(error), _APP)
    return None


def address(text: str) -> Fault | None:
    """Check where nginx is to find an app."""
    way_out = "write 'unix:/run/gunicorn/<name>.sock' or '127.0.0.1:5000'"
    if text.startswith("unix:"):
        good = re.fullmatch(r"unix:(/[\w.@+-]+)+", text)
        return None if good else Fault(f"{show(text)} is not the path of a socket", way_out)
    host, _, port = text.rpartition(":")
    try:
        _port(port)
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", host, re.ASCII):
            _address(text)
    except ValueError as error:
        return Fault(str(error), way_out)
    return None


def loopback(text: str) -> Fault | None:
    """Check an address that only programs of the same host may reach."""
    way_out = "write '127.0.0.1:9191'"
    try:
        found = bound(text)[0]
    except ValueError as error:
        return Fault(str(error), way_out)
    if not found.host or not ipaddress.ip_address(found.host).is_loopback:
        return Fault(f"{show(text)} can be reached from elsewhere", way_out)
    return None


def local(text: str) -> str:
    """Say where a program on the same host finds an app that listens there."""
    found = bound(text)[0]
    if found.host:
        return text
    return f"127.0.0.1:{found.port}"


def own(name: str) -> str:
    """Give the address of an app whose server listens on TCP only and that was given none.

    The whole of 127.0.0.0/8 is the host itself. An address of its own for each app, the same in every run, is in
    nobody's way: the port is taken only if something else wants it on every address.
    """
    first, second, third = (1 + byte % 254 for byte in hashlib.sha256(name.encode()).digest()[:3])
    return f"127.{first}.{second}.{third}:{OWN_PORT}"


def _everywhere(port: str) -> tuple[Listener, ...]:
    number = _port(port)
    return Listener(_IPV4, "", number), Listener(_IPV6, "", number)


def _address(text: str) -> Listener:
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise ValueError(f"{show(text)} is not an address and a port")
    host = parts["v4"] if parts["v6"] is None else parts["v6"]
    if host == "*":
        return Listener(_IPV4, "", _port(parts["port"]))
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        raise ValueError(f"{show(host)} is not an IP address") from None
    if (found.version == _IPV6) != (parts["v6"] is not None):
        raise ValueError(f"{show(text)} mixes up the two ways to write an IP address")
    return Listener(found.version, "" if found.is_unspecified else str(found), _port(parts["port"]))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{show(text)} is not a port")
    if not 1 <= int(text) <= _HIGHEST_PORT:
        raise ValueError(f"port {text} is not between 1 and {_HIGHEST_PORT}")
    return int(text)
