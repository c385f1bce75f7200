# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the test bed speaks to podman."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
STATE: Final = ROOT / ".cache" / "machines"


class BedError(Exception):
    """What keeps the test bed from working here, in one line that says what to do."""


def say(text: str) -> None:
    """Write a line at once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def podman(*arguments: str, data: bytes | None = None, timeout: float = 300) -> subprocess.CompletedProcess[bytes]:
    """Run podman and hand back its result, whatever it is."""
    return execute(["podman", *arguments], data=data, timeout=timeout)


def execute(
    command: Sequence[str], *, data: bytes | None = None, timeout: float = 300
) -> subprocess.CompletedProcess[bytes]:
    """Run a program and hand back its result, whatever it is; one that is missing or does not end is a BedError."""
    try:
        return subprocess.run(
            command,
            input=data,
            capture_output=True,
            timeout=timeout,
            check=False,
            stdin=None if data is not None else subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise BedError(f"{command[0]} is not installed: run script/setup") from None
    except subprocess.TimeoutExpired:
        raise BedError(f"{command[0]} {command[1]} did not end within {timeout:.0f} s") from None


def podman_ok(*arguments: str, data: bytes | None = None, timeout: float = 300) -> str:
    """Run podman and hand back what it printed; a failure is a BedError with its last line."""
    result = podman(*arguments, data=data, timeout=timeout)
    if result.returncode != 0:
        raise BedError(f"podman {arguments[0]}: {last_line(result.stderr)}")
    return result.stdout.decode(errors="replace").strip()


def last_line(output: bytes) -> str:
    """Pick the line that tells what went wrong: the last error, or else the last line."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "e:"))]
    return (errors or lines or ["no output"])[-1]


def is_root() -> bool:
    """Tell whether podman runs with the rights of root."""
    return os.geteuid() == 0
