# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to be done to systemd units; pure. This module is private to the collection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.barehost.web.plugins.module_utils import _marks
from ansible_collections.barehost.web.plugins.module_utils._ready import Probe


@dataclass(frozen=True)
class Wanted:
    """What a unit is to be."""

    name: str
    started: bool = True
    enabled: bool = True
    entry: str = ""
    probe: Probe | None = None
    #: Seconds that it has to run without a break, for one that nobody can ask.
    steady: int = 0
    #: Commands of a program of supervisord: what has to succeed before it reloads, and what reloads it.
    check: tuple[str, ...] = ()
    reload: tuple[str, ...] = ()


@dataclass(frozen=True)
class Status:
    """What systemd says of a unit."""

    load: str = "not-found"
    active: str = "inactive"
    enabled: str = ""
    stale: bool = False
    can_reload: bool = False
    restarts: int = 0
    result: str = ""

    @property
    def is_active(self) -> bool:
        """Whether the unit does its work, also while it reloads."""
        return self.active in {"active", "reloading", "refreshing"}

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to stop."""
        return self.active == "inactive"


@dataclass
class Work:
    """The commands that bring units from their status to what is wanted, each with all its units."""

    enable: list[str] = field(default_factory=list)
    disable: list[str] = field(default_factory=list)
    stop: list[str] = field(default_factory=list)
    start: list[str] = field(default_factory=list)
    restart: list[str] = field(default_factory=list)
    reload: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """What is to be done, for people."""
        return [f"{verb} {unit}" for verb, units in vars(self).items() for unit in units]

    def touched(self) -> set[str]:
        """Units that begin anew or take something up."""
        return {*self.start, *self.restart, *self.reload}


def parse_show(text: str) -> list[Status]:
    """Read the output of ``systemctl show`` for several units, one block each in the order asked."""
    found = []
    for block in text.strip().split("\n\n"):
        row = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        found.append(
            Status(
                load=row.get("LoadState", "not-found"),
                active=row.get("ActiveState", "inactive"),
                enabled=row.get("UnitFileState", ""),
                stale=row.get("NeedDaemonReload") == "yes",
                can_reload=row.get("CanReload") == "yes",
                restarts=int(row.get("NRestarts") or 0),
                result=row.get("Result", ""),
            )
        )
    return found


def _service_of(socket: str) -> str:
    return socket.removesuffix(".socket") + ".service"


def plan(wanted: Iterable[Wanted], status: dict[str, Status], marks: dict[str, _marks.Action | None]) -> Work:
    """What has to be done; pure."""
    work = Work()
    wanted = list(wanted)
    for unit in wanted:
        if unit.started:
            _plan_started(unit, status[unit.name], marks.get(unit.name), work)
        else:
            _plan_stopped(unit, status[unit.name], work)
    # systemd opens a socket only while its service is down, and hands it over when the service starts.
    names = {unit.name for unit in wanted if unit.started}
    for socket in [name for name in [*work.start, *work.restart] if name.endswith(".socket")]:
        service = _service_of(socket)
        if service in names and not status[service].is_quiet:
            for verb in (work.restart, work.reload, work.start):
                if service in verb:
                    verb.remove(service)
            work.stop.append(service)
            work.start.append(service)
    return work


def _plan_started(unit: Wanted, now: Status, mark: _marks.Action | None, work: Work) -> None:
    if unit.enabled and now.enabled not in {"enabled", "static", "alias", "generated"}:
        work.enable.append(unit.name)
    if not unit.enabled and now.enabled == "enabled":
        work.disable.append(unit.name)
    if not now.is_active:
        # A unit that waits to be restarted after a crash must not go on with what it was started with.
        (work.start if now.is_quiet else work.restart).append(unit.name)
    elif mark in {"restart", "stop"} or (mark == "reload" and not now.can_reload):
        work.restart.append(unit.name)
    elif mark == "reload":
        work.reload.append(unit.name)


def _plan_stopped(unit: Wanted, now: Status, work: Work) -> None:
    if now.load == "not-found" and now.is_quiet:
        return
    if now.enabled == "enabled":
        work.disable.append(unit.name)
    if not now.is_quiet:
        work.stop.append(unit.name)


def leaving(wanted: Iterable[Wanted], status: dict[str, Status], marks: dict[str, _marks.Action | None]) -> list[str]:
    """Units to stop before systemd forgets the unit files they run by: only those tell what there is to clean up.

    A socket removes its file when it stops. By a new unit file, or by none, it would leave the old one behind.
    """
    wanted = list(wanted)
    names = {unit.name for unit in wanted}
    found = []
    for unit in wanted:
        moves = unit.name.endswith(".socket") and marks.get(unit.name) in {"restart", "stop"}
        if not status[unit.name].is_quiet and (moves or not unit.started):
            found.append(unit.name)
            if moves and unit.started and _service_of(unit.name) in names:
                found.append(_service_of(unit.name))
    return sockets_first(dict.fromkeys(found))


def sockets_first(names: Iterable[str]) -> list[str]:
    """A socket is stopped before its service, or a request in between would start the service again."""
    return sorted(names, key=lambda name: not name.endswith(".socket"))
