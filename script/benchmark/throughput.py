# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what every side has answered to a table, and to a verdict on ours."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from benchmark.report import Target, controller

OURS = "ours"
#: Of the requests that the best way by hand answers, ours answers at least this part.
LEAST = 0.9


@dataclass(frozen=True)
class Answered:
    """What one side has answered in a round: requests per second; latency and processor time of one, in ms."""

    server: str
    shape: str
    way: str
    round: int
    requests: float
    slowest: float
    processor: float


class Throughput:
    """All rounds of one benchmark of servers."""

    def __init__(self, samples: Iterable[Answered]) -> None:
        """Take the samples in any order."""
        self.samples = list(samples)

    def median(self, field: str, server: str, shape: str, way: str) -> float:
        """Give the median of one field of a side."""
        wanted = (server, shape, way)
        values = [float(getattr(one, field)) for one in self.samples if (one.server, one.shape, one.way) == wanted]
        return statistics.median(values)

    def ratio(self, field: str, server: str, shape: str, one: str, other: str) -> float:
        """Give the median of the rounds' ratios: what slows the computer down for a while slows both sides."""
        values = {(each.way, each.round): float(getattr(each, field)) for each in self._of(server, shape)}
        pairs = [(value, values.get((other, number))) for (way, number), value in values.items() if way == one]
        return statistics.median(mine / its for mine, its in pairs if its)

    def table(self) -> list[str]:
        """Give the lines of the table; ratios are those of each side to ours."""
        lines = ["", f"{'':<37} {'requests':>9} {'99 %':>8} {'cpu':>8} {'against ours':>16}"]
        lines += [f"{'':<37} {'1/s':>9} {'ms':>8} {'ms':>8} {'requests':>9} {'cpu':>6}"]
        for server, shape in self._kinds():
            for way in self._ways(server, shape):
                requests, slowest, processor = (
                    self.median(field, server, shape, way) for field in ("requests", "slowest", "processor")
                )
                rate, used = (self.ratio(field, server, shape, way, OURS) for field in ("requests", "processor"))
                line = f"{server:<9} {shape:<5} {way:<21} {requests:>9.0f} {slowest:>8.1f} {processor:>8.3f}"
                lines.append(f"{line} {rate:>9.2f} {used:>6.2f}")
        return lines

    def targets(self) -> list[Target]:
        """Hold ours against the way by hand that does best beside it, for each server and number of workers."""
        found = []
        for server, shape in self._kinds():
            others = [way for way in self._ways(server, shape) if way != OURS]
            if others:
                rates = {way: self.ratio("requests", server, shape, OURS, way) for way in others}
                best = min(rates, key=lambda way: rates[way])
                name = f"{server} {shape}, requests of ours against the best by hand ({best})"
                used = self.ratio("processor", server, shape, best, OURS)
                found.append(Target(name, rates[best], LEAST, used, at_least=True))
        return found

    def plain(self) -> dict[str, Any]:
        """Give everything for a file of JSON."""
        return {
            "controller": controller(),
            "samples": [asdict(sample) for sample in self.samples],
            "targets": [{**asdict(target), "reached": target.reached} for target in self.targets()],
        }

    def _kinds(self) -> list[tuple[str, str]]:
        return list(dict.fromkeys((sample.server, sample.shape) for sample in self.samples))

    def _ways(self, server: str, shape: str) -> list[str]:
        return list(dict.fromkeys(sample.way for sample in self._of(server, shape)))

    def _of(self, server: str, shape: str) -> list[Answered]:
        return [sample for sample in self.samples if (sample.server, sample.shape) == (server, shape)]
