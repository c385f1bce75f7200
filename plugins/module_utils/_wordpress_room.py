# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a host has room for what is wanted, decided before anything is changed. Private to the collection."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_MIB = 1 << 20
#: What a first installation takes of memory: PHP, a database and WordPress's own installation.
MEMORY = 256 * _MIB
#: What code that is unpacked, packages and a new database take of a disk.
DISK = 500 * _MIB
#: Where code is unpacked, and where databases live.
PLACES = ("/srv", "/var/lib/mysql")
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Need:
    """What an installation wants of a host."""

    name: str
    memory_limit: str
    #: Whether it is installed for the first time.
    fresh: bool = False
    #: Whether code is unpacked for it.
    unpacks: bool = False


@dataclass(frozen=True)
class Room:
    """What a host has, in bytes."""

    memory: int
    available: int
    #: Free space by folder.
    free: Mapping[str, int] = field(default_factory=dict)


def shortages(needs: Iterable[Need], room: Room) -> list[str]:
    """Give what is not enough, one sentence each."""
    needs = list(needs)
    found = [
        f"WordPress '{need.name}': memory_limit: a request may take {need.memory_limit}, and this host has "
        f"{_mib(room.memory)} of memory; lower memory_limit, or give the host more"
        for need in needs
        if size(need.memory_limit) > room.memory
    ]
    fresh = [need.name for need in needs if need.fresh]
    if fresh and room.available < MEMORY:
        found.append(
            f"WordPress '{fresh[0]}': a first installation takes {_mib(MEMORY)} of memory, and "
            f"{_mib(room.available)} are free; end what needs it on this host, or give the host more"
        )
    growing = [need.name for need in needs if need.fresh or need.unpacks]
    for folder, free in room.free.items() if growing else ():
        if free < DISK:
            found.append(
                f"WordPress '{growing[0]}': {folder}: {_mib(DISK)} of disk are to be free, and {_mib(free)} are; "
                "remove what is not needed there, or give it more"
            )
    return found


def size(text: str) -> int:
    """Read a size in PHP's notation; a share of the memory is never too much."""
    number, unit = text.rstrip("KMGT"), text.lstrip("0123456789")
    return int(number) * _UNITS.get(unit, 0) if number.isdigit() else 0


def _mib(size: int) -> str:
    return f"{size // _MIB} MiB"


def measure() -> Room:
    """Look at this host, or at what it may have where it is a container."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    known = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
    memory, available = known["MemTotal"], known["MemAvailable"]
    most = _number(_CGROUP / "memory.max")
    if most is not None and most < memory:
        memory, available = most, min(available, max(most - _used(), 0))
    return Room(memory, available, {place: shutil.disk_usage(_there(Path(place))).free for place in PLACES})


def _used() -> int:
    """Give the memory that a container has taken, without copies of files that it can do without."""
    try:
        lines = (_CGROUP / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        lines = []
    known = {name: int(number) for name, _, number in (line.partition(" ") for line in lines)}
    return (_number(_CGROUP / "memory.current") or 0) - known.get("inactive_file", 0)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _there(path: Path) -> Path:
    """Give the first folder on the way up that is there."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
