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
    """One run: seconds of wall time, seconds of the controller's processors, calls to the machine."""

    about: About
    seconds: float
    processor: float
    calls: int


@dataclass(frozen=True)
class Target:
    """A figure that is wanted, and the one that was measured."""

    name: str
    measured: float
    most: float

    @property
    def reached(self) -> bool:
        """Tell whether the figure is as wanted."""
        return self.measured <= self.most

    def __str__(self) -> str:
        """Give the line of the report."""
        return f"{'pass' if self.reached else 'miss'}  {self.name}: {self.measured:.2f} (at most {self.most:g})"


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
            lines += ["", f"nginx over {transport}; seconds, medians", *_HEAD]
            for kind in KINDS:
                for sites in self._values("sites", kind=kind, **chosen):
                    lines.append(self._line(kind, sites, chosen))
        for kind in self._values("kind", stack="site"):
            runs = {"stack": "site", "kind": kind}
            seconds, processor, calls = (self.median(field, **runs) for field in ("seconds", "processor", "calls"))
            lines.append(f"site over ssh, {KINDS[kind]}: {seconds:.2f} s, {processor:.2f} s cpu, {calls:.0f} calls")
        return lines

    def targets(self) -> list[Target]:
        """Compare what was measured with what is wanted."""
        found = []
        for transport in self._values("transport", stack="nginx"):
            if {1, 100} <= set(self._values("sites", transport=transport, stack="nginx")):
                found += self._nginx_targets(transport)
        if self._which(stack="site", kind="again"):
            seconds, calls = (self.median(field, stack="site", kind="again") for field in ("seconds", "calls"))
            found += [Target("site, no change, calls", calls, 12), Target("site, no change, seconds", seconds, 8)]
        return found

    def plain(self) -> dict[str, Any]:
        """Give everything for a file of JSON."""
        return {
            "controller": {
                "python": platform.python_version(),
                "ansible_core": version("ansible-core"),
                "processors": os.cpu_count(),
                "load": os.getloadavg(),
            },
            "samples": [asdict(sample) for sample in self.samples],
            "targets": [{**asdict(target), "reached": target.reached} for target in self.targets()],
        }

    def _nginx_targets(self, transport: str) -> list[Target]:
        def median(field: str, kind: Kind, side: str, sites: int) -> float:
            return self.median(field, stack="nginx", transport=transport, kind=kind, side=side, sites=sites)

        one, many = (median("seconds", "again", "ours", sites) for sites in (1, 100))
        calls, more_calls = (median("calls", "again", "ours", sites) for sites in (1, 100))
        floor, first_floor = (median("seconds", kind, "shell", 100) for kind in ("again", "first"))
        first = median("seconds", "first", "ours", 100)
        return [
            Target(f"{transport}, no change, 100 sites against 1, time", many / one, 1.15),
            Target(f"{transport}, no change, 100 sites against 1, more calls", more_calls - calls, 0),
            Target(f"{transport}, no change, 100 sites, ours against shell", many / floor, 5),
            Target(f"{transport}, first converge, 100 sites, ours against shell", first / first_floor, 1.8),
        ]

    def _line(self, kind: Kind, sites: int, chosen: dict[str, object]) -> str:
        ours, shell = (
            {field: self.median(field, kind=kind, sites=sites, side=side, **chosen) for field in _FIELDS}
            for side in ("ours", "shell")
        )
        return (
            f"{KINDS[kind]:<15} {sites:>5}   {ours['seconds']:>7.2f} {ours['processor']:>6.2f} {ours['calls']:>6.0f}"
            f"   {shell['seconds']:>7.2f} {shell['processor']:>6.2f} {shell['calls']:>6.0f}"
            f"   {ours['seconds'] / shell['seconds']:>12.2f}"
        )

    def _which(self, **wanted: object) -> list[Sample]:
        rest = wanted.items()
        return [one for one in self.samples if all(getattr(one.about, name) == value for name, value in rest)]

    def _values(self, field: str, **wanted: object) -> list[Any]:
        return list(dict.fromkeys(getattr(sample.about, field) for sample in self._which(**wanted)))


_FIELDS = ("seconds", "processor", "calls")
_HEAD = (
    f"{'':<15} {'':>5}   {'ours':>7} {'':>6} {'':>6}   {'shell':>7} {'':>6} {'':>6}   {'ours / shell':>12}",
    f"{'':<15} {'sites':>5}   {'wall':>7} {'cpu':>6} {'calls':>6}   {'wall':>7} {'cpu':>6} {'calls':>6}   {'wall':>12}",
)
