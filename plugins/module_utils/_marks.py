# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Marks: what a unit still has to be told about, kept on the host.

A mark is a file named after the unit whose content is ``reload`` or ``restart``. It is written before the
change that asks for it and removed after the unit has taken the change up, so that a run which is killed in
between is made good by the next one; an Ansible handler would be lost.

This module is private to the collection.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

Action = Literal["reload", "restart", "stop"]

#: Everything the collection remembers on a host; readable by root only.
STATE = Path("/var/lib/barehost")
#: Mark that asks for no unit but for systemd itself, which has to read unit files again. systemd does not notice every
#: new drop-in folder by itself (NeedDaemonReload stays "no" until its cache of paths is refreshed).
SYSTEMD = "systemd"


def private_folder(path: Path) -> None:
    """Make a folder and its missing parents so that only their owner can look inside."""
    for folder in [*reversed(path.parents), path]:
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)


def marks_folder(state: Path = STATE) -> Path:
    """The folder of the marks."""
    return state / "marks"


def mark(unit: str, action: Action, state: Path = STATE) -> None:
    """Note that ``unit`` (such as ``nginx.service``) has to ``reload``, ``restart`` or ``stop``.

    A restart that is already noted is never weakened to a reload. A unit that was to stop and is wanted again
    restarts: it still runs as it was.
    """
    folder = marks_folder(state)
    private_folder(folder)
    path = folder / unit
    if action == "reload" and read_mark(unit, state) in {"restart", "stop"}:
        action = "restart"
    fresh = path.with_name(f".{unit}.new")
    fresh.write_text(action, encoding="ascii")
    fresh.replace(path)


def read_mark(unit: str, state: Path = STATE) -> Action | None:
    """What ``unit`` still has to do, or ``None``. An unreadable mark counts as a restart."""
    try:
        text = (marks_folder(state) / unit).read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    known: dict[str, Action] = {"reload": "reload", "stop": "stop"}
    return known.get(text, "restart")


def owed(state: Path = STATE) -> list[str]:
    """Every unit that has a mark, whether somebody speaks of it or not."""
    try:
        found = sorted(path.name for path in marks_folder(state).iterdir())
    except FileNotFoundError:
        return []
    return [unit for unit in found if not unit.startswith(".")]


def units_to_stop(state: Path = STATE) -> list[str]:
    """Every unit that is marked to stop, whether somebody speaks of it or not."""
    return [unit for unit in owed(state) if read_mark(unit, state) == "stop"]


def clear_mark(unit: str, state: Path = STATE) -> None:
    """Forget the mark of ``unit``; nothing happens where there is none."""
    (marks_folder(state) / unit).unlink(missing_ok=True)
