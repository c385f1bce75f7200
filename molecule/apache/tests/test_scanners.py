# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What other people's checkers say of the https of the sites of Apache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from testbed.scan import LONG_LIVED, OWN_AUTHORITY

if TYPE_CHECKING:
    from testbed.scan import Scanner

INTERMEDIATE, MODERN = "secure.example.test:443", "modern.example.test:8443"


@pytest.mark.parametrize(
    ("address", "profile", "but"),
    [(INTERMEDIATE, "intermediate", []), ("both.example.test:443", "intermediate", []), (MODERN, "modern", LONG_LIVED)],
)
def test_sslyze_finds_the_profile(scanner: Scanner, address: str, profile: str, but: list[str]) -> None:
    assert scanner.sslyze(address, profile) == but


def test_testssl_finds_nothing_serious(scanner: Scanner) -> None:
    assert scanner.testssl([INTERMEDIATE, MODERN]) == dict.fromkeys((INTERMEDIATE, MODERN), OWN_AUTHORITY)
