# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From single runs to a table, ratios and a verdict."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Literal

Kind = Literal["first", "again"]
KINDS: dict[Kind, str] = {"first": "first converge", "again": "no change"}


@dataclass(frozen=True)
class About:
    """What was run; a round starts with fresh machines."""

    stack: str
    transport: str
    kind: Kind
    side: str
    sites: int
    round: int

    def __str__(self) -> str:
        """Give the beginning of a line of progress."""
        what = f"{self.stack} over {self.transport:<6}  {self.sites:>3} sites"
        return f"round {self.round}  {what}  {KINDS[self.kind]:<14}  {self.side:<5}"


@dataclass(frozen=True)
class Sample:
    """One run: seconds of wall time, of processor time of the controller and of the machine; calls to the machine."""

    about: About
    seconds: float
    controller: float
    machine: float
    calls: int

    @property
    def processor(self) -> float:
        """Give the seconds of processor time on both ends, which other work on the computer disturbs less."""
        return self.controller + self.machine


@dataclass(frozen=True)
class Target:
    """A figure that is wanted, and the one that was measured."""

    name: str
    measured: float
    limit: float
    by_processor: float | None = None
    #: Whether the limit is the least that is wanted, and not the most.
    at_least: bool = False

    @property
    def reached(self) -> bool:
        """Tell whether the figure is as wanted."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def __str__(self) -> str:
        """Give the line of the report."""
        other = "" if self.by_processor is None else f"; by processor time {self.by_processor:.2f}"
        verdict = "pass" if self.reached else "miss"
        which = "at least" if self.at_least else "at most"
        return f"{verdict}  {self.name}: {self.measured:.2f} ({which} {self.limit:g}){other}"


def controller() -> dict[str, Any]:
    """Tell on what it was measured."""
    return {
        "python": platform.python_version(),
        "ansible_core": version("ansible-core"),
        "processors": os.cpu_count(),
        "load": os.getloadavg(),
    }


@dataclass(frozen=True)
class Figures:
    """Several runs in one: medians, and the least wall time, which shows what an idle computer can do."""

    seconds: float
    least: float
    processor: float
    calls: float

    def __str__(self) -> str:
        """Give the columns of a table."""
        return f"{self.seconds:>7.2f} {self.least:>7.2f} {self.processor:>6.2f} {self.calls:>5.0f}"

    @staticmethod
    def head() -> str:
        """Give the names of the columns."""
        return f"{'median':>7} {'least':>7} {'cpu':>6} {'calls':>5}"


class Report:
    """All runs of one benchmark."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        """Take the runs in any order."""
        self.samples = list(samples)

    def median(self, field: str, **wanted: object) -> float:
        """Give the median of one field over the runs that are wanted."""
        values: list[float] = [getattr(sample, field) for sample in self._which(**wanted)]
        return statistics.median(values)

    def table(self) -> list[str]:
        """Give the lines of the tables, one table for each transport."""
        lines = []
        for transport in self._values("transport", stack="nginx"):
            chosen: dict[str, object] = {"stack": "nginx", "transport": transport}
            lines += ["", f"nginx over {transport}", *_HEAD]
            for kind, name in KINDS.items():
                for sites in self._values("sites", kind=kind, **chosen):
                    ours, shell = (
                        self._figures(kind=kind, sites=sites, side=side, **chosen) for side in ("ours", "shell")
                    )
                    ratios = f"{ours.seconds / shell.seconds:>6.2f} {ours.processor / shell.processor:>6.2f}"
                    lines.append(f"{name:<14} {sites:>5}   {ours}   {shell}   {ratios}")
        return lines

    def targets(self) -> list[Target]:
        """Compare what was measured with what is wanted."""
        found = []
        if {1, 100} <= set(self._values("sites", transport="ssh", stack="nginx")):
            found += self._nginx_targets()
        return found

    def plain(self) -> dict[str, Any]:
        """Give everything for a file of JSON."""
        return {
            "controller": controller(),
            "samples": [asdict(sample) for sample in self.samples],
            "targets": [{**asdict(target), "reached": target.reached} for target in self.targets()],
        }

    def _nginx_targets(self) -> list[Target]:
        """Judge ssh alone: where a connection cannot pipeline, what is compared is the connection."""

        def figures(kind: Kind, side: str, sites: int) -> Figures:
            return self._figures(stack="nginx", transport="ssh", kind=kind, side=side, sites=sites)

        one, many, floor = figures("again", "ours", 1), figures("again", "ours", 100), figures("again", "shell", 100)
        first, first_floor = figures("first", "ours", 100), figures("first", "shell", 100)
        return [
            _ratio("no change, 100 sites against 1", many, one, 1.15),
            Target("no change, 100 sites against 1, calls", many.calls / one.calls, 1),
            _ratio("no change, 100 sites, ours against shell", many, floor, 5),
            _ratio("first converge, 100 sites, ours against shell", first, first_floor, 1.8),
        ]

    def _figures(self, **wanted: object) -> Figures:
        seconds, processor, calls = (self.median(field, **wanted) for field in ("seconds", "processor", "calls"))
        return Figures(seconds, min(sample.seconds for sample in self._which(**wanted)), processor, calls)

    def _which(self, **wanted: object) -> list[Sample]:
        rest = wanted.items()
        return [one for one in self.samples if all(getattr(one.about, name) == value for name, value in rest)]

    def _values(self, field: str, **wanted: object) -> list[Any]:
        return list(dict.fromkeys(getattr(sample.about, field) for sample in self._which(**wanted)))


def _ratio(name: str, one: Figures, other: Figures, most: float) -> Target:
    return Target(name, one.seconds / other.seconds, most, one.processor / other.processor)


_HEAD = (
    f"{'':<14} {'':>5}   {'ours':<27}   {'shell':<27}   {'ours / shell':>13}",
    f"{'':<14} {'sites':>5}   {Figures.head()}   {Figures.head()}   {'median':>6} {'cpu':>6}",
)
