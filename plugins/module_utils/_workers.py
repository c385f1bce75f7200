# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The units of workers: what they are called, and which of them a host has. This module is private to the collection.

The control node and the host name them alike, so that a release, or a changed variable, reaches the workers that an
app has on the host, whatever the model says of them by then.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils._units_plan import Wanted

#: Seconds that a worker has to run before it counts as started: nobody can ask it whether it is well. RQ ends when it
#: has looked for its broker in vain for 5.
STEADY = 8
_UNITS = Path("/etc/systemd/system")


def unit(app: str, worker: str, number: int | str) -> str:
    """Name a process of a worker, as a unit of systemd.

    No name of an app or a worker has a dot in it: the same name cannot be made of another app and another worker.
    """
    return f"worker-{app}.{worker}@{number}.service"


def every(app: str) -> str:
    """Give the pattern of the units of all workers of an app."""
    return unit(app, "*", "*")


def enabled(name: str, folder: Path = _UNITS) -> list[str]:
    """Give the units that are meant: the one of this name, or those that start with the host and fit a pattern."""
    if "*" not in name:
        return [name]
    return sorted({link.name for link in folder.glob("*.wants/*") if fnmatchcase(link.name, name)})


def of_app(app: str) -> list[Wanted]:
    """Give the workers that an app has on this host, as they are to be."""
    return [Wanted(name, entry=app, steady=STEADY) for name in enabled(every(app))]
