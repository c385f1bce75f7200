# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who holds a lock, and how it is taken from them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._lock import LockedError, holding, lock

HOLD = """import fcntl, sys, time
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Path]:
    """A lock that another process holds."""
    path = tmp_path / "release.lock"
    path.write_text("anna@laptop, process 7, since 2026-01-02T03:04:05Z\n")
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield path
        process.kill()


def test_whoever_waits_is_told_for_whom(held: Path) -> None:
    with (
        pytest.raises(
            LockedError, match=r"Another run \(anna@laptop, process 7, since .*, \d+ seconds ago\) .* or ask\."
        ),
        lock(held, 0, way_out=", or ask"),
    ):
        pass


def test_a_lock_is_broken_when_that_is_said(held: Path) -> None:
    began = time.monotonic()
    with lock(held, 600, owner="bob@desk", breaking=True):
        assert held.read_text().startswith("bob@desk, process ")
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    ("locks", "process"),
    [
        ("", 0),
        ("1: FLOCK  ADVISORY  WRITE 1234 00:2c:5678 0 EOF\n", 1234),
        ("1: POSIX  ADVISORY  WRITE 1234 00:2c:5678 0 EOF\n", 0),
        ("1: FLOCK  ADVISORY  WRITE 1234 00:2c:56789 0 EOF\n2: FLOCK  ADVISORY  WRITE 99 00:2c:5678 0 EOF\n", 99),
        ("1: -> FLOCK  ADVISORY  WRITE 1234 00:2c:5678 0 EOF\n", 0),
        ("1: FLOCK  ADVISORY  WRITE -1 00:2c:5678 0 EOF\n", 0),
    ],
)
def test_the_kernel_knows_who_holds_a_lock(locks: str, process: int) -> None:
    assert holding(locks, 5678) == process
