# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The results of a benchmark as one page that needs nothing else, no script either. Private to the collection."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from ansible_collections.barehost.web.plugins.plugin_utils import _page
from ansible_collections.barehost.web.plugins.plugin_utils._benchmark_report import METRICS, Figure, Metric, Report

_STYLE = """
h2 { font-size: 1rem; margin: 0 0 .5rem; }
h2 small { color: var(--dim); font-weight: normal; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; margin: 1.5rem 0; }
section { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 13px system-ui, sans-serif; fill: var(--text); }
svg .dim { fill: var(--dim); font-size: 12px; }
.bar { fill: var(--bar); } .best { fill: var(--best); }
.spread { stroke: var(--spread); stroke-width: 1.5; fill: none; } .grid { stroke: var(--line); }
.scroll { overflow-x: auto; }
th, td { text-align: right; padding: .4rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th small, td small { color: var(--dim); display: block; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 1.5rem 0; font-size: .9rem; }
dt { color: var(--dim); } dd { margin: 0; }
summary { cursor: pointer; color: var(--dim); }
.fault { border-left: 3px solid var(--fault); padding-left: .75rem; }
"""
_WIDTH, _LEFT, _RIGHT, _ROW, _BAR, _TOP, _BOTTOM = 360, 76, 58, 36, 18, 4, 22


def page(report: Report) -> str:
    """Write the page."""
    parts = [
        "<p>Bars are medians over the rounds, lines go from the least to the most. The best is green.</p>\n",
        *(f'<p class="fault">Not counted: {escape(fault)}</p>\n' for fault in report.faults()),
        '<div class="panels">\n',
        *(_panel(report, metric) for metric in METRICS),
        "</div>\n",
        _table(report),
        "<dl>\n",
        *(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>\n" for name, text in report.about()),
        "</dl>\n",
        _rounds(report),
    ]
    return _page.page("One app under every server", _STYLE, parts)


def steps(most: float) -> list[float]:
    """Choose round numbers for an axis from 0 to a little more than ``most``: four to seven, with equal steps."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / 4
    size = 10 ** math.floor(math.log10(rough))
    step = next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= rough)
    return [number * step for number in range(math.ceil(most / step - 1e-9) + 1)]


def _panel(report: Report, metric: Metric) -> str:
    found = {server: figure for server in report.servers if (figure := report.figure(server, metric)) is not None}
    better = "more is better" if metric.more else "less is better"
    title = f"<h2>{escape(metric.title)} <small>{escape(metric.unit)}, {better}</small></h2>"
    if not found:
        return f"<section>{title}<p>No round counts.</p></section>\n"
    choose = max if metric.more else min
    best = choose(figure.median for figure in found.values())
    axis = steps(max(figure.most for figure in found.values()))
    height = _TOP + _ROW * len(found) + _BOTTOM
    said = "; ".join(f"{server} {metric.text(figure.median)} {metric.unit}" for server, figure in found.items())
    parts = [f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(metric.title)}: {escape(said)}">']
    parts += _axis(axis, height)
    for row, (server, figure) in enumerate(found.items()):
        kind = "best" if figure.median == best else "bar"
        parts += _bar(server, figure, metric, row=row, most=axis[-1], kind=kind)
    return f"<section>{title}{''.join(parts)}</svg></section>\n"


def _place(value: float, most: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * value / most


def _axis(numbers: list[float], height: int) -> Iterator[str]:
    bottom = height - _BOTTOM
    for number in numbers:
        x = _place(number, numbers[-1])
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom}"/>'
        text = f"{number:,.10g}".replace(",", " ")
        yield f'<text class="dim" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{text}</text>'


def _bar(server: str, figure: Figure, metric: Metric, *, row: int, most: float, kind: str) -> Iterator[str]:
    top = _TOP + _ROW * row + (_ROW - _BAR) / 2
    middle = top + _BAR / 2
    least, end, far = (_place(value, most) for value in (figure.least, figure.median, figure.most))
    yield f'<text x="{_LEFT - 8}" y="{middle + 4.5:.1f}" text-anchor="end">{escape(server)}</text>'
    yield f'<rect class="{kind}" x="{_LEFT}" y="{top:.1f}" width="{end - _LEFT:.1f}" height="{_BAR}" rx="2"/>'
    ends = f"M{least:.1f} {middle - 5:.1f}v10M{far:.1f} {middle - 5:.1f}v10"
    yield f'<path class="spread" d="M{least:.1f} {middle:.1f}H{far:.1f}{ends}"/>'
    yield f'<text x="{far + 6:.1f}" y="{middle + 4.5:.1f}">{metric.text(figure.median)}</text>'


def _table(report: Report) -> str:
    head = "".join(f"<th>{escape(one.title)}<small>{escape(one.unit)}</small></th>" for one in METRICS)
    rows = []
    for server in report.servers:
        cells = "".join(_cell(report.figure(server, metric), metric) for metric in METRICS)
        version = f"<small>{escape(report.versions.get(server, ''))}</small>"
        rows.append(f"<tr><td>{escape(server)}{version}</td>{cells}</tr>\n")
    return f'<div class="scroll"><table>\n<tr><th>server</th>{head}</tr>\n{"".join(rows)}</table></div>\n'


def _cell(figure: Figure | None, metric: Metric) -> str:
    if figure is None:
        return "<td>-</td>"
    spread = f"{metric.text(figure.least)} to {metric.text(figure.most)}"
    return f"<td>{metric.text(figure.median)}<small>{spread}</small></td>"


def _rounds(report: Report) -> str:
    head = "".join(f"<th>{escape(one.title)}<small>{escape(one.unit)}</small></th>" for one in METRICS)
    rows = []
    for one in report.results:
        if "fault" in one:
            cells = f'<td colspan="{len(METRICS)}">not counted: {escape(one["fault"])}</td>'
        else:
            cells = "".join(f"<td>{metric.text(metric.read(one))}</td>" for metric in METRICS)
        rows.append(f"<tr><td>{one['round']}, {escape(one['server'])}</td>{cells}</tr>\n")
    body = f"<table>\n<tr><th>round</th>{head}</tr>\n{''.join(rows)}</table>"
    return f'<details><summary>Every round</summary><div class="scroll">{body}</div></details>\n'
