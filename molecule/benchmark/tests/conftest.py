# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A benchmark that is short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SHORT = {"benchmark_rounds": 1, "benchmark_seconds": 2, "benchmark_connections": 8}


@pytest.fixture
def short(tmp_path: Path) -> dict[str, Any]:
    """Give the variables of a short benchmark, whose results go to a folder of the test's own."""
    return {**SHORT, "benchmark_results": str(tmp_path / "results")}
