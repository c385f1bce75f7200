# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs of the whole stack cost, each beside `ansible -m ping` of the same hosts in the same round."""

from __future__ import annotations

import copy
import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from testbed.http import Http
from testbed.podman import ROOT, BedError, say

from benchmark.measure import Measured, measure
from benchmark.report import Target, controller
from benchmark.sides import converge, write_hosts, write_sites

if TYPE_CHECKING:
    from benchmark.hosts import Hosts
    from benchmark.transports import Transport

SITE = "example.test"
MODEL = yaml.safe_load((ROOT / "inventory/site/group_vars/web.yml").read_text(encoding="utf-8"))
#: The parts, in the order in which a round runs them, and what each may take: calls, and times the wall time of a ping.
LIMITS: dict[str, tuple[int | None, float | None]] = {
    "no change": (3, 3.5),
    "no change, 100 nginx sites": (2, 2.0),
    "changed site": (None, None),
    "no-change deploy": (2, 3.0),
    "code-only deploy": (None, 5.0),
    "rollback": (None, 3.0),
}
#: Seconds of the controller's processors for each further host of a run without a change.
FURTHER = 1.2
_SITES = 100


@dataclass(frozen=True)
class Run:
    """One run of a part; calls are those to one host, on the average."""

    part: str
    hosts: int
    round: int
    seconds: float
    processor: float
    calls: float
    ping: float


class Runs:
    """Machines with the whole stack, and the runs that they go through."""

    def __init__(self, hosts: Hosts, transport: Transport, folder: Path, *, counts: Sequence[int]) -> None:
        """Take an empty folder, and with how many hosts it is to be measured."""
        self.found: list[Run] = []
        self._transport = transport
        self._folder = folder
        self._counts = sorted(counts)
        self._machines = [hosts.start_online(f"run-{number}") for number in range(1, max(counts) + 1)]
        self._many = hosts.start_online("hundred")
        self._code = folder / "util"
        shutil.copytree(ROOT / "examples/util", self._code)
        self._number = 0

    def prepare(self) -> None:
        """Converge all machines, and let the second run find nothing to do."""
        say(f"bench: the whole stack on {len(self._machines)} machines, and {_SITES} sites on another")
        self._site(len(self._machines))
        # The rollback goes back to the release of before.
        self._deploy(len(self._machines))
        for _time in range(2):
            self._site(len(self._machines))
            self._hundred()

    def round(self, number: int) -> None:
        """Run every part, for each number of hosts."""
        parts: dict[str, Callable[[int], Measured]] = {
            "no change": self._no_change,
            "no change, 100 nginx sites": lambda _count: self._hundred(),
            "changed site": self._changed_site,
            "no-change deploy": self._no_change_deploy,
            "code-only deploy": self._deploy,
            "rollback": self._rollback,
        }
        for count in self._counts:
            # What fewer hosts went through before, all have.
            for _time in range(2):
                self._site(count)
            for part, run in parts.items():
                if part == "no change, 100 nginx sites" and count != self._counts[0]:
                    continue
                machines = [self._many] if part == "no change, 100 nginx sites" else self._machines[:count]
                ping = self._ping(machines)
                found = run(count)
                done = Run(
                    part, count, number, found.seconds, found.processor, found.calls / len(machines), ping.seconds
                )
                say(
                    f"{time.strftime('%H:%M:%S')}  round {number}  {count} hosts  {part:<27} {done.seconds:6.2f} s "
                    f"{done.seconds / done.ping:5.2f} pings  {done.processor:5.2f} s cpu  {done.calls:4.1f} calls"
                )
                self.found.append(done)

    def _inventory(self, machines: Sequence[str]) -> list[str]:
        hosts = {f"bench{number}": self._transport.variables(name) for number, name in enumerate(machines)}
        return [f"--inventory={write_hosts(self._folder / f'inventory-{len(machines)}-{machines[0][-3:]}', hosts)}"]

    def _ping(self, machines: Sequence[str]) -> Measured:
        self._transport.take_calls()
        program = str(Path(sys.executable).with_name("ansible"))
        settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **self._transport.environment()}
        return measure([program, *self._inventory(machines), "web", "-m", "ansible.builtin.ping"], settings=settings)

    def _ansible(self, count: int, playbook: str, *more: str) -> Measured:
        limit = ["--inventory=inventory/site", *self._inventory(self._machines[:count]), "--limit=bench*"]
        return converge(self._transport, [*limit, *more, playbook])

    def _no_change(self, count: int) -> Measured:
        return _changed(self._site(count), 0, count)

    def _site(self, count: int, *more: str) -> Measured:
        return self._ansible(count, "playbooks/site.yml", self._model(self._number), *more)

    def _hundred(self) -> Measured:
        inventory = self._inventory([self._many])
        write_sites(Path(inventory[0].partition("=")[2]), _SITES)
        return converge(self._transport, [*inventory, "playbooks/nginx.yml"])

    def _changed_site(self, count: int) -> Measured:
        other = f"other-{count}.test"
        found = self._site(count, _extra({"site_domains": [SITE, other]}))
        self._answers(count, other, "/util/search", "hello")
        self._site(count)
        return _changed(found, 1, count)

    def _model(self, number: int) -> str:
        apps = copy.deepcopy(MODEL["web_apps"])
        app = self._code / "app.py"
        original = (ROOT / "examples/util/app.py").read_text(encoding="utf-8")
        app.write_text(original.replace("hello Elastic", f"hello {number} Elastic"), encoding="utf-8")
        apps[0]["source"] = {"path": str(self._code)}
        return _extra({"web_apps": apps})

    def _deploy(self, count: int) -> Measured:
        self._number += 1
        found = self._ansible(count, "playbooks/deploy.yml", self._model(self._number), "--extra-vars=app=util")
        self._answers(count, SITE, "/util/search", f"hello {self._number} ")
        return _changed(found, 1, count)

    def _no_change_deploy(self, count: int) -> Measured:
        self._ansible(count, "playbooks/deploy.yml", self._model(self._number), "--extra-vars=app=util")
        words = ("playbooks/deploy.yml", self._model(self._number), "--extra-vars=app=util")
        return _changed(self._ansible(count, *words), 0, count)

    def _rollback(self, count: int) -> Measured:
        found = self._ansible(count, "playbooks/rollback.yml", self._model(self._number), "--extra-vars=app=util")
        self._answers(count, SITE, "/util/search", f"hello {self._number - 1} ")
        # What was withdrawn is not released again: the next round begins with other code.
        self._number += 1
        return _changed(found, 1, count)

    def _answers(self, count: int, host: str, path: str, beginning: str) -> None:
        for machine in self._machines[:count]:
            answer = Http(machine)(path, host=host)
            if not answer.text.startswith(beginning):
                raise BedError(f"{machine} does not answer {path} with {beginning!r}: {answer}")


