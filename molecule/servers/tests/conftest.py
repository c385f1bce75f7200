# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Speak inside the machine; started once."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from conformance.speak import Inside, program
from conformance.speak import inside as run_inside
from conformance.suite import cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.servers import Place


@pytest.fixture(scope="session")
def inside(machine: Any) -> Iterator[Inside]:
    """Speak from inside the machine, as root."""
    with run_inside(machine.container) as speaking:
        yield speaking


@pytest.fixture(scope="session")
def ahead(machine: Any) -> dict[tuple[Place, str], Future[object]]:
    """See what takes long because it waits: all apps side by side, each app one thing after the other."""
    seen: dict[tuple[Place, str], Future[object]] = {}
    with ExitStack() as stack:
        lines: dict[str, tuple[ThreadPoolExecutor, Inside]] = {}
        for place, behaviour in cases():
            if behaviour.waits:
                if place.app not in lines:
                    speaking = stack.enter_context(program(machine.container))
                    lines[place.app] = stack.enter_context(ThreadPoolExecutor(1)), Inside(speaking, speaking)
                pool, alone = lines[place.app]
                seen[place, behaviour.name] = pool.submit(behaviour.see, alone, place)
        wait(seen.values())
    return seen
