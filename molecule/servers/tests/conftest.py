# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Speak inside the machine; started once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from conformance.speak import inside as run_inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.speak import Inside


@pytest.fixture(scope="session")
def inside(machine: Any) -> Iterator[Inside]:
    """Speak from inside the machine, as root."""
    with run_inside(machine.container) as speaking:
        yield speaking
