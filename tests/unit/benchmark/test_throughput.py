# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what every side has answered to a verdict on ours."""

from __future__ import annotations

import pytest
from benchmark.__main__ import in_turn
from benchmark.servers import sides
from benchmark.throughput import Answered, Throughput


def rounds(way: str, *requests: float, server: str = "gunicorn", shape: str = "2x1") -> list[Answered]:
    return [
        Answered(server, shape, way, number, each, 20.0, 1000 / each) for number, each in enumerate(requests, start=1)
    ]


SAMPLES = [
    # In the second round something else has slowed the computer down, in the third only ours.
    *rounds("ours", 900, 90, 95),
    *rounds("sync, unix", 1000, 100, 1000),
    *rounds("sync, tcp", 500, 60, 9000),
    *rounds("ours", 890, server="uwsgi"),
    *rounds("unix", 1000, server="uwsgi"),
    *rounds("ours", 100, server="mod_wsgi"),
]


def test_ours_is_held_against_the_way_that_does_best_beside_it() -> None:
    found = [(str(target).partition(":")[0], round(target.measured, 2)) for target in Throughput(SAMPLES).targets()]
    assert found == [
        ("pass  gunicorn 2x1, requests of ours against the best by hand (sync, unix)", 0.9),
        ("miss  uwsgi 2x1, requests of ours against the best by hand (unix)", 0.89),
    ]


def test_line_of_a_target_tells_the_least_that_is_wanted_and_the_ratio_by_processor_time() -> None:
    assert "0.90 (at least 0.9); by processor time 0.90" in str(Throughput(SAMPLES).targets()[0])


def test_server_that_nobody_has_set_up_by_hand_is_shown_but_not_judged() -> None:
    assert Throughput(SAMPLES).table()[-1].split() == [
        "mod_wsgi",
        "2x1",
        "ours",
        "100",
        "20.0",
        "10.000",
        "1.00",
        "1.00",
    ]


def test_table_tells_how_each_way_does_against_ours() -> None:
    (line,) = (line for line in Throughput(SAMPLES).table() if "sync, unix" in line)
    assert float(line.split()[-2]) == pytest.approx(1000 / 900, abs=0.01)


def test_another_side_is_asked_first_in_every_round() -> None:
    kinds = [[(side.server, str(side.shape)) for side in in_turn(sides(), number)] for number in (1, 2)]
    assert kinds[0] == kinds[1], "the sides of one kind are beside each other"
    firsts = [in_turn(sides(), number)[0].way for number in (1, 2, 3, 4)]
    assert sorted(firsts) == sorted(side.way for side in sides() if (side.server, str(side.shape)) == kinds[0][0])
