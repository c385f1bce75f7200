# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Units of many entries in one go; see modules/units.py. This module is private to the collection."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _marks, _programs
from ansible_collections.barehost.web.plugins.module_utils._host import Answer, HostError
from ansible_collections.barehost.web.plugins.module_utils._lock import units_lock
from ansible_collections.barehost.web.plugins.module_utils._programs_plan import is_program
from ansible_collections.barehost.web.plugins.module_utils._ready import Probe, Waiter
from ansible_collections.barehost.web.plugins.module_utils._units_plan import (
    Status,
    Wanted,
    Work,
    leaving,
    parse_show,
    plan,
    sockets_first,
)

_PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload,CanReload,NRestarts,Result"
# Two tracebacks: that of an app that cannot be loaded is often followed by one of its server.
_LOG_LINES = 60
_BOOTED = Path("/run/systemd/system")
#: Where systemd remembers when a timer that is persistent has last gone off.
_STAMPS = Path("/var/lib/systemd/timers")
_LOOK_EVERY = 0.5
_LOOPS = "it ends as soon as it is started"


class UnitError(HostError):
    """Which units are not what they should be, and what they said."""


def _systemctl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemctl", "--no-ask-password", *arguments], capture_output=True, text=True, check=False)


def show(names: Sequence[str]) -> dict[str, Status]:
    """The status of every unit of ``names``, by one call."""
    if not names:
        return {}
    done = _systemctl("show", f"--property={_PROPERTIES}", "--", *names)
    if done.returncode:
        raise UnitError(f"systemd does not answer: {done.stderr.strip()}")
    return dict(zip(names, parse_show(done.stdout), strict=True))


def _do(work: Work) -> dict[str, str]:
    """Carry the work out; returns what systemd complained about, by unit."""
    complaints: dict[str, str] = {}
    services = [name for name in work.start if not name.endswith(".socket")]
    sockets = [name for name in work.start if name.endswith(".socket")]
    restart_sockets = [name for name in work.restart if name.endswith(".socket")]
    restart_services = [name for name in work.restart if not name.endswith(".socket")]
    for verb, units in (
        ("enable", work.enable),
        ("disable", work.disable),
        ("stop", sockets_first(work.stop)),
        ("restart", restart_sockets),
        ("start", sockets),
        ("start", services),
        ("restart", restart_services),
        ("reload", work.reload),
    ):
        if units:
            # Not quietly: it would not say which of them failed.
            done = _systemctl(verb, "--", *units)
            if done.returncode:
                complaints.update(complaints_of(verb, units, done.stderr.splitlines()))
    failed = [name for name in work.stop if name not in work.start]
    if failed:
        _systemctl("--quiet", "reset-failed", "--", *failed)
    return complaints


def complaints_of(verb: str, units: Sequence[str], said: Sequence[str]) -> dict[str, str]:
    """What ``systemctl`` said of each unit, its first line; of all of them when it named none."""
    found: dict[str, str] = {}
    for line in said:
        words = {word.strip('".,:;') for word in line.split()}
        for unit in words.intersection(units):
            found.setdefault(unit, line)
    lines = found or dict.fromkeys(units, " ".join(said))
    return {unit: _complaint(verb, line) for unit, line in lines.items()}


def _complaint(verb: str, line: str) -> str:
    if verb == "reload" and line.startswith("Job for "):
        return _programs.AS_IT_WAS
    return f"systemctl {verb}: {line}"


