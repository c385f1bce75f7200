# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The processes of a unit, and the memory they take. This module is private to the collection.

Memory is the proportional set size. The control group's own count has the files that its processes have read, too, is
not there in every container, and says nothing of the single programs of supervisord.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

PROC = Path("/proc")
_KIBI = 1024


def parse_pss(text: str) -> int:
    """Read the proportional set size, in bytes, from a process's ``smaps_rollup``."""
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * _KIBI
    return 0


def in_group(text: str, group: str) -> bool:
    """Tell whether a process whose ``/proc/<pid>/cgroup`` this is belongs to a control group, or to one below it."""
    paths = (line.split(":", 2)[-1] for line in text.splitlines())
    return any(f"{path}/".endswith(f"{group}/") or f"{group}/" in path for path in paths)


def groups(proc: Path = PROC) -> dict[Path, str]:
    """Read what control groups every process of the host is in."""
    found = {}
    for folder in proc.iterdir():
        if folder.name.isdigit():
            try:
                found[folder] = (folder / "cgroup").read_text(encoding="utf-8")
            except OSError:
                continue  # It has ended meanwhile.
    return found


def processes(group: str, every: Mapping[Path, str]) -> list[Path]:
    """Find the processes of a control group, in either version of them."""
    return [folder for folder, text in every.items() if in_group(text, group)]


def family(process: int, proc: Path = PROC) -> list[Path]:
    """Find a process, its children, and theirs."""
    found, waiting = [], [process]
    while waiting:
        folder = proc / str(waiting.pop())
        found.append(folder)
        for task in folder.glob("task/*/children"):
            try:
                waiting += map(int, task.read_text(encoding="ascii").split())
            except OSError:
                continue  # It has ended meanwhile.
    return found


def memory(folders: Iterable[Path]) -> int:
    """Give the memory of processes in bytes; what they share with others is counted by its part."""
    total = 0
    for folder in folders:
        try:
            total += parse_pss((folder / "smaps_rollup").read_text(encoding="ascii"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total
