# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One app under load: how soon it answers, how much, how fast, in how much memory. Private to the collection."""

from __future__ import annotations

import http.client
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._host import HostError
from ansible_collections.barehost.web.plugins.module_utils._processes import groups, memory, processes

_PERCENTILES = ("50", "90", "99")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_LATENCY = re.compile(r"^ +([\d.]+)% +([\d.]+)(us|ms|s|m|h)$", re.MULTILINE)
_RATE = re.compile(r"^Requests/sec: +([\d.]+)$", re.MULTILINE)
_BAD_STATUS = re.compile(r"^ +Non-2xx or 3xx responses: (\d+)$", re.MULTILINE)
_BROKEN = re.compile(r"^ +Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)$", re.MULTILINE)
_BROKEN_KINDS = ("not accepted", "broken off while reading", "broken off while writing", "without an answer in time")
_PAUSE = 0.005
_ANSWER_SECONDS = 10
_WARM_UP_SECONDS = 1


class FaultError(Exception):
    """Why a round of one server does not count."""


@dataclass(frozen=True)
class Load:
    """What ``wrk`` has seen: answers a second, and percentiles of the time that an answer took, in seconds."""

    requests: float
    latency: Mapping[str, float]


@dataclass(frozen=True)
class Target:
    """An app as clients reach it: through the web server at a port of this host."""

    unit: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The address for ``wrk``."""
        return f"http://127.0.0.1:{self.port}{self.path}"


def parse_load(text: str) -> Load:
    """Read the output of ``wrk --latency``; answers that are none make the round worthless, and are named."""
    rate = _RATE.search(text)
    latency = {percent: float(number) * _SECONDS[unit] for percent, number, unit in _LATENCY.findall(text)}
    if rate is None or not set(_PERCENTILES) <= set(latency):
        last = (text.strip().splitlines() or ["nothing"])[-1]
        raise FaultError(f"wrk did not tell what it has measured, it said: {last}")
    faults = []
    if (bad := _BAD_STATUS.search(text)) is not None:
        faults.append(f"{bad[1]} answers had another status than 2xx or 3xx")
    if (broken := _BROKEN.search(text)) is not None:
        counted = zip(broken.groups(), _BROKEN_KINDS, strict=True)
        faults += [f"{number} connections were {kind}" for number, kind in counted if number != "0"]
    if not float(rate[1]):
        faults.append("there was no answer at all")
    if faults:
        raise FaultError("; ".join(faults))
    return Load(float(rate[1]), {percent: latency[percent] for percent in _PERCENTILES})


def memory_of(unit: str) -> int:
    """Give the memory of all processes of a unit."""
    group = _run("systemctl", "show", "--property=ControlGroup", "--value", unit).strip()
    found = memory(processes(group, groups())) if group else 0
    if not found:
        raise FaultError(f"{unit} has no process whose memory can be read")
    return found


def _status(target: Target) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", target.path, headers={"Host": target.host, "Connection": "close"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error) or type(error).__name__
    finally:
        connection.close()
    return answer.status, f"status {answer.status}"


def start(target: Target, limit: float) -> float:
    """Start the unit anew; give the seconds from the start to the first good answer that a client gets."""
    _run("systemctl", "stop", target.unit)
    began = time.monotonic()
    _run("systemctl", "start", "--no-block", target.unit)
    while True:
        status, said = _status(target)
        seconds = time.monotonic() - began
        if http.client.OK <= status < http.client.MULTIPLE_CHOICES:
            return seconds
        if http.client.OK <= status < http.client.INTERNAL_SERVER_ERROR:
            raise FaultError(f"GET {target.path} answers {said}")
        if seconds > limit:
            raise FaultError(f"GET {target.path} has no good answer {limit:g} seconds after the start, but {said}")
        time.sleep(_PAUSE)


def load(target: Target, *, connections: int, threads: int, seconds: int) -> Load:
    """Have ``wrk`` ask as fast as it gets answers."""
    command = ["wrk", f"--threads={threads}", f"--connections={connections}", f"--duration={seconds}s"]
    timeout = f"--timeout={_ANSWER_SECONDS}s"
    return parse_load(_run(*command, timeout, "--latency", "--header", f"Host: {target.host}", target.url))


def measure(target: Target, *, connections: int, threads: int, seconds: int, limit: float) -> dict[str, Any]:
    """Measure one app once. A round that does not count has a ``fault`` and no figures."""
    try:
        began = start(target, limit)
        load(target, connections=connections, threads=threads, seconds=_WARM_UP_SECONDS)
        found = load(target, connections=connections, threads=threads, seconds=seconds)
        used = memory_of(target.unit)
    except FaultError as fault:
        return {"fault": str(fault)}
    return {"start": began, "requests": found.requests, "latency": dict(found.latency), "memory": used}


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    except FileNotFoundError as error:
        raise HostError(f"{command[0]} is not on this host: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise FaultError(f"{' '.join(command[:2])} failed: {said[-1] if said else f'status {done.returncode}'}")
    return done.stdout
