# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs of supervisord, brought to their state as systemd units are. This module is private to the collection."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _marks
from ansible_collections.barehost.web.plugins.module_utils._programs_plan import (
    SUFFIX,
    Program,
    ProgramWork,
    plan,
    short,
    trouble,
)
from ansible_collections.barehost.web.plugins.module_utils._ready import Waiter
from ansible_collections.barehost.web.plugins.module_utils._supervisor import CONTROL, Supervisor, ensure
from ansible_collections.barehost.web.plugins.module_utils._units_plan import Wanted

#: The unit that runs supervisord where systemd does.
SERVICE = "supervisor.service"
_SOCKETS = "/run/barehost-sockets.sock"
_SECTIONS = Path("/etc/supervisor/conf.d")
#: Where an app has a folder of its own as long as it runs.
_FOLDERS = (Path("/run/gunicorn"), Path("/run/uwsgi"))
_SECONDS = 10
_LOG_LINES = 60
_RELOAD_SECONDS = 120
#: What is wrong with whatever could not be reloaded.
AS_IT_WAS = "it was not reloaded and goes on as it was"


def programs_of(supervisor: Supervisor) -> dict[str, Program]:
    """Give what supervisord runs; nothing where there is none."""
    if not CONTROL.exists() or not supervisor.answers():
        return {}
    return {
        name: Program(process["statename"], process["pid"], process["stderr_logfile"])
        for name, process in supervisor.processes().items()
    }


