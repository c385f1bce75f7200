# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A report as one page that needs nothing else. Private to the collection.

On a narrow screen every row of a table is a card. The roles are written out because browsers forget what a table is
when its rows are laid out otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from ansible_collections.barehost.web.plugins.plugin_utils import _page
from ansible_collections.barehost.web.plugins.plugin_utils._report import (
    Certificate,
    Disk,
    Finding,
    Host,
    Report,
    Service,
    Timer,
    things,
)
from ansible_collections.barehost.web.plugins.plugin_utils._report_text import NOTHING, about, memory, size

_STYLE = """
h2 { font-size: 1.2rem; margin: 2.25rem 0 .5rem; }
ul { margin: 0; padding-left: 1.25rem; } li { margin: .35rem 0; overflow-wrap: anywhere; }
.panel { background: var(--panel); border: 1px solid var(--line); border-left: .35rem solid var(--best);
  border-radius: .5rem; padding: .75rem 1rem; margin: 1.25rem 0; }
.panel.fault { border-left-color: var(--fault); } .panel h2 { margin: 0 0 .35rem; }
.scroll { overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; border-bottom: 1px solid var(--line); }
td > span { overflow-wrap: break-word; } .ends, .last, .next { white-space: nowrap; }
th { color: var(--dim); font-weight: 600; } td small { color: var(--dim); display: block; }
tr.fault { box-shadow: inset .25rem 0 0 var(--fault); } tr.fault .state, tr.fault small { color: var(--fault); }
.gauge { display: block; height: .5rem; min-width: 5rem; max-width: 10rem; margin-top: .3rem; border-radius: .25rem;
  background: var(--line); overflow: hidden; }
.gauge > span { display: block; height: 100%; background: var(--bar); }
tr.fault .gauge > span { background: var(--fault); }
@media (max-width: 45rem) {
  body { padding: 1.25rem .75rem 2rem; }
  table, tbody, tr, td { display: block; } thead { position: absolute; left: -100rem; }
  tr { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; margin: .6rem 0; padding: .4rem; }
  td { display: grid; grid-template-columns: 6.5rem 1fr; gap: .5rem; border: 0; padding: .2rem .4rem; }
  td::before { content: attr(data-label); color: var(--dim); }
  td > span { grid-column: 2; overflow-wrap: anywhere; }
}
"""
#: Days that fill the bar of a certificate: what most authorities give.
_FULL_DAYS = 90


def page(report: Report) -> str:
    """Write the page."""
    attention = report.attention()
    return _page.page(
        "The web hosts",
        _STYLE,
        [
            f"<p>{escape(things(len(report.hosts), 'host'))}, asked on {escape(report.made)}.</p>\n",
            _panel(report.summary(), attention, "fault" if attention else "good"),
            _table("Hosts", ("host", "system", "disks"), map(_host, report.hosts)),
            _table(
                "Certificates",
                ("host", "site", "names", "issuer", "ends", "days left", "state"),
                (_certificate(host, one) for host in report.hosts for one in host.certificates),
            ),
            _services(report),
            _table(
                "Timers",
                ("host", "timer", "last", "next", "state"),
                (_timer(host, one) for host in report.hosts for one in host.timers),
            ),
            _panel("Good to know", report.notes(), "good") if report.notes() else "",
        ],
    )


def _panel(title: str, findings: Iterable[tuple[Host, Finding]], kind: str) -> str:
    items = "".join(f"<li><strong>{escape(host.name)}</strong>: {escape(str(one))}</li>\n" for host, one in findings)
    listed = f"<ul>\n{items}</ul>\n" if items else ""
    return f'<section class="panel {kind}"><h2>{escape(title)}</h2>\n{listed}</section>\n'