def last_lines(unit: str, since: float, *, ended: bool = False) -> list[str]:
    """What ``unit`` logged since the moment ``since`` (seconds of the epoch), its last lines.

    :param ended: leave out the beginning of a try that is not over: its reason has not been logged yet.
    """
    subprocess.run(["journalctl", "--sync"], capture_output=True, check=False)
    done = subprocess.run(
        [
            *("journalctl", "--no-pager", "--quiet", "--output=cat"),
            *(f"--lines={5 * _LOG_LINES}", f"--since=@{since:.6f}", f"--unit={unit}"),
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    # Python underlines what it complains about; that says nothing here and would push out lines that do.
    lines = [line for line in done.stdout.splitlines() if line.strip(" ~^")]
    ends = [number for number, line in enumerate(lines, 1) if ended and "Main process exited" in line]
    return lines[: ends[-1] if ends else None][-_LOG_LINES:]


def bring(wanted: Sequence[Wanted], *, check: bool = False, state: Path = _marks.STATE) -> list[str]:
    """Bring all units to what is wanted, in one go; stop those that are marked so and that nobody wants.

    :param check: only tell what would be done.
    :returns: what was done, a sentence each; empty when everything was as wanted.
    :raises UnitError: units that are not as wanted afterwards, with what they logged.
    :raises LockedError: another run is at it and does not come to an end.
    """
    with contextlib.nullcontext() if check else units_lock(state):
        return _bring(wanted, check=check, state=state)


def _bring(wanted: Sequence[Wanted], *, check: bool, state: Path) -> list[str]:
    spoken = {unit.name for unit in wanted}
    ended = [Wanted(name, started=False, enabled=False) for name in _marks.units_to_stop(state) if name not in spoken]
    programs = [unit for unit in [*wanted, *ended] if is_program(unit.name)]
    units = [unit for unit in [*wanted, *ended] if not is_program(unit.name)]
    managed = _BOOTED.is_dir()
    done = _programs.end([one for one in programs if not one.started], check=check, state=state)
    done += _bring_units(units, check=check, state=state) if managed else _without_systemd(units, check=check)
    begun, problems = _programs.start(
        [one for one in programs if one.started], managed=managed, check=check, state=state
    )
    if problems:
        raise UnitError("\n\n".join(problems))
    return done + begun


def _without_systemd(wanted: Sequence[Wanted], *, check: bool) -> list[str]:
    """Say that units cannot be had where systemd is not the first process; supervisord needs none."""
    units = [unit.name for unit in wanted if unit.started and unit.name != _programs.SERVICE]
    if units and not check:
        raise UnitError(
            f"This host does not run systemd, which {', '.join(units)} takes. "
            "Give the apps manager: supervisor, or boot the host with systemd."
        )
    return []


def _bring_units(wanted: Sequence[Wanted], *, check: bool, state: Path) -> list[str]:
    names = [unit.name for unit in wanted]
    marks = {name: _marks.read_mark(name, state) for name in names}
    status = show(names)
    reloaded = any(now.stale for now in status.values()) or _marks.read_mark(_marks.SYSTEMD, state) is not None
    stopped: list[str] = []
    if reloaded and not check:
        stopped = leaving(wanted, status, marks)
        if stopped:
            _systemctl("--quiet", "stop", "--", *stopped)
        _systemctl("daemon-reload")
        _marks.clear_mark(_marks.SYSTEMD, state)
        status = show(names)
    work = plan(wanted, status, marks)
    done = [f"stop {name}" for name in stopped] + (["daemon-reload"] if reloaded else []) + work.sentences()
    if check:
        return done
    since = time.time()
    complaints = _do(work)
    touched = work.touched() | {name for name, mark in marks.items() if mark}
    problems = _problems([unit for unit in wanted if unit.started and unit.name in touched], since, complaints)
    bad = {*complaints, *(name for name, _text in problems)}
    for unit in wanted:
        if marks[unit.name] and unit.name not in bad:
            if not unit.started and unit.name.endswith(".timer"):
                # One of the same name would take what was due in between for missed.
                (_STAMPS / f"stamp-{unit.name}").unlink(missing_ok=True)
            _marks.clear_mark(unit.name, state)
    if problems or complaints:
        raise UnitError("\n\n".join([text for _name, text in problems] or dict.fromkeys(complaints.values())))
    return done


def _problems(units: Sequence[Wanted], since: float, complaints: Mapping[str, str]) -> list[tuple[str, str]]:
    """Wait until the units answer; those that do not, with the reason and their log.

    One that systemd complains about is not asked: what answers may be what ran there before.
    """
    waiter = Waiter({unit.name: unit.probe for unit in units if unit.probe and unit.name not in complaints})
    begin = time.monotonic()
    restarts = {name: now.restarts for name, now in show([unit.name for unit in units]).items()}
    reasons = {unit.name: complaints[unit.name] for unit in units if unit.name in complaints}
    while True:
        status = show([unit.name for unit in units])
        for unit in units:
            reason = _judge(status[unit.name], restarts[unit.name], steady=unit.steady > 0)
            if reasons.get(unit.name) == _programs.AS_IT_WAS and not status[unit.name].is_active:
                reasons[unit.name] = "its reload has failed and ended it"
            if reason and unit.name not in reasons:
                reasons[unit.name] = reason
                waiter.give_up(unit.name)
        reasons.update(waiter.failures())
        if not waiter.wait():
            # What has not come up by now need not be watched any longer.
            longest = max((unit.steady for unit in units if unit.name not in reasons), default=0)
            if time.monotonic() - begin >= longest:
                break
            time.sleep(_LOOK_EVERY)
    reasons.update(waiter.failures())
    return _explained([unit for unit in units if unit.name in reasons], reasons, since)


def _explained(units: Sequence[Wanted], reasons: Mapping[str, str], since: float) -> list[tuple[str, str]]:
    """Explain each unit; of processes that run the same command and end alike, the log of one says it for all."""
    said: set[tuple[str, str]] = set()
    found = []
    for unit in units:
        reason = reasons[unit.name]
        same = (unit.name.partition("@")[0] if unit.steady else unit.name, reason)
        text = f"{unit.name} does not come up either: {reason}." if same in said else _explain(unit, reason, since)
        said.add(same)
        found.append((unit.name, text))
    return found


def _judge(now: Status, restarts: int, *, steady: bool) -> str:
    if now.active == "failed":
        return f"it has failed ({now.result})"
    # A server may try a second time before it answers; of what is asked nothing, the first end is one too many.
    if now.restarts > restarts + (not steady) or (steady and now.active == "activating"):
        return f"{_LOOPS} ({now.result})"
    if now.active == "inactive":
        return "it has stopped"
    return ""


def _explain(unit: Wanted, reason: str, since: float) -> str:
    entry = f"entry '{unit.entry}': " if unit.entry else ""
    log = last_lines(unit.name, since, ended=reason.startswith(_LOOPS))
    lines = "\n".join(f"  | {line}" for line in log) or "  (it logged nothing)"
    return (
        f"{entry}{unit.name} does not come up: {reason}. Its last log lines:\n{lines}\n"
        "Repair the cause and run again; the unit will be tried again then."
    )


def _wanted(unit: Mapping[str, Any]) -> Wanted:
    started = unit["state"] == "started"
    return Wanted(
        name=unit["name"],
        started=started,
        enabled=unit["enabled"] and started,
        entry=unit["entry"],
        probe=Probe(**unit["ready"]) if unit["ready"] else None,
        steady=unit["steady"],
        check=tuple(unit["check"]),
        reload=tuple(unit["reload"]),
    )


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.units."""
    actions = bring([_wanted(unit) for unit in options["units"]], check=check)
    diff = {"prepared": "".join(f"{action}\n" for action in actions)}
    return Answer({"changed": bool(actions), "actions": actions, "diff": diff})
