# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what the front page of a WordPress has taken to a verdict."""

from __future__ import annotations

import pytest
from benchmark.throughput import OURS, Answered
from benchmark.wordpress import DEBIAN, KEPT, Pages, model, sides


def pages(**requests: float) -> list[str]:
    ways = {"kept": KEPT, "ours": OURS, "debian": DEBIAN}
    samples = [
        Answered("wordpress", "front page", ways[way], 1, rate, 5.0, 1000 / rate) for way, rate in requests.items()
    ]
    return [str(target)[:4] for target in Pages(samples).targets()]


@pytest.mark.parametrize(
    ("kept", "ours", "debian", "verdicts"),
    [
        (2000, 100, 110, ["pass", "pass"]),
        (1999, 100, 110, ["miss", "pass"]),
        (2000, 100, 112, ["pass", "miss"]),
    ],
)
def test_kept_pages_are_held_against_made_ones_and_those_against_debians(
    kept: float, ours: float, debian: float, verdicts: list[str]
) -> None:
    assert pages(kept=kept, ours=ours, debian=debian) == verdicts


def test_sides_ask_one_address_and_only_who_is_not_logged_in_gets_a_kept_page() -> None:
    (site,) = model()["web_sites"]
    port = site["listen"][0].rpartition(":")[2]
    assert {side.headers()["Host"] for side in sides()} == {f"{site['domains'][0]}:{port}"}
    assert [side.way for side in sides() if "Cookie" not in side.headers()] == [KEPT]