def _table(title: str, head: Sequence[str], rows: Iterable[tuple[bool, Sequence[str]]], remark: str = "") -> str:
    """Write a table.

    :param rows: for each whether it needs attention, and its cells as HTML.
    """
    body = "".join(_row(head, cells, fault=fault) for fault, cells in rows)
    if not body:
        return ""
    names = "".join(f'<th role="columnheader" scope="col">{escape(name)}</th>' for name in head)
    said = f"<p>{escape(remark)}</p>\n" if remark else ""
    label = f'aria-label="{escape(title)}"'
    return (
        # What is too wide is moved by the keyboard as well.
        f'<h2>{escape(title)}</h2>\n{said}<div class="scroll" role="region" {label} tabindex="0">'
        f'<table role="table" {label}>\n<thead role="rowgroup"><tr role="row">{names}</tr></thead>\n'
        f'<tbody role="rowgroup">\n{body}</tbody></table></div>\n'
    )


def _row(head: Sequence[str], cells: Sequence[str], *, fault: bool) -> str:
    written = "".join(
        f'<td role="cell" class="{escape(name)}" data-label="{escape(name)}"><span>{cell or NOTHING}</span></td>'
        for name, cell in zip(head, cells, strict=True)
    )
    return f'<tr role="row"{" class=" + chr(34) + "fault" + chr(34) if fault else ""}>{written}</tr>\n'


def _gauge(text: str, share: float) -> str:
    """Write a value, and a bar that shows it to those who see."""
    width = max(0.0, min(1.0, share)) * 100
    return f'{escape(text)}<span class="gauge" aria-hidden="true"><span style="width: {width:.0f}%"></span></span>'


def _said(state: str, findings: Sequence[Finding]) -> str:
    """Write a state, and why it needs attention."""
    return escape(state) + _why(findings)


def _why(findings: Sequence[Finding]) -> str:
    """Say why something needs attention: in words, whatever colour it has."""
    reasons = "; ".join(finding.reason for finding in findings)
    return f"<small>needs attention: {escape(reasons)}</small>" if findings else ""


def _host(host: Host) -> tuple[bool, Sequence[str]]:
    if host.fault:
        return True, (escape(host.name), f"{escape(about(host))}<small>{escape(host.fault)}</small>", "")
    fault = any(disk.findings for disk in host.disks) or bool(host.findings)
    up = escape(about(Host(host.name, system=host.system, uptime=host.uptime)))
    return fault, (escape(host.name), up + _why(host.findings), "".join(map(_disk, host.disks)))


def _disk(disk: Disk) -> str:
    return _gauge(f"{disk.path}: {disk.percent} % of {size(disk.size)}", disk.percent / 100) + _why(disk.findings)


def _certificate(host: Host, one: Certificate) -> tuple[bool, Sequence[str]]:
    days = NOTHING if one.days is None else _gauge(str(one.days), one.days / _FULL_DAYS)
    names = "<br>".join(map(escape, one.names))
    site = escape(one.site) if one.site else "(authority of the host)"
    state = _said("good" if not one.findings else "", one.findings)
    return bool(one.findings), (escape(host.name), site, names, escape(one.issuer), one.ends, days, state)


def _services(report: Report) -> str:
    most = max((one.memory or 0 for host in report.hosts for one in host.services), default=0)
    return _table(
        "Sites, apps and WordPresses",
        ("host", "what", "name", "unit", "memory", "version", "state"),
        (_service(host, one, most) for host in report.hosts for one in host.services),
        "Memory is the proportional set size of all processes of a unit: what processes share is counted once. "
        "Sites share that of their web server.",
    )


def _service(host: Host, one: Service, most: int) -> tuple[bool, Sequence[str]]:
    used = NOTHING if one.memory is None else _gauge(memory(one.memory), one.memory / (most or 1))
    words = (host.name, one.kind, one.name, one.unit)
    state = _said(one.state, one.findings)
    return bool(one.findings), (*map(escape, words), used, escape(one.version), state)


def _timer(host: Host, one: Timer) -> tuple[bool, Sequence[str]]:
    words: Iterator[str] = map(escape, (host.name, one.unit, one.last, one.following))
    return bool(one.findings), (*words, _said(one.state, one.findings))
