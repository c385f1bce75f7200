# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What converging costs, side by side with a shell script in one run; script/bench --help tells all of it."""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from testbed.images import SUITES
from testbed.podman import BedError, say

from benchmark import servers, wordpress
from benchmark.hosts import Hosts, processor_time
from benchmark.report import About, Report, Sample
from benchmark.runs import Costs, Run, Runs
from benchmark.servers import Side
from benchmark.sides import Floor, Role, state
from benchmark.throughput import Answered, Throughput
from benchmark.transports import NAMES, Transport
from benchmark.wordpress import Pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmark.measure import Measured
    from benchmark.report import Kind


#: What is measured under load, and what makes of it a table and a verdict.
_LOADED: dict[str, type[Throughput]] = {"servers": Throughput, "wordpress": Pages}


class Loaded(Protocol):
    """Something to measure under load."""

    def prepare(self, transport: Transport, machine: str, folder: Path) -> None:
        """Have all sides serve."""

    def sides(self) -> list[Side]:
        """Give everything to ask."""


def in_turn(sides: list[Side], number: int) -> list[Side]:
    """Order the sides of a round: those of one kind beside each other, in every round another one first."""
    kinds = [list(group) for _, group in itertools.groupby(sides, lambda side: (side.server, side.shape))]
    return [side for kind in kinds for side in (*kind[number % len(kind) :], *kind[: number % len(kind)])]


def arguments() -> argparse.Namespace:
    """Read the command line; what it means is told by script/bench --help."""
    parser = argparse.ArgumentParser(prog="script/bench", add_help=False)
    parser.add_argument("stack", nargs="?", choices=["nginx", "run", *_LOADED], default="nginx")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--hosts", type=_numbers, default=[1, 4])
    parser.add_argument("--sites", type=_numbers, default=[1, 10, 100])
    parser.add_argument("--transport", type=_transports, default=list(NAMES))
    parser.add_argument("--image", choices=list(SUITES), default="debian13")
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    # Which worker a connection falls to is chance, and it stays there: many short rounds say more than a few long ones.
    given.rounds = given.rounds or {"servers": 30, "wordpress": 10}.get(given.stack, 3)
    return given


def _numbers(text: str) -> list[int]:
    if not all(part.isdigit() and int(part) > 0 for part in text.split(",")):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 1,10,100")
    return [int(part) for part in text.split(",")]


def _transports(text: str) -> list[str]:
    chosen = text.split(",")
    for name in chosen:
        if name not in NAMES:
            raise argparse.ArgumentTypeError(f"choose from {', '.join(NAMES)}")
    return chosen


class Bench:
    """One benchmark: has both sides run in turn and keeps what every run took."""

    def __init__(self, given: argparse.Namespace, hosts: Hosts, folder: Path) -> None:
        """Take the command line, the machines and an empty folder."""
        self.samples: list[Sample] = []
        self.answered: list[Answered] = []
        self.runs: list[Run] = []
        self._given = given
        self._hosts = hosts
        self._folder = folder
        self._round = 0

    def nginx(self) -> None:
        """Measure role nginx against the script."""
        transports = [Transport(name, self._folder) for name in self._given.transport]
        role, floor = Role(self._folder), Floor()
        self._hosts.prepare()
        for number in range(1, self._given.rounds + 1):
            self._round = number
            for transport in transports:
                self._nginx_round(transport, role, floor)
                self._hosts.remove()

    def _nginx_round(self, transport: Transport, role: Role, floor: Floor) -> None:
        machines: dict[int, dict[Role | Floor, str]] = {}
        for sites in self._given.sites:
            machines[sites] = {side: self._hosts.start(f"{side.name}-{sites}") for side in (role, floor)}
            for side, machine in machines[sites].items():
                self._take(transport, "first", side, sites, machine)
                # The script publishes what our side has just published.
                floor.learn(machines[sites][role], sites)
            if state(machines[sites][role]) != state(machines[sites][floor]):
                raise BedError(f"the two sides do not do the same with {sites} sites")
        for _ in range(self._given.repeats):
            for sites, pair in machines.items():
                for side, machine in pair.items():
                    self._take(transport, "again", side, sites, machine)

    def _take(self, transport: Transport, kind: Kind, side: Role | Floor, sites: int, machine: str) -> None:
        about = About("nginx", transport.name, kind, side.name, sites, self._round)
        self._note(about, machine, lambda: side.run(transport, machine, sites))

    def run(self) -> None:
        """Measure runs of the whole stack."""
        transport = Transport("ssh", self._folder)
        runs = Runs(self._hosts, transport, self._folder, counts=self._given.hosts)
        runs.prepare()
        for number in range(1, self._given.rounds + 1):
            runs.round(number)
        self.runs = runs.found

    def report(self) -> Throughput | Report | Costs:
        """Make what there is to tell of what was measured."""
        if self._given.stack == "run":
            return Costs(self.runs)
        loaded = _LOADED.get(self._given.stack)
        return loaded(self.answered) if loaded else Report(self.samples)

    def servers(self) -> None:
        """Measure apps under load, the sides of one kind one after the other in every round."""
        self._load(servers, "one app under every server, ours and by hand, side by side")

    def wordpress(self) -> None:
        """Measure the front page of WordPress under load."""
        self._load(wordpress, "the front page of one WordPress, ours and Debian's defaults side by side")

    def _load(self, kind: Loaded, told: str) -> None:
        machine = self._hosts.start_online(self._given.stack)
        say(f"bench: {told}")
        kind.prepare(Transport("ssh", self._folder), machine, self._folder)
        for number in range(1, self._given.rounds + 1):
            for side in in_turn(kind.sides(), number):
                self._ask(machine, side, number)

    def _ask(self, machine: str, side: Side, number: int) -> None:
        seconds = self._given.seconds
        sys.stdout.write(f"{time.strftime('%H:%M:%S')}  round {number}  {side}")
        sys.stdout.flush()
        before = processor_time(machine)
        found = servers.ask(machine, side, seconds=seconds, connections=self._given.connections)
        used = (processor_time(machine) - before) / (found.requests * seconds) * 1000
        say(f"  {found.requests:7.0f} requests/s  99 % {found.latency['99'] * 1000:7.1f} ms  {used:6.3f} ms cpu each")
        self.answered.append(
            Answered(side.server, str(side.shape), side.way, number, found.requests, found.latency["99"] * 1000, used)
        )

    def _note(self, about: About, machine: str, run: Callable[[], Measured]) -> None:
        """Run once and keep the figures; tell before what is run, after what it took."""
        sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {about}")
        sys.stdout.flush()
        before = processor_time(machine)
        found = run()
        inside = processor_time(machine) - before
        say(f"  {found.seconds:6.2f} s  {found.processor:5.2f} + {inside:5.2f} s cpu  {found.calls:>2} calls")
        if found.changed != (about.kind == "first"):
            wanted = "something" if about.kind == "first" else "nothing"
            raise BedError(f"this run should have changed {wanted}:\n{found.output}")
        self.samples.append(Sample(about, found.seconds, found.processor, inside, found.calls))


def main() -> None:
    """Measure and report."""
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Hosts(given.image) as hosts:
        bench = Bench(given, hosts, Path(folder))
        getattr(bench, given.stack)()
    report = bench.report()
    say("\n".join([*report.table(), "", *map(str, report.targets())]))
    if given.json:
        given.json.write_text(json.dumps(report.plain(), indent=1) + "\n", encoding="utf-8")


def _interrupted(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    try:
        main()
    except BedError as error:
        sys.stderr.write(f"\nbench: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
