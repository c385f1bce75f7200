# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From runs of the whole stack to ratios and targets."""

from __future__ import annotations

import pytest
from benchmark.measure import Measured
from benchmark.runs import Costs, Run, _changed
from testbed.podman import BedError


def runs(part: str, hosts: int, *pairs: tuple[float, float], calls: float = 1.0) -> list[Run]:
    return [Run(part, hosts, 1, seconds, seconds / 2, calls, ping) for seconds, ping in pairs]


RUNS = [
    *runs("no change", 1, (3.0, 1.0), (6.0, 2.5), (8.0, 2.0)),
    *runs("no change", 4, (12.0, 2.0)),
    *runs("no-change deploy", 1, (7.0, 2.0), calls=3.0),
]


def test_each_run_is_compared_with_the_ping_of_its_own_round() -> None:
    assert Costs(RUNS).figures("no change", 1) == (6.0, 3.0, 3.0, 1.0)


def test_targets_are_those_of_the_fewest_hosts() -> None:
    found = {target.name: (round(target.measured, 2), target.reached) for target in Costs(RUNS).targets()}
    assert found == {
        "no change, calls": (1.0, True),
        "no change, times a ping": (3.0, True),
        "no-change deploy, calls": (3.0, False),
        "no-change deploy, times a ping": (3.5, False),
        "no change, controller's seconds for each further host": (1.0, True),
    }


def test_further_hosts_are_judged_only_where_there_are_any() -> None:
    names = [target.name for target in Costs(run for run in RUNS if run.hosts == 1).targets()]
    assert all("further host" not in name for name in names)


def test_table_has_a_line_for_each_part_and_number_of_hosts() -> None:
    lines = Costs(RUNS).table()
    assert [line.split()[0] for line in lines[3:]] == ["1", "1", "4"]


def test_run_that_did_something_else_is_not_measured() -> None:
    said = "one : ok=22 changed=0 unreachable=0\ntwo : ok=22 changed=1 unreachable=0"
    with pytest.raises(BedError, match="0 tasks of each of 2 hosts"):
        _changed(Measured(1.0, 1.0, said), 0, 2)
    assert _changed(Measured(1.0, 1.0, said.replace("changed=1", "changed=0")), 0, 2).seconds == 1.0
