# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the rounds of a benchmark to figures, and to a table of them. Private to the collection."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._tables import aligned

_MEBI = 1024 * 1024


@dataclass(frozen=True)
class Metric:
    """One thing that is measured: how it is called, how it is read from a round, and how it is written."""

    key: str
    title: str
    short: str
    unit: str
    read: Callable[[Mapping[str, Any]], float]
    digits: int
    #: Whether more is better.
    more: bool = False

    def text(self, value: float) -> str:
        """Write a value."""
        return f"{value:,.{self.digits}f}".replace(",", " ")


METRICS = (
    Metric("requests", "requests per second", "requests", "1/s", lambda one: one["requests"], 0, more=True),
    Metric("p50", "latency, median", "p50", "ms", lambda one: one["latency"]["50"] * 1000, 1),
    Metric("p90", "latency, 90 %", "p90", "ms", lambda one: one["latency"]["90"] * 1000, 1),
    Metric("p99", "latency, 99 %", "p99", "ms", lambda one: one["latency"]["99"] * 1000, 1),
    Metric("memory", "memory (PSS)", "memory", "MiB", lambda one: one["memory"] / _MEBI, 1),
    Metric("start", "start to first answer", "start", "s", lambda one: one["start"], 2),
)


@dataclass(frozen=True)
class Figure:
    """A metric of a server over all rounds that count."""

    least: float
    median: float
    most: float


@dataclass(frozen=True)
class Report:
    """All of one benchmark."""

    plan: Mapping[str, Any]
    size: Mapping[str, Any]
    versions: Mapping[str, str]
    results: Sequence[Mapping[str, Any]]
    loads: Sequence[float]
    when: str

    @property
    def servers(self) -> list[str]:
        """The servers, the fastest first; those without a round that counts are the last."""
        return sorted(self.plan["servers"], key=lambda server: -self._median(server))

    def _median(self, server: str) -> float:
        found = self.figure(server, METRICS[0])
        return found.median if found else -1.0

    def figure(self, server: str, metric: Metric) -> Figure | None:
        """Give the figure of a server, or nothing if no round of it counts."""
        values = [metric.read(one) for one in self.results if one["server"] == server and "fault" not in one]
        return Figure(min(values), statistics.median(values), max(values)) if values else None

    def faults(self) -> list[str]:
        """Tell which rounds do not count, and why."""
        return [f"round {one['round']}, {one['server']}: {one['fault']}" for one in self.results if "fault" in one]

    def missing(self) -> list[str]:
        """Name the servers without any round that counts."""
        return [server for server in self.plan["servers"] if self.figure(server, METRICS[0]) is None]

    def name(self, server: str) -> str:
        """Name a server with its version."""
        return f"{server} {self.versions.get(server, '')}".rstrip()

    def about(self) -> list[tuple[str, str]]:
        """Say what was measured, on what, and how."""
        plan, size = self.plan, self.size
        memory = f"{size['memory'] / _MEBI / 1024:.1f} GiB memory"
        load = f"{plan['connections']} clients at once over loopback, through nginx {self.versions.get('nginx', '')}"
        return [
            ("machine", f"{size['cores']} cores ({size['processor']}), {memory}"),
            ("system", f"{size['system']}, kernel {size['kernel']}, Python {size['python']}"),
            ("server", f"{plan['processes']} processes with {plan['threads']} thread(s) each, path {plan['path']}"),
            ("load", load.rstrip()),
            ("rounds", f"{plan['rounds']} of {plan['seconds']} s, the servers taking turns; medians (least to most)"),
            ("load average", f"{min(self.loads):.1f} to {max(self.loads):.1f} at the ends of the rounds"),
            ("measured", self.when),
        ]

    def table(self) -> list[str]:
        """Give the lines of a table for the terminal."""
        head = [("server", ""), *((metric.short, metric.unit) for metric in METRICS)]
        rows = [[self.name(server), *self._cells(server)] for server in self.servers]
        lines = [*aligned([list(line) for line in zip(*head, strict=True)], rows), ""]
        lines += [f"{name + ':':<14}{text}" for name, text in self.about()]
        return lines + [f"not counted: {fault}" for fault in self.faults()]

    def markdown(self) -> str:
        """Give the table as a README has it, and one line about what was measured on what."""
        head = ["server", *(f"{metric.title} [{metric.unit}]" for metric in METRICS)]
        rows = [head, ["---", *("---:" for _ in METRICS)]]
        rows += [[self.name(server), *self._cells(server)] for server in self.servers]
        about = "; ".join(f"{name}: {text}" for name, text in self.about())
        return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), "", about, ""])

    def _cells(self, server: str) -> Iterator[str]:
        for metric in METRICS:
            found = self.figure(server, metric)
            spread = f" ({metric.text(found.least)} to {metric.text(found.most)})" if found and metric.more else ""
            yield f"{metric.text(found.median)}{spread}" if found else "-"

    def plain(self) -> dict[str, Any]:
        """Give everything for a file of JSON."""
        figures = {
            server: {
                metric.key: {"unit": metric.unit, "least": found.least, "median": found.median, "most": found.most}
                for metric in METRICS
                if (found := self.figure(server, metric)) is not None
            }
            for server in self.servers
        }
        settings = {key: value for key, value in self.plan.items() if key not in {"present", "absent", "targets"}}
        return {
            "measured": self.when,
            "machine": dict(self.size),
            "versions": dict(self.versions),
            "settings": settings,
            "load_averages": list(self.loads),
            "figures": figures,
            "rounds": [dict(one) for one in self.results],
        }


def read(plan: Mapping[str, Any], size: Mapping[str, Any], rounds: Sequence[Mapping[str, Any]], when: str) -> Report:
    """Read what the measuring tasks have returned, one result for each round."""
    return Report(
        plan=plan,
        size=size,
        versions={name: text for one in rounds for name, text in one["versions"].items() if text},
        results=[result for one in rounds for result in one["results"]],
        loads=[one["load"] for one in rounds],
        when=when,
    )
