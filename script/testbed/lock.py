# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Locks between processes: scenarios run side by side."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from testbed.podman import STATE

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Let one process at a time do the work called name: scenarios run side by side."""
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
