# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to be done to programs of supervisord; pure. This module is private to the collection."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.barehost.web.plugins.module_utils import _marks
from ansible_collections.barehost.web.plugins.module_utils._units_plan import Wanted

SUFFIX = ".program"
_UP = frozenset({"STARTING", "RUNNING"})
_GIVEN_UP = frozenset({"BACKOFF", "FATAL"})
#: One end by accident is made good by supervisord; what ends again and again is broken.
_MOST_PROCESSES = 2


@dataclass(frozen=True)
class Program:
    """What supervisord says of a program that it knows."""

    state: str
    process: int = 0
    log: str = ""

    @property
    def is_up(self) -> bool:
        """Whether it runs, or is about to."""
        return self.state in _UP


@dataclass
class ProgramWork:
    """What brings programs from their status to what is wanted, in the order in which it is done."""

    stop: list[str] = field(default_factory=list)
    start: list[str] = field(default_factory=list)
    restart: list[str] = field(default_factory=list)
    reload: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """Tell what is to be done, for people."""
        return [f"{verb} {name}{SUFFIX}" for verb, names in vars(self).items() for name in names]

    def any(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.sentences())


def is_program(name: str) -> bool:
    """Tell programs of supervisord from units of systemd, by the name."""
    return name.endswith(SUFFIX)


def short(name: str) -> str:
    """Give the name by which supervisord knows a program."""
    return name.removesuffix(SUFFIX)


def plan(
    wanted: Iterable[Wanted],
    programs: Mapping[str, Program],
    marks: Mapping[str, _marks.Action | None],
    ours: Collection[str],
) -> ProgramWork:
    """Tell what has to be done; pure.

    :param programs: what supervisord runs, by its names.
    :param marks: what is noted for each of the wanted ones.
    :param ours: programs that the collection has published: nobody else's is ever stopped.
    """
    work = ProgramWork()
    for one in wanted:
        name, mark = short(one.name), marks.get(one.name)
        now = programs.get(name)
        if not one.started:
            if now is not None and (mark == "stop" or name in ours):
                work.stop.append(name)
        elif now is None or now.state in {"STOPPED", "EXITED"}:
            work.start.append(name)
        elif not now.is_up or mark in {"restart", "stop"}:
            # One that supervisord has nearly given up starts at once, by what it is now.
            work.restart.append(name)
        elif mark == "reload":
            work.reload.append(name)
    return work


def trouble(seen: Collection[int], now: Program | None) -> str:
    """Tell why a program that was started does not come up; empty while it may.

    :param seen: the processes it has had since it was started.
    """
    if now is None:
        return "supervisord does not know it"
    if now.state in _GIVEN_UP or len(seen) > _MOST_PROCESSES:
        return "it ends as soon as it is started"
    if now.state == "STOPPED":
        return "it has stopped"
    return ""
