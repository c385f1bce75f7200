# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fixtures of all scenarios: the machine, a converge of it, requests to it, and its journal when a test fails."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from testbed import converge as playbooks
from testbed import infra, selection
from testbed.converge import Outcome
from testbed.converge import converge as run_converge
from testbed.engine import wait_until_ready
from testbed.http import Http
from testbed.https import Https
from testbed.looks import look
from testbed.podman import podman, podman_ok
from testbed.scan import Scanner

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from testinfra.host import Host

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Machine:
    """One of the scenario's machines: its name in the inventory and that of its container."""

    scenario: str
    name: str

    @property
    def container(self) -> str:
        """Name the container as inventory/molecule.yml does."""
        return f"barehost-{self.scenario}-{self.name}"


@dataclass
class Converge:
    """Calls the scenario's playbook, and knows whether the machine is still as the inventory wants it."""

    machine: Machine
    roles: tuple[str, ...] = ()
    differs: bool = False
    outcomes: list[Outcome] = field(default_factory=list)

    def __call__(
        self,
        variables: Mapping[str, Any] | None = None,
        *,
        playbook: str = "",
        check: bool = False,
        verbose: bool = False,
    ) -> Outcome:
        """Converge with variables on top of the inventory's, or by another playbook; check=True is --check --diff."""
        machine = self.machine
        tags = () if playbook else self.roles
        outcome = run_converge(
            machine.scenario, machine.name, variables, playbook=playbook, tags=tags, check=check, verbose=verbose
        )
        if not check and not outcome.refused:
            # To purge is what brings it back.
            self.differs = bool(playbook) or dict(variables or {}) not in ({}, {"web_purge": True}) or outcome.rc != 0
        self.outcomes.append(outcome)
        return outcome


@pytest.fixture(scope="session", params=selection.MACHINES)
def machine(request: pytest.FixtureRequest) -> Machine:
    """Run the tests on every machine of this run; see testbed/selection.py for those that converge."""
    return Machine(os.environ["MOLECULE_SCENARIO_NAME"], request.param)


#: Ends what a test has started with systemd-run, whether it runs or has failed.
TIDY = """
for file in /run/systemd/transient/*.service; do
  [ -e "$file" ] || continue
  systemctl stop "${file##*/}"
  systemctl reset-failed "${file##*/}"
done
exit 0
"""


@pytest.fixture(scope="session")
def host(machine: Machine) -> Host:
    """Look into the machine, without Ansible. What tests that were cut off have left running there is ended first."""
    found = infra.host(machine.container)
    found.run(TIDY)
    return found


@pytest.fixture(scope="session")
def http(machine: Machine) -> Http:
    """Ask the servers of the machine from inside it."""
    return Http(machine.container)


@pytest.fixture(scope="session")
def https(machine: Machine) -> Https:
    """Ask them over https."""
    return Https(machine.container)


@pytest.fixture(scope="session")
def scanner(machine: Machine) -> Scanner:
    """Have other people's checkers of https in the machine."""
    found = Scanner(machine.container)
    found.install()
    return found


@pytest.fixture
def looks(machine: Machine) -> Callable[[], dict[str, list[str]]]:
    """Tell what the machine is like: its files, accounts, units, sockets and packages."""
    return partial(look, machine.container)


@pytest.fixture(scope="session")
def roles() -> tuple[str, ...]:
    """Roles that the tests of a scenario converge, by tag; none for all, as molecule itself does.

    A scenario of the whole `site.yml` that needs a few of its roles saves the time in which the others find nothing.
    """
    return ()


@pytest.fixture
def converge(request: pytest.FixtureRequest, machine: Machine, roles: tuple[str, ...]) -> Iterator[Converge]:
    """Converge the machine; after a test with other variables it is converged back to those of the inventory.

    After the last one nobody needs that where the machine goes with the run.
    """
    call = Converge(machine, roles)
    yield call
    if call.differs and not (selection.PASSING and request.node is request.session.items[-1]):
        outcome = call({"web_purge": True})
        assert outcome.rc == 0, f"the machine does not converge back: {outcome}"


