# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What other people's checkers say of the https of the sites of nginx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from testbed.podman import ROOT
from testbed.scan import CERTIFICATE, LONG_LIVED, OWN_AUTHORITY

if TYPE_CHECKING:
    from testbed.scan import Scanner

INTERMEDIATE, MODERN = "example.test:443", "modern.example.test:8443"


@pytest.mark.parametrize(
    ("address", "profile", "but"),
    [(INTERMEDIATE, "intermediate", []), ("both.example.test:443", "intermediate", []), (MODERN, "modern", LONG_LIVED)],
)
def test_sslyze_finds_the_profile(scanner: Scanner, address: str, profile: str, but: list[str]) -> None:
    assert scanner.sslyze(address, profile) == but


def test_testssl_finds_nothing_serious(scanner: Scanner) -> None:
    assert scanner.testssl([INTERMEDIATE, MODERN]) == dict.fromkeys((INTERMEDIATE, MODERN), OWN_AUTHORITY)


def test_a_provided_certificate_is_served_as_well_as_our_own(converge: Any, authority: Any, scanner: Scanner) -> None:
    sites = yaml.safe_load((ROOT / "inventory/tls/group_vars/web.yml").read_text(encoding="utf-8"))["web_sites"]
    sites[0]["tls"] = {**sites[0]["tls"], **authority.sign(*sites[0]["domains"], days=80)}
    outcome = converge({"web_sites": sites})
    assert outcome.rc == 0, outcome
    there = scanner.trusting(authority.root)
    assert there.sslyze(INTERMEDIATE, "intermediate") == []
    assert there.testssl([INTERMEDIATE], CERTIFICATE) == {INTERMEDIATE: OWN_AUTHORITY}
