# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run at a time. This module is private to the collection."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils._host import HostError
from ansible_collections.barehost.web.plugins.module_utils._marks import private_folder

_POLL_SECONDS = 0.2
_UNITS_SECONDS = 600


class LockedError(HostError):
    """Another run does the same and does not come to an end."""


@contextlib.contextmanager
def lock(path: Path, timeout: float, *, owner: str = "", breaking: bool = False, way_out: str = "") -> Iterator[None]:
    """Hold the lock file ``path``; wait up to ``timeout`` seconds for another holder, then give up by name.

    :param owner: who wants it, for whoever has to wait.
    :param breaking: do not wait, but end the process that holds it.
    :param way_out: how to say so.

    The kernel frees the lock of a process that dies, so a killed run blocks nobody; a run whose controller is gone
    ends on the host by itself, and the next one waits for it.
    """
    private_folder(path.parent)
    until = time.monotonic() + timeout
    with path.open("a+", encoding="utf-8") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if breaking:
                    _end_holder(path)
                if time.monotonic() >= until:
                    raise LockedError(
                        f"Another run ({_holder(path)}) holds {path}, and did for the {timeout:g} seconds that "
                        f"this one has waited. Wait for it to end, then run again{way_out}."
                    ) from None
                time.sleep(_POLL_SECONDS)
        file.truncate(0)
        by = f"{owner}, " if owner else ""
        file.write(f"{by}process {os.getpid()}, since {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}\n")
        file.flush()
        yield


def _holder(path: Path) -> str:
    """Who holds a lock file, and for how long."""
    text = path.read_text(encoding="utf-8").strip()
    if not text:
        return "just started"
    return f"{text}, {max(0, round(time.time() - path.stat().st_mtime))} seconds ago"


def _end_holder(path: Path) -> None:
    """End the process that holds a lock file, as the kernel knows it. What it has begun, the next run repairs."""
    process = holding(Path("/proc/locks").read_text(encoding="ascii"), path.stat().st_ino)
    if process:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def holding(locks: str, inode: int) -> int:
    """Find the process that holds the lock of a file in the text of /proc/locks; 0 if nobody of this host does.

    >>> holding("1: FLOCK  ADVISORY  WRITE 1234 00:2c:5678 0 EOF", 5678)
    1234
    """
    for line in locks.splitlines():
        words = line.split()
        if words[1:2] == ["FLOCK"] and words[5].rpartition(":")[2] == str(inode):
            return max(int(words[4]), 0)
    return 0


def units_lock(state: Path) -> contextlib.AbstractContextManager[None]:
    """Hold back everybody else who tells units of changes, or makes changes that units are told of.

    Or one run would take the mark that another has just made for its own, tell the unit too early, and forget it.
    """
    return lock(state / "units.lock", _UNITS_SECONDS)