@pytest.fixture(scope="session")
def reboot(machine: Machine) -> Callable[[], None]:
    """Boot the machine anew; comes back when systemd has started everything."""

    def again() -> None:
        podman_ok("restart", "--time=20", machine.container)
        wait_until_ready(machine.container, seconds=30)

    return again


@dataclass(frozen=True)
class Unit:
    """The service of one app on a machine."""

    host: Host
    server: str
    name: str

    @property
    def service(self) -> str:
        """Name it as systemd does."""
        return f"{self.server}@{self.name}.service"

    @property
    def master(self) -> int:
        """Find the process that systemd has started; 0 if there is none."""
        return int(self.host.check_output(f"systemctl show --property=MainPID --value {self.service}"))

    @property
    def workers(self) -> set[int]:
        """Find the processes that answer."""
        master = self.master
        children = self.host.run(f"cat /proc/{master}/task/{master}/children")
        return {int(pid) for pid in children.stdout.split()}

    @property
    def processes(self) -> set[int]:
        """Find all of them, to see whether they are still the same later."""
        return {self.master, *self.workers}


@pytest.fixture
def unit(host: Host, machine: Machine) -> Callable[[str], Unit]:
    """Give the service of an app by the name of the app; the scenario is called like its server."""
    return lambda name: Unit(host, machine.scenario, name)


@dataclass(frozen=True)
class Program(Unit):
    """The program of one app under supervisord."""

    @property
    def master(self) -> int:
        """Find the process that supervisord has started; 0 if there is none."""
        words = self.host.run(f"supervisorctl pid {self.name}").stdout.split()
        return int(words[0]) if words and words[0].isdigit() else 0


@pytest.fixture
def program(host: Host) -> Callable[[str], Program]:
    """Give the program of an app by the name of the app."""
    return lambda name: Program(host, "supervisor", name)


@pytest.fixture
def varied(machine: Machine) -> Callable[..., dict[str, Any]]:
    """Give the apps of the inventory with changes: varied(hello={"processes": 3}), or with further ones."""
    inventory = yaml.safe_load((ROOT / f"inventory/{machine.scenario}/group_vars/web.yml").read_text(encoding="utf-8"))

    def vary(*more: dict[str, Any], key: str = f"{machine.scenario}_apps", **changes: dict[str, Any]) -> dict[str, Any]:
        return {key: [app | changes.get(app["name"], {}) for app in inventory[key]] + [*more]}

    return vary


@pytest.fixture
def own_address(host: Host) -> str:
    """Find the machine's own address in its network: whoever comes from there is no program of this host to the app."""
    return host.check_output("ip -4 -o address show scope global | head -n 1 | sed 's|.*inet ||; s|/.*||'")


@pytest.fixture
def taken(host: Host) -> Iterator[Callable[[], object]]:
    """Have another program listen at 127.0.0.1:8092; hands over what ends it."""
    program = "import socket, time; taken = socket.create_server(('127.0.0.1', 8092)); time.sleep(600)"
    host.check_output("systemd-run --unit=taken --collect python3 -c %s", program)
    host.check_output("for i in $(seq 600); do ss -ltn | grep -q 127.0.0.1:8092 && exit 0; sleep .1; done; exit 1")
    yield lambda: host.check_output("systemctl stop taken")
    host.run("systemctl stop taken")


#: Seconds after which a test no longer waits for something. A machine that has much to do takes its time.
SOON = 60


@pytest.fixture
def soon() -> Callable[[Callable[[], object]], float]:
    """Wait until something is so, for a minute at the most, and give the seconds that it took."""

    def wait(condition: Callable[[], object]) -> float:
        start = time.monotonic()
        while not condition():
            seconds = time.monotonic() - start
            assert seconds < SOON, f"it did not happen within {seconds:.0f} seconds"
            time.sleep(0.1)
        return time.monotonic() - start

    return wait


