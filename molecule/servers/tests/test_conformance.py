# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every server does alike, or does exactly what the table of differences says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from conformance.suite import cases, difference

if TYPE_CHECKING:
    from conformance.behaviour import Behaviour
    from conformance.servers import Place
    from conformance.speak import Inside

CASES = [pytest.param(*case, id=f"{case[0]}-{case[1].name}") for case in cases()]


@pytest.mark.parametrize(("place", "behaviour"), CASES)
def test_server_does_what_all_do_or_what_is_listed(
    request: pytest.FixtureRequest, machine: Any, inside: Inside, place: Place, behaviour: Behaviour
) -> None:
    listed = difference(place, behaviour, machine.name)
    wanted = behaviour.wanted(place)
    if behaviour.waits:
        seen = request.getfixturevalue("ahead")[place, behaviour.name].result()
    else:
        seen = behaviour.see(inside, place)
    if listed is None:
        assert seen == wanted
    else:
        assert listed.seen != wanted, "the table lists what all do"
        assert seen == listed.seen, f"the table says: {listed.instead}"
