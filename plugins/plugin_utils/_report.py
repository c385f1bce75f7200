# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a report is made of: one host's rows, and what needs attention in them. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import Any

#: What is said of a row that has nothing to complain about.
GOOD = "good"


@dataclass(frozen=True)
class Finding:
    """Something that somebody should look at: what it is about, what is so, and the way out."""

    subject: str
    reason: str
    way_out: str = ""

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}" + (f"; {self.way_out}" if self.way_out else "")


@dataclass(frozen=True)
class Certificate:
    """A certificate of a site, or that of the host's own authority."""

    site: str
    path: str
    issuer: str = ""
    names: tuple[str, ...] = ()
    ends: str = ""
    days: int | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def state(self) -> str:
        """Say in words how it is."""
        return "; ".join(finding.reason for finding in self.findings) or GOOD


@dataclass(frozen=True)
class Service:
    """A site, an app, a worker of one, a WordPress or a server, and what runs it."""

    kind: str
    name: str
    unit: str
    state: str
    version: str = ""
    #: Proportional set size of all processes of the unit, in bytes.
    memory: int | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Timer:
    """What begins by itself at its time."""

    unit: str
    state: str
    last: str = ""
    following: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Disk:
    """A file system, under the first path of those that leads to it."""

    path: str
    used: int
    size: int
    percent: int
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Host:
    """All that is told of one host; one that could not be asked has a fault and nothing else."""

    name: str
    fault: str = ""
    system: str = ""
    uptime: int = 0
    certificates: tuple[Certificate, ...] = ()
    services: tuple[Service, ...] = ()
    timers: tuple[Timer, ...] = ()
    disks: tuple[Disk, ...] = ()
    #: What no row has.
    findings: tuple[Finding, ...] = ()
    #: What nobody has to do anything about.
    notes: tuple[Finding, ...] = ()

    def attention(self) -> list[Finding]:
        """Give what needs attention, each once."""
        if self.fault:
            return [Finding("host", f"could not be asked: {self.fault}", "see that Ansible reaches it as root")]
        rows: Iterator[Certificate | Service | Timer | Disk] = chain(
            self.certificates, self.services, self.timers, self.disks
        )
        found = [*self.findings, *(finding for row in rows for finding in row.findings)]
        return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Report:
    """Several hosts, and when they were asked."""

    made: str
    hosts: tuple[Host, ...] = field(default_factory=tuple)

    def attention(self) -> list[tuple[Host, Finding]]:
        """Give what needs attention, host by host."""
        return [(host, finding) for host in self.hosts for finding in host.attention()]

    def notes(self) -> list[tuple[Host, Finding]]:
        """Give what is good to know."""
        return [(host, note) for host in self.hosts for note in host.notes]

    def summary(self) -> str:
        """Say it in one line."""
        count = len(self.attention())
        return (
            "Nothing needs attention." if not count else f"{things(count, 'thing')} need{'s' * (count == 1)} attention."
        )

    def plain(self) -> dict[str, Any]:
        """Give everything for a file of JSON."""
        attention = [{"host": host.name, **asdict(finding)} for host, finding in self.attention()]
        return {"made": self.made, "attention": attention, "hosts": [asdict(host) for host in self.hosts]}


def things(count: int, noun: str) -> str:
    """Count something."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _findings(plain: Mapping[str, Any], key: str = "findings") -> tuple[Finding, ...]:
    return tuple(Finding(**one) for one in plain[key])


def host_from(plain: Mapping[str, Any]) -> Host:
    """Read what ``asdict`` has made of a host."""

    def rows(key: str) -> Sequence[dict[str, Any]]:
        return [{**one, "findings": _findings(one)} for one in plain[key]]

    return Host(
        name=plain["name"],
        fault=plain["fault"],
        system=plain["system"],
        uptime=plain["uptime"],
        certificates=tuple(Certificate(**{**one, "names": tuple(one["names"])}) for one in rows("certificates")),
        services=tuple(Service(**one) for one in rows("services")),
        timers=tuple(Timer(**one) for one in rows("timers")),
        disks=tuple(Disk(**one) for one in rows("disks")),
        findings=_findings(plain),
        notes=_findings(plain, "notes"),
    )
