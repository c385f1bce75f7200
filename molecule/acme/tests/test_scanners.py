# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What other people's checkers say of a site whose certificate an authority has signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testbed.scan import CERTIFICATE, OWN_AUTHORITY

if TYPE_CHECKING:
    from testbed.scan import Scanner

SITE = "example.test:443"


def test_checkers_find_nothing_serious(scanner: Scanner, pebble: Any) -> None:
    there = scanner.trusting(pebble.root)
    assert there.sslyze(SITE, "intermediate") == []
    assert there.testssl([SITE], CERTIFICATE) == {SITE: OWN_AUTHORITY}