def published(state: Path) -> set[str]:
    """Give the programs whose sections the collection has published."""
    try:
        manifest = json.loads((state / "published" / "supervisor.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return set()
    return {Path(path).stem for path in manifest if Path(path).parent == _SECTIONS}


def end(wanted: Sequence[Wanted], *, check: bool, state: Path) -> list[str]:
    """Stop programs that are not wanted, before somebody else takes their sockets."""
    supervisor = Supervisor()
    marks = {one.name: _marks.read_mark(one.name, state) for one in wanted}
    if not wanted or (not any(marks.values()) and not CONTROL.exists()):
        return []
    work = plan(wanted, programs_of(supervisor), marks, published(state))
    if check:
        return work.sentences()
    # While their keeper runs, which may be one of those that stop.
    for one in wanted:
        if marks[one.name] or short(one.name) in work.stop:
            _close_socket(short(one.name))
    if work.stop:
        ended = {name: process for name, process in supervisor.processes().items() if marks.get(f"{name}{SUFFIX}")}
        supervisor.stop(work.stop)
        for name in work.stop:
            supervisor.drop(name)
            if name in ended:
                _remove_traces(name, ended[name])
    for one in wanted:
        _marks.clear_mark(one.name, state)
    return work.sentences()


def start(wanted: Sequence[Wanted], *, managed: bool, check: bool, state: Path) -> tuple[list[str], list[str]]:
    """Bring programs up that are wanted; gives what was done, and what went wrong.

    :param managed: whether systemd runs supervisord.
    """
    if not wanted:
        return [], []
    supervisor = Supervisor()
    marks = {one.name: _marks.read_mark(one.name, state) for one in wanted}
    begun: list[str] = []
    if not managed and _marks.read_mark(SERVICE, state) and CONTROL.exists() and supervisor.answers():
        begun = ["restart supervisord"]
        if not check:
            supervisor.restart()
    if not check:
        ensure(supervisor, managed=managed)
        if not managed:
            _marks.clear_mark(SERVICE, state)
    work = plan(wanted, programs_of(supervisor), marks, set())
    done = begun + work.sentences()
    if check or not (work.any() or any(marks.values())):
        return done, []
    by_name = {short(one.name): one for one in wanted}
    before = {name: _size(now.log) for name, now in programs_of(supervisor).items()}
    complaints = _do(supervisor, work, by_name)
    asked = [one for one in wanted if marks[one.name] or short(one.name) in {*work.start, *work.restart}]
    problems = complaints | _problems(supervisor, [one for one in asked if one.name not in complaints], before)
    for one in asked:
        if one.name not in problems:
            _marks.clear_mark(one.name, state)
    return done, list(problems.values())


def _do(supervisor: Supervisor, work: ProgramWork, wanted: Mapping[str, Wanted]) -> dict[str, str]:
    """Carry the work out, as ``supervisorctl reread`` and ``update`` would but for these programs only."""
    _, changed = supervisor.reread() if work.start or work.restart else (set(), set())
    known = supervisor.processes()
    supervisor.stop(work.restart)
    for name in {*work.start, *work.restart} & changed:
        supervisor.drop(name)
    for name in [*work.start, *work.restart]:
        if name in known and name not in changed:
            supervisor.start(name)
        else:
            supervisor.add(name)
    return {wanted[name].name: text for name in work.reload if (text := _reload(wanted[name], known[name]["pid"]))}


def _reload(one: Wanted, process: int) -> str:
    """Have a program take up what has changed if that can work; gives what is wrong."""
    for command in filter(None, (one.check, one.reload)):
        try:
            told = subprocess.run(
                command,
                env={**os.environ, "MAINPID": str(process)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=_RELOAD_SECONDS,
                check=False,
                cwd="/",
            )
        except subprocess.TimeoutExpired:
            return _explain(one, f"its reload took more than {_RELOAD_SECONDS} seconds", "")
        if told.returncode:
            return _explain(one, AS_IT_WAS, told.stdout)
    return ""


def _problems(supervisor: Supervisor, wanted: Sequence[Wanted], before: Mapping[str, int]) -> dict[str, str]:
    """Wait until programs answer; gives those that do not, with the reason and their log."""
    waiter = Waiter({one.name: one.probe for one in wanted if one.probe})
    seen: dict[str, set[int]] = {one.name: set() for one in wanted}
    reasons: dict[str, str] = {}
    while True:
        programs = programs_of(supervisor)
        for one in wanted:
            now = programs.get(short(one.name))
            if now is not None and now.process:
                seen[one.name].add(now.process)
            reason = trouble(seen[one.name], now)
            if reason and one.name not in reasons:
                reasons[one.name] = reason
                waiter.give_up(one.name)
        reasons.update(waiter.failures())
        if not waiter.wait():
            break
    reasons.update(waiter.failures())
    logs = {short(one.name): _log(programs, short(one.name), before) for one in wanted if one.name in reasons}
    return {one.name: _explain(one, reasons[one.name], logs[short(one.name)]) for one in wanted if one.name in reasons}


def _log(programs: Mapping[str, Program], name: str, before: Mapping[str, int]) -> str:
    """Read what a program has written out since."""
    log = programs[name].log if name in programs else ""
    try:
        with Path(log).open(encoding="utf-8", errors="replace") as file:
            start = before.get(name, 0)
            # A log that has been rotated in the meantime is read from its beginning.
            file.seek(start if start <= _size(log) else 0)
            return file.read()
    except OSError:
        return ""


def _size(log: str) -> int:
    try:
        return Path(log).stat().st_size
    except OSError:
        return 0


def _explain(one: Wanted, reason: str, log: str) -> str:
    entry = f"entry '{one.entry}': " if one.entry else ""
    # Python underlines what it complains about; that says nothing here and would push out lines that do.
    said = [line for line in log.splitlines() if line.strip(" ~^")][-_LOG_LINES:]
    lines = "\n".join(f"  | {line}" for line in said) or "  (it logged nothing)"
    return (
        f"{entry}{one.name} does not come up: {reason}. Its last log lines:\n{lines}\n"
        "Repair the cause and run again; the program will be tried again then."
    )


def _remove_traces(name: str, process: Mapping[str, Any]) -> None:
    """Remove what a program has left that is gone for good: folders, and what it wrote out, also what was put aside."""
    for folder in _FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for log in (Path(process[f"{kind}_logfile"]) for kind in ("stdout", "stderr")):
        for file in log.parent.glob(f"{glob.escape(log.name)}*") if log.name else ():
            file.unlink(missing_ok=True)


def _close_socket(name: str) -> None:
    """Have the socket closed that is kept open while a program restarts."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as keeper:
        keeper.settimeout(_SECONDS)
        keeper.connect(_SOCKETS)
        keeper.sendall(json.dumps({"name": name, "address": ""}).encode())
        keeper.recv(1)
