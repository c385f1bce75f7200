# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What to make of a machine's memory, and of a folder of data; pure. This module is private to the collection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ansible_collections.barehost.web.plugins.module_utils._host import HostError

_MEBIBYTE = 1 << 20
_UNITS = {"K": 1 << 10, "M": _MEBIBYTE, "G": 1 << 30, "T": 1 << 40}
#: A share is rounded down, so that the few bytes which another kernel takes do not restart the server.
_STEP = 16
_LEAST, _MOST_PERCENT = 8, 80
#: Folders that are in every folder of data.
_OWN = frozenset({"lost+found", "mysql", "performance_schema", "sys", "test"})

Start = Literal["leave", "forget", "begin"]


class PoolError(HostError):
    """The machine has not got what was asked for."""


def pool_size(asked: str, total: int) -> str:
    """Give the size of the buffer pool in MariaDB's notation.

    :param asked: a size such as ``512M``, or a share such as ``25%``.
    :param total: bytes of memory that the machine has.
    """
    if share := asked.endswith("%"):
        size = total * int(asked[:-1]) // 100 // _MEBIBYTE
    else:
        size = int(asked.rstrip("KMGT")) * _UNITS.get(asked[-1], 1) // _MEBIBYTE
    machine, most = total // _MEBIBYTE, total * _MOST_PERCENT // 100 // _MEBIBYTE
    if size > most:
        raise PoolError(
            f"Nothing was changed: mariadb_memory: {asked!r} is more than {_MOST_PERCENT}% of the {machine}M that this "
            f"host has; write at most '{most}M', or a share such as '25%'."
        )
    if size < _LEAST:
        raise PoolError(
            f"Nothing was changed: mariadb_memory: {asked!r} is {size}M on this host, which has {machine}M; "
            f"the least is '{_LEAST}M'."
        )
    if share and size > _STEP:
        size -= size % _STEP
    return f"{size}M"


def memory_of(meminfo: str, limits: Iterable[str]) -> int:
    """Give the bytes of memory that the machine has: what the kernel says, or less in a container.

    :param meminfo: the text of ``/proc/meminfo``.
    :param limits: the texts of files in which a control group may say a limit.
    """
    kibibytes = next(int(line.split()[1]) for line in meminfo.splitlines() if line.startswith("MemTotal:"))
    given = [int(text) for text in limits if text.strip().isdigit()]
    return min([kibibytes << 10, *given])


def start(*, noted: bool, content: Iterable[str], folders: Iterable[str], answers: bool) -> Start:
    """Say what to do about a folder of data.

    :param noted: whether a first start has begun, and no server has answered since.
    :param content: the names of all that is in the folder; none where it is empty or missing.
    :param folders: those that are folders, as each database is one.
    :param answers: whether the server answers now.
    """
    empty = not {*content} - {"lost+found"}
    if not empty and not noted:
        return "leave"
    # A server that answers although the folder is empty has its data somewhere else.
    return "forget" if answers or {*folders} - _OWN else "begin"
