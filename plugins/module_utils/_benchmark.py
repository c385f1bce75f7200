# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's part of a benchmark; see modules/benchmark.py. This module is private to the collection."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _benchmark_host, _benchmark_load
from ansible_collections.barehost.web.plugins.module_utils._host import Answer
from ansible_collections.barehost.web.plugins.module_utils._packages import installed, supported_codename
from ansible_collections.barehost.web.plugins.module_utils._versions import server_version

_LOAD_THREADS = 2


def size() -> dict[str, Any]:
    """Tell what kind of machine this is."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    memory = {name: int(rest.split()[0]) * 1024 for name, rest in (line.split(":", 1) for line in lines)}
    processor = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": processor[0] if processor else platform.machine(),
        "memory": memory["MemTotal"],
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def begin(_options: Mapping[str, Any]) -> Answer:
    """Tell what the host is like, and whether a benchmark was killed on it."""
    supported_codename()
    unfinished = _benchmark_host.unfinished()
    notes = ["An earlier benchmark was cut off. What it has left on the host is removed first."] if unfinished else []
    entries = _benchmark_host.entries()
    return Answer({"changed": False, "entries": entries, "unfinished": unfinished, "size": size()}, notes)


def note(options: Mapping[str, Any]) -> Answer:
    """Note what the host is like, for the end."""
    _benchmark_host.remember(_benchmark_host.Places(tuple(options["servers"])))
    return Answer({"changed": False})


def measure(options: Mapping[str, Any]) -> Answer:
    """Measure every server once, each time beginning with another one."""
    apps = options["apps"]
    turn = options["round"] % len(apps)
    results = []
    for app in [*apps[turn:], *apps[:turn]]:
        target = _benchmark_load.Target(
            f"{app['server']}@{app['name']}.service", options["host"], options["port"], app["path"]
        )
        found = _benchmark_load.measure(
            target,
            connections=options["connections"],
            threads=min(_LOAD_THREADS, options["connections"]),
            seconds=options["seconds"],
            limit=options["start_timeout"],
        )
        results.append({"server": app["server"], "round": options["round"] + 1, **found})
    versions = {app["server"]: server_version(app["server"], app["name"]) for app in apps}
    versions["nginx"] = installed(["nginx"]).get("nginx", "")
    faults = [f"round {one['round']}, {one['server']}: {one['fault']}" for one in results if "fault" in one]
    load = os.getloadavg()[0]
    return Answer({"changed": False, "results": results, "versions": versions, "load": load}, faults)


def end(_options: Mapping[str, Any]) -> Answer:
    """Bring the host back to what it was."""
    return Answer({"changed": False}, _benchmark_host.restore())


_STEPS: Mapping[str, Callable[[Mapping[str, Any]], Answer]] = {
    "begin": begin,
    "note": note,
    "measure": measure,
    "end": end,
}


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.benchmark; nothing is measured by looking only."""
    if check:
        return Answer({"changed": False})
    return _STEPS[options["step"]](options)
