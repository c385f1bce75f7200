# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tests run on which machine: those that only look on every Debian, those that converge on one.

A playbook takes as long as a hundred looks. What it does to a bare machine, in check mode, and when it is repeated, is
seen on every Debian anyway; so is every test that looks at the result. Which Debian sees the changes is fixed by the
name of the file, so that the tests of a file stay together. A full run does everything everywhere.
"""

from __future__ import annotations

import inspect
import os
import zlib
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

from testbed import converge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: The machines of this run, by their names in the inventory; all where nobody has chosen.
MACHINES = tuple(os.environ.get("BAREHOST_MACHINES", "debian12,debian13").split(","))
EVERY = ("debian12", "debian13")
#: What the names of modules of tests and of the test bed begin with.
OURS = ("test", "conftest", "molecule")
#: Whether everything runs everywhere.
FULL = os.environ.get("BAREHOST_FULL") == "1"
#: Whether the machine is removed after its last test, and nobody wants to know if it could be converged back.
PASSING = os.environ.get("BAREHOST_PASSING") == "1" and not FULL


def machine_of(scenario: str, file: str) -> str:
    """Name the machine on which the tests of a file converge."""
    return EVERY[zlib.crc32(f"{scenario}/{file}".encode()) % len(EVERY)]


def stays(machine: str, scenario: str, file: str, *, converging: bool, everywhere: bool) -> bool:
    """Tell whether a test runs on a machine.

    :param converging: whether it runs a playbook.
    :param everywhere: whether it is marked to run on each Debian all the same.
    """
    return FULL or everywhere or not converging or machine == machine_of(scenario, file)


def converging(functions: Iterable[Callable[..., object]]) -> bool:
    """Tell whether a test runs a playbook, by what it and its fixtures call."""
    seen: set[object] = set()
    return any(_reaches(function, seen) for function in functions)


def _reaches(thing: object, seen: set[object]) -> bool:
    thing = inspect.unwrap(thing) if callable(thing) else thing
    if thing in (converge.converge, converge.environment):
        return True
    if isinstance(thing, type):
        parts = [part for part in vars(thing).values() if isinstance(part, FunctionType)]
    elif isinstance(thing, FunctionType):
        parts = [thing]
    else:
        return False
    if thing in seen:
        return False
    seen.add(thing)
    return any(_reaches(found, seen) for part in parts for found in _mentioned(part))


def _mentioned(function: FunctionType) -> Iterator[object]:
    """Give the functions and classes that a function names, and what it gets by default."""
    for name in _names(function.__code__):
        found = function.__globals__.get(name)
        if isinstance(found, FunctionType | type) and (found.__module__ or "").startswith(OURS):
            yield found


def _names(code: CodeType) -> set[str]:
    names = {*code.co_names}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names
