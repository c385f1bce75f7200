# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remove a machine when the `molecule test` it was made for ends, even by Ctrl-C, after which molecule leaves it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

from testbed import machines
from testbed.podman import ROOT


def set_up(name: str) -> None:
    """Start a process that waits for the end of the run; a machine that is to be kept gets none."""
    process = run_of_molecule(os.getppid())
    if process is None:
        return
    subprocess.Popen(
        [sys.executable, "-m", "testbed.guard", name, str(process)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def run_of_molecule(process: int) -> int | None:
    """Find the `molecule test` among the ancestors of a process, unless it was told to keep its machines."""
    while process > 1:
        words = Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
        if any(Path(word).name == "molecule" for word in words[:2]) and "test" in words:
            return None if "never" in words or "--destroy=never" in words else process
        # The name in brackets may have spaces of its own; state and parent follow it.
        process = int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    return None


def wait_and_remove(name: str, process: int) -> None:
    """Sleep until the process has ended, and remove what it left."""
    select.select([os.pidfd_open(process)], [], [])
    machines.down([name])


if __name__ == "__main__":
    wait_and_remove(sys.argv[1], int(sys.argv[2]))