KILL = """
import http.client, os, signal, sys, time
os.kill(int(sys.argv[1]), signal.SIGKILL)
start = time.monotonic()
# What the killed one has left behind may answer for a moment.
time.sleep(0.2)
while True:
    assert time.monotonic() - start < 120, "there is no answer"
    connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=10)
    try:
        connection.request("GET", sys.argv[3], headers={"Host": sys.argv[2]})
        if connection.getresponse().status == 200:
            break
    except OSError:
        pass
    time.sleep(0.02)
print(time.monotonic() - start)
"""


@pytest.fixture
def kill(host: Host) -> Callable[..., float]:
    """Kill a process, and give the seconds until a site answers again, as the machine itself measures them."""
    return lambda process, site, path="/": float(
        host.check_output("python3 -c %s %s %s %s", KILL, str(process), site, path)
    )


BURN = """
import time
start = time.perf_counter()
while time.process_time() < 0.15:
    pass
print((time.perf_counter() - start) / time.process_time())
"""


@pytest.fixture
def busy(host: Host) -> Callable[[], float]:
    """Tell how many times as long as by itself a process takes on the machine at the moment.

    Other scenarios share its processors. What a server promises in seconds is meant for a machine of its own. The load
    before the test counts as much as that after it.
    """

    def sample() -> float:
        return max(1.0, float(host.check_output("python3 -c %s", BURN)))

    before = sample()
    return lambda: max(before, sample())


@pytest.fixture
def least(busy: Callable[[], float]) -> Callable[[Callable[[], float], float], float]:
    """Measure seconds of a machine of its own, again and twice at the most while they are too many; give the least."""

    def least(measure: Callable[[], float], limit: float) -> float:
        seconds = measure() / busy()
        for _again in range(2):
            if seconds >= limit:
                seconds = min(seconds, measure() / busy())
        return seconds

    return least


LEAD = """
set -e
mkdir -p /run/led/bin "/run/systemd/system/$1.d"
for name in cat cksum env kill seq sed setpriv sleep stat timeout touch; do
  {
    echo '#!/bin/sh'
    echo '[ "$(/usr/bin/id -u)" != 0 ] || /usr/bin/touch /run/led/root'
    echo "exec /usr/bin/$name \\"\\$@\\""
  } >/run/led/bin/$name
done
chmod -R 755 /run/led/bin
chown -R "$2" /run/led
printf '[Service]\nEnvironment=PATH=/run/led/bin:/usr/bin:/bin\n' >"/run/systemd/system/$1.d/led.conf"
systemctl daemon-reload
systemctl reload "$1"
"""
UNLEAD = """
rm -r /run/led "/run/systemd/system/$1.d/led.conf"
rmdir --ignore-fail-on-non-empty "/run/systemd/system/$1.d"
systemctl daemon-reload
"""


@pytest.fixture
def leads_root(host: Host) -> Callable[[str, str], bool]:
    """Reload a unit with programs of the app first in its PATH; tell whether root has run one of them."""

    def leads(service: str, user: str) -> bool:
        try:
            host.check_output("sh -c %s lead %s %s", LEAD, service, user)
            return host.run("test -e /run/led/root").rc == 0
        finally:
            host.check_output("sh -c %s unlead %s", UNLEAD, service)

    return leads


def pytest_configure(config: pytest.Config) -> None:
    """Describe the marks that tests of machines may have."""
    config.addinivalue_line("markers", "each_debian: converges on each Debian, because they differ here")
    config.addinivalue_line("markers", "costly: runs on one Debian, as if it converged, because it takes as long")


#: What brings other people's programs, which cost as much as a playbook: checkers of https, and a browser.
COSTLY = frozenset({"scanner", "chromium"})


