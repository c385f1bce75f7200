# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run one command and note what it took."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testbed.podman import ROOT, BedError

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST = 900
_SHOWN = 40


@dataclass
class Measured:
    """One run: seconds of wall time, seconds of this computer's processors, calls to the machine."""

    seconds: float
    processor: float
    output: str
    calls: int = 0
    changed: bool = False


def measure(command: list[str], *, settings: Mapping[str, str] | None = None, data: str = "") -> Measured:
    """Run a command to its end; a failure ends the benchmark with what the command said."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=kept | dict(settings or {}),
        input=data,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=_LONGEST,
        check=False,
    )
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        end = "\n".join(done.stdout.splitlines()[-_SHOWN:])
        raise BedError(f"{command[0]} failed with status {done.returncode}:\n{end}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(seconds, processor, done.stdout)
