# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A report as text for a terminal, and how its values are written there and on the page. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.barehost.web.plugins.plugin_utils._report import Host, Report, things
from ansible_collections.barehost.web.plugins.plugin_utils._tables import aligned

_KIBI, _DAY = 1024, 24 * 60 * 60
#: More names of a certificate than this do not fit into a line.
_NAMES = 2
NOTHING = "-"


def size(count: float) -> str:
    """Write a number of bytes for people."""
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while count >= _KIBI and len(units) > 1:
        count /= _KIBI
        del units[0]
    return f"{count:.0f} {units[0]}" if units[0] == "B" else f"{count:.1f} {units[0]}"


def memory(count: int | None) -> str:
    """Write the memory of a unit."""
    return NOTHING if count is None else size(count)


def about(host: Host) -> str:
    """Say in one line what a host is and how full it is."""
    if host.fault:
        return "could not be asked"
    up = f"up {things(host.uptime // _DAY, 'day')}"
    return ", ".join([host.system, up, *(f"{disk.path} is {disk.percent} % full" for disk in host.disks)])


def text(report: Report) -> list[str]:
    """Give the lines for a terminal."""
    return [
        *(f"{host.name}: {about(host)}" for host in report.hosts),
        *_section(
            "Certificates", ("host", "site", "issuer", "ends", "days left", "names", "state"), _certificates(report)
        ),
        *_section(
            "Sites, apps and WordPresses (sites share the memory of their web server)",
            ("host", "what", "name", "unit", "state", "memory", "version"),
            _services(report),
        ),
        *_section("Timers", ("host", "timer", "state", "last", "next"), _timers(report)),
        *_listed("Good to know", [f"{host.name}: {note}" for host, note in report.notes()]),
        *_listed("Needs attention", [f"{host.name}: {finding}" for host, finding in report.attention()]),
        "",
        report.summary(),
    ]


def _section(title: str, head: Sequence[str], rows: Iterator[Sequence[str]]) -> list[str]:
    found = [[cell or NOTHING for cell in row] for row in rows]
    return ["", title, "", *aligned([head], found)] if found else []


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, "", *(f"- {line}" for line in lines)] if lines else []


def _certificates(report: Report) -> Iterator[Sequence[str]]:
    for host in report.hosts:
        for one in host.certificates:
            rest = len(one.names) - _NAMES
            names = ", ".join(one.names[:_NAMES]) + (f" and {rest} more" if rest > 0 else "")
            days = NOTHING if one.days is None else str(one.days)
            yield host.name, one.site or "(authority)", one.issuer, one.ends, days, names, one.state


def _services(report: Report) -> Iterator[Sequence[str]]:
    for host in report.hosts:
        for one in host.services:
            yield host.name, one.kind, one.name, one.unit, one.state, memory(one.memory), one.version


def _timers(report: Report) -> Iterator[Sequence[str]]:
    for host in report.hosts:
        for one in host.timers:
            yield host.name, one.unit, one.state, one.last, one.following