def converging(item: pytest.Function) -> bool:
    """Tell whether a test runs a playbook, or something as costly."""
    manager = item.session._fixturemanager
    fixtures = [found for name in item.fixturenames for found in manager.getfixturedefs(name, item) or ()]
    if COSTLY & {*item.fixturenames} or item.get_closest_marker("costly") is not None:
        return True
    return selection.converging([item.function, *(fixture.func for fixture in fixtures)])


def runs_here(item: pytest.Item) -> bool:
    """Tell whether a test runs on the machine that it is meant for."""
    given = getattr(item, "callspec", None)
    if not isinstance(item, pytest.Function) or given is None or "machine" not in given.params:
        return True
    return selection.stays(
        given.params["machine"],
        os.environ["MOLECULE_SCENARIO_NAME"],
        item.path.name,
        converging=converging(item),
        everywhere=item.get_closest_marker("each_debian") is not None,
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what runs on another machine, or was not asked for: of tests that are run again, only those."""
    again = os.environ.get("BAREHOST_AGAIN")
    wanted = set(json.loads(Path(again).read_text(encoding="utf-8"))) if again else None
    chosen = [item for item in items if (item.nodeid in wanted if wanted is not None else runs_here(item))]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


FAILED = pytest.StashKey[list[str]]()


def failures(config: pytest.Config) -> list[str]:
    """Give the tests that have failed so far."""
    failed: list[str] = config.stash.setdefault(FAILED, [])
    return failed


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Note which tests have failed, for whoever runs them again. That all run on another machine is no failure."""
    if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and not selection.FULL:
        session.exitstatus = pytest.ExitCode.OK
    if place := os.environ.get("BAREHOST_FAILED"):
        failed = [*dict.fromkeys(failures(session.config))]
        Path(place).write_text(json.dumps(failed), encoding="utf-8")


@pytest.fixture(autouse=True)
def _known_to_converge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse a playbook to a test that is not known to run one: it would run it on every Debian."""
    if isinstance(request.node, pytest.Function) and not converging(request.node):
        monkeypatch.setattr(playbooks, "REFUSED", f"{request.node.nodeid} is not seen to run a playbook")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what Ansible and the machine have to say to the report of a failed test."""
    report = yield
    if report.failed:
        failures(item.config).append(item.nodeid)
    given = getattr(item, "funcargs", {})
    machine, call = given.get("machine"), given.get("converge")
    if report.failed and isinstance(call, Converge) and call.outcomes:
        report.sections.append(("the last converge", repr(call.outcomes[-1])))
    if report.failed and machine is not None:
        report.sections.append((f"failed units and journal of {machine.name}", complaints(item.config, machine)))
    return report


CURSORS = pytest.StashKey[dict[str, str]]()


def complaints(config: pytest.Config, machine: Machine) -> str:
    """Read the failed units, what the journal got since this was last asked, and the end of nginx's own log."""
    cursors = config.stash.setdefault(CURSORS, {})
    since = [f"--after-cursor={cursors[machine.name]}"] if machine.name in cursors else []
    command = ["exec", machine.container, "journalctl", "--no-pager", "-o", "short", "--show-cursor"]
    journal = podman(*command, *since).stdout.decode(errors="replace")
    *lines, cursor = journal.splitlines() or [""]
    if cursor.startswith("-- cursor: "):
        cursors[machine.name] = cursor.removeprefix("-- cursor: ")
    # What Ansible was asked to do is in its own output already.
    told = [line[:240] for line in lines if " ansible-" not in line and " sshd" not in line]
    units = podman("exec", machine.container, "systemctl", "--failed", "--no-legend", "--plain").stdout.decode()
    # A worker of nginx that dies is told of here, and nowhere else.
    nginx = podman("exec", machine.container, "tail", "--lines=10", "/var/log/nginx/error.log").stdout.decode()
    return "\n".join([units.strip() or "no failed units", *told[-40:], "", nginx])
