# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The suite knows every server, the inventory has what the suite asks, and no difference is listed for nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._schema import load
from conformance import suite
from conformance.servers import MOUNT, SERVERS, TRANSPORTS, Place, model, places, port
from conformance.suite import ANSWERS, BEHAVIOURS, DIFFERENCES, RELEASES, Difference, answers, cases, difference


def listed(name: str, key: str) -> dict[str, Any]:
    """Find an entry of the inventory."""
    return next(entry for entry in model()[key] if entry["name"] == name)


def test_every_server_of_the_model_is_asked() -> None:
    element = load("app", "app_apps").element
    assert element
    assert element.keys
    # Flask's own server is for developers, who do not mind where it differs.
    assert {server.name for server in SERVERS} == set(element.keys["server"].choices) - {"none", "flask"}


def test_names_of_behaviours_are_unique() -> None:
    assert [name for name, count in Counter(one.name for one in BEHAVIOURS).items() if count > 1] == []


@pytest.mark.parametrize("place", [place for place in places() if answers(place)], ids=str)
def test_inventory_has_what_is_asked(place: Place) -> None:
    app = listed(place.app, "web_apps")
    assert app["server"] == place.server.name
    assert app["environment"] == {"PROBE_APP": place.app}
    assert bool(port(place.app)) is place.transport.endswith("tcp")
    site = listed(place.app, "web_sites")
    assert site["domains"] == [place.domain]
    assert {route["path"]: route["app"] for route in site["routes"]} == dict.fromkeys(
        ["/", MOUNT, "/below/stream", "/below/upload"], place.app
    )


@pytest.mark.parametrize("one", DIFFERENCES, ids=lambda one: f"{one.server} {one.behaviour}")
def test_difference_is_of_something_that_is_asked(one: Difference) -> None:
    covered = [(*case, release) for case in cases() for release in RELEASES if one.covers(*case, release)]
    assert covered
    for place, behaviour, release in covered:
        assert difference(place, behaviour, release) is one
        assert one.seen != behaviour.wanted(place)


def test_difference_of_one_release_is_none_of_another() -> None:
    one = Difference(SERVERS[0].name, "*", "*", seen=0, instead="-", why="-", release="debian12")
    assert one.covers(Place(SERVERS[0], "direct-tcp"), ANSWERS, "debian12")
    assert not one.covers(Place(SERVERS[0], "direct-tcp"), ANSWERS, "debian13")


def difference_of(transport: str, behaviour: str) -> Difference:
    """List a difference of the first server."""
    return Difference(SERVERS[0].name, transport, behaviour, seen=0, instead="-", why="-")


def test_two_differences_of_one_thing_are_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "DIFFERENCES", (difference_of("*", "body: *"), difference_of("direct-*", "body: 1 MB")))
    one = next(behaviour for behaviour in BEHAVIOURS if behaviour.name == "body: 1 MB")
    assert difference(Place(SERVERS[0], "nginx-tcp"), one, "debian13") is not None
    with pytest.raises(ValueError, match="2 differences are listed"):
        difference(Place(SERVERS[0], "direct-tcp"), one, "debian13")


def test_place_that_does_not_answer_is_asked_for_that_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "DIFFERENCES", (difference_of("direct-unix", ANSWERS.name),))
    asked = Counter(place.transport for place, _behaviour in cases() if place.server is SERVERS[0])
    assert asked["direct-unix"] == 1
    assert min(asked[transport] for transport in TRANSPORTS if transport != "direct-unix") > 40
