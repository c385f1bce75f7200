# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who has the ports that a server is to open. This module is private to the collection.

A web server that cannot open a port says so in its log only: after a reload, nginx goes on with the configuration of
before, and Apache ends.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.barehost.web.plugins.module_utils._host import HostError

_PROC = Path("/proc")
_LISTENS = "0A"
_IPV6 = 6


class Address(NamedTuple):
    """Where a socket listens; an address of zeros stands for all of its IP version."""

    host: IPv4Address | IPv6Address
    port: int

    def __str__(self) -> str:
        """Write it as in a URL."""
        return f"[{self.host}]:{self.port}" if self.host.version == _IPV6 else f"{self.host}:{self.port}"

    def covers(self, other: Address) -> bool:
        """Tell whether this socket is in the place of ``other``, or has all addresses of its IP version."""
        same = self.host.version == other.host.version
        return self.port == other.port and same and (self.host.is_unspecified or self.host == other.host)

    def meets(self, other: Address) -> bool:
        """Tell whether this socket, which is open, may keep ``other`` from being opened."""
        return self.covers(other) or other.covers(self) or (self.port == other.port and self._is_dual)

    def stands_for(self, other: Address) -> bool:
        """Tell whether this socket is what a server opens for ``other``."""
        return self == other or (self.port == other.port and self._is_dual and other.host.is_unspecified)

    @property
    def _is_dual(self) -> bool:
        """Whether it may take connections of both IP versions, which the kernel does not tell."""
        return self.host.version == _IPV6 and self.host.is_unspecified


@dataclass(frozen=True)
class Port:
    """What a unit is to open, and the entry of the model that wants it."""

    address: Address
    unit: str
    entry: str = ""


@dataclass
class Verdict:
    """What speaks against a configuration, and the units that can take it up only by a restart."""

    problems: list[str] = field(default_factory=list)
    restart: list[str] = field(default_factory=list)


def ports_of(units: Iterable[Mapping[str, Any]]) -> list[Port]:
    """Read what units are to open: ``listen`` of the units, as barehost.web.units documents it."""
    return [
        Port(address_of(each["address"]), unit["name"], each["entry"])
        for unit in units
        if unit["state"] == "started"
        for each in unit["listen"]
    ]


def address_of(text: str) -> Address:
    """Read ``127.0.0.1:80`` or ``[::]:80``.

    :raises HostError: it is nothing of the kind.
    """
    host, _, port = text.rpartition(":")
    try:
        return Address(ip_address(host.strip("[]")), int(port))
    except ValueError as error:
        message = (
            f"Nothing was changed: listen: '{text}' is not an address and a port; write '127.0.0.1:80' or '[::]:80'."
        )
        raise HostError(message) from error


def judge(wanted: Sequence[Port]) -> Verdict:
    """Find the ports that somebody else has, and those that a unit can open only when it has let go of another."""
    verdict = Verdict()
    wildcards = {port.address for port in wanted if port.address.host.is_unspecified}
    for port in wanted:
        # A server opens no single address where it has the port on all of them.
        spared = any(one.covers(port.address) for one in wildcards - {port.address})
        if spared or not _is_taken(port.address):
            continue
        own, others = _holders(port)
        if others:
            entry = f"entry '{port.entry}': " if port.entry else ""
            way_out = "End that, or listen at another port."
            verdict.problems.append(f"{entry}{port.address} is taken by {', '.join(others)}. {way_out}")
        elif not any(one.stands_for(port.address) for one in own):
            verdict.restart.append(port.unit)
    verdict.problems = list(dict.fromkeys(verdict.problems))
    verdict.restart = list(dict.fromkeys(verdict.restart))
    return verdict


def _is_taken(address: Address) -> bool:
    family = socket.AF_INET6 if address.host.version == _IPV6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As servers do, which do not wait until the last connection of the one before is forgotten.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((str(address.host), address.port))
    except OSError as error:
        # Whether there is such an address at all is for the server to say.
        return error.errno == errno.EADDRINUSE
    return False


def _holders(port: Port) -> tuple[list[Address], list[str]]:
    """Give what the unit itself has open there, and who else has something open there."""
    there = {inode: address for inode, address in _listening() if address.meets(port.address)}
    own: list[Address] = []
    others: dict[str, None] = {}
    found: set[str] = set()
    for process in _PROC.glob("[0-9]*"):
        held = _sockets(process) & there.keys()
        found |= held
        if held and _unit(process) == port.unit:
            own += [there[inode] for inode in held]
        elif held:
            others[_name(process)] = None
    if there.keys() - found or not there:
        others["another program"] = None
    return own, list(others)


def _listening() -> Iterator[tuple[str, Address]]:
    """Give all sockets that listen, by inode."""
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(FileNotFoundError):
            for line in (_PROC / "net" / name).read_text(encoding="ascii").splitlines()[1:]:
                _, local, _, state, *_, inode = line.split()[:10]
                if state == _LISTENS:
                    yield inode, parse_local(local)


def parse_local(text: str) -> Address:
    """Read an address as the kernel writes it: words of 32 bits in the order of the machine, and the port.

    Source: ``get_tcp4_sock`` and ``get_tcp6_sock`` of Linux.
    """
    host, _, port = text.partition(":")
    words = [int(host[start : start + 8], 16) for start in range(0, len(host), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    found = ip_address(packed)
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return Address(found, int(port, 16))


def _sockets(process: Path) -> set[str]:
    """Name the inodes of the sockets that a process has."""
    inodes = set()
    # It may end while it is looked at.
    with contextlib.suppress(OSError):
        for handle in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(handle.readlink())
                if target.startswith("socket:["):
                    inodes.add(target[len("socket:[") : -1])
    return inodes


def _unit(process: Path) -> str:
    try:
        groups = (process / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((name for line in groups if (name := line.rpartition("/")[2]).endswith(".service")), "")


def _name(process: Path) -> str:
    try:
        name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "another program"
    unit = _unit(process)
    return f"{name} ({unit})" if unit else f"{name} (process {process.name})"
