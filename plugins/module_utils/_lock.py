# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run at a time. This module is private to the collection."""

from __future__ import annotations

import contextlib
import fcntl
import os
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
def lock(path: Path, timeout: float) -> Iterator[None]:
    """Hold the lock file ``path``; wait up to ``timeout`` seconds for another holder, then give up by name.

    The kernel frees the lock of a process that dies, so a killed run blocks nobody; a run whose controller is gone
    ends on the host by itself, and the next one waits for it.
    """
    private_folder(path.parent)
    until = time.monotonic() + timeout
    with path.open("a+", encoding="ascii") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    file.seek(0)
                    raise LockedError(
                        f"Another run ({file.read().strip() or 'just started'}) holds {path} for more than "
                        f"{timeout:g} seconds. Wait for it to end, then run again."
                    ) from None
                time.sleep(_POLL_SECONDS)
        file.truncate(0)
        file.write(f"process {os.getpid()}, since {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}\n")
        file.flush()
        yield


def units_lock(state: Path) -> contextlib.AbstractContextManager[None]:
    """Hold back everybody else who tells units of changes, or makes changes that units are told of.

    Or one run would take the mark that another has just made for its own, tell the unit too early, and forget it.
    """
    return lock(state / "units.lock", _UNITS_SECONDS)
