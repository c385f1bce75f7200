# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What systemd and supervisord say of what they are to keep running. This module is private to the collection."""

from __future__ import annotations

import calendar
import os
import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._host import HostError
from ansible_collections.barehost.web.plugins.module_utils._processes import family, groups, memory, processes
from ansible_collections.barehost.web.plugins.module_utils._programs import programs_of
from ansible_collections.barehost.web.plugins.module_utils._programs_plan import SUFFIX
from ansible_collections.barehost.web.plugins.module_utils._supervisor import Supervisor

_PROPERTIES = (
    "Id",
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "NRestarts",
    "ControlGroup",
    "ActiveEnterTimestamp",
    "LastTriggerUSec",
    "NextElapseUSecRealtime",
    "ExecStart",
)
#: Times are written for people; in this zone and language they can be read.
_PLAIN = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}
_TIME = re.compile(r"\w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
_PHP = re.compile(r"/usr/sbin/php-fpm([\d.]+)")
_BOOTED = Path("/run/systemd/system")


def _systemctl(*words: str) -> str:
    done = subprocess.run(
        ["systemctl", "--no-ask-password", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **_PLAIN},
    )
    if done.returncode:
        raise HostError(f"systemd does not answer: {done.stderr.strip()}")
    return done.stdout


def moment(text: str) -> int | None:
    """Read a time of systemd, in seconds of the epoch; nothing where it says that there is none."""
    found = _TIME.fullmatch(text)
    return calendar.timegm(time.strptime(found[1], "%Y-%m-%d %H:%M:%S")) if found else None


def read(text: str) -> dict[str, Any]:
    """Read what systemctl shows of one unit."""
    row = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    php = _PHP.search(row.get("ExecStart", ""))
    return {
        "load": row.get("LoadState", "not-found"),
        "active": row.get("ActiveState", "inactive"),
        "sub": row.get("SubState", ""),
        "result": row.get("Result", ""),
        "restarts": int(row.get("NRestarts") or 0),
        "since": moment(row.get("ActiveEnterTimestamp", "")),
        "last": moment(row.get("LastTriggerUSec", "")),
        "next": moment(row.get("NextElapseUSecRealtime", "")),
        "php": php[1] if php else "",
        "group": row.get("ControlGroup", ""),
    }


def units(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Give what systemd says of units, and the memory that their processes take; nothing where there is no systemd."""
    names = sorted(names)
    if not names or not _BOOTED.is_dir():
        return {}
    shown = _systemctl("show", f"--property={','.join(_PROPERTIES)}", "--", *names)
    found = {name: read(text) for name, text in zip(names, shown.strip().split("\n\n"), strict=True)}
    every = groups()
    for unit in found.values():
        group = unit.pop("group")
        unit["memory"] = memory(processes(group, every)) if group else 0
    return found


def failed() -> list[str]:
    """Name all units of the host that have failed, whoever's they are."""
    if not _BOOTED.is_dir():
        return []
    lines = _systemctl("list-units", "--failed", "--plain", "--no-legend", "--full").splitlines()
    return [line.split()[0] for line in lines if line.strip()]


def programs(ours: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Give what supervisord says of programs, in the words of systemd, under the names that publish has for them."""
    known = programs_of(Supervisor())
    found = {}
    for name in ours:
        now = known.get(name)
        used = memory(family(now.process)) if now is not None and now.process else 0
        found[f"{name}{SUFFIX}"] = {**in_words_of_systemd(now.state if now else ""), "memory": used}
    return found


def in_words_of_systemd(state: str) -> Mapping[str, Any]:
    """Translate a state of supervisord; an empty one is that of a program which it does not know."""
    active = {"RUNNING": "active", "STARTING": "activating", "FATAL": "failed", "BACKOFF": "failed"}
    return {
        "load": "loaded" if state else "not-found",
        "active": active.get(state, "inactive"),
        "sub": state.lower(),
        "result": state.lower(),
        "restarts": 0,
        "since": None,
        "last": None,
        "next": None,
        "php": "",
    }