def _extra(variables: dict[str, Any]) -> str:
    return f"--extra-vars={json.dumps(variables)}"


def _changed(found: Measured, tasks: int, count: int) -> Measured:
    """See that a run has changed what it is measured for, on each of its hosts."""
    if found.output.count(f" changed={tasks} ") != count:
        raise BedError(f"{tasks} tasks of each of {count} hosts should have changed something:\n{found.output}")
    return found


class Costs:
    """All runs of one benchmark."""

    def __init__(self, runs: Iterable[Run]) -> None:
        """Take the runs in any order."""
        self.runs = list(runs)

    def table(self) -> list[str]:
        """Give the lines of the table: medians over the rounds."""
        head = f"{'hosts':>5}  {'':<27}{'seconds':>8} {'pings':>6} {'cpu':>6} {'calls':>6}"
        lines = ["", "runs of the whole stack over ssh", head]
        for hosts in dict.fromkeys(run.hosts for run in self.runs):
            for part in LIMITS:
                if self._which(part, hosts):
                    seconds, pings, processor, calls = self.figures(part, hosts)
                    lines.append(f"{hosts:>5}  {part:<27}{seconds:>8.2f} {pings:>6.2f} {processor:>6.2f} {calls:>6.1f}")
        return lines

    def figures(self, part: str, hosts: int) -> tuple[float, float, float, float]:
        """Give seconds, the same in pings of their rounds, seconds of processor time, and calls: medians."""
        runs = self._which(part, hosts)
        return (
            statistics.median(run.seconds for run in runs),
            statistics.median(run.seconds / run.ping for run in runs),
            statistics.median(run.processor for run in runs),
            statistics.median(run.calls for run in runs),
        )

    def targets(self) -> list[Target]:
        """Compare what was measured with what is wanted, for the fewest hosts."""
        counts = sorted({run.hosts for run in self.runs})
        found = []
        for part, (most_calls, most_pings) in LIMITS.items():
            if not self._which(part, counts[0]):
                continue
            _seconds, pings, _processor, calls = self.figures(part, counts[0])
            found += [Target(f"{part}, calls", calls, most_calls)] if most_calls else []
            found += [Target(f"{part}, times a ping", pings, most_pings)] if most_pings else []
        if len(counts) > 1 and self._which("no change", counts[-1]):
            fewest, most = (self.figures("no change", count)[2] for count in (counts[0], counts[-1]))
            further = (most - fewest) / (counts[-1] - counts[0])
            found.append(Target("no change, controller's seconds for each further host", further, FURTHER))
        return found

    def plain(self) -> dict[str, Any]:
        """Give everything for a file of JSON."""
        return {
            "controller": controller(),
            "runs": [asdict(run) for run in self.runs],
            "targets": [{**asdict(target), "reached": target.reached} for target in self.targets()],
        }

    def _which(self, part: str, hosts: int) -> list[Run]:
        return [run for run in self.runs if run.part == part and run.hosts == hosts]
