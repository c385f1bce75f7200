# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From single runs to figures and targets."""

from __future__ import annotations

import pytest
from benchmark.report import About, Kind, Report, Sample


def run(kind: Kind, side: str, sites: int, *seconds: float, calls: int = 3, transport: str = "ssh") -> list[Sample]:
    about = About("nginx", transport, kind, side, sites, 1)
    return [Sample(about, each, each / 4, each / 4, calls) for each in seconds]


SAMPLES = [
    *run("first", "ours", 1, 3.0),
    *run("first", "shell", 1, 2.0),
    *run("first", "ours", 100, 4.0),
    *run("first", "shell", 100, 2.0),
    *run("again", "ours", 1, 1.0, 9.0, 1.5),
    *run("again", "shell", 1, 0.3),
    *run("again", "ours", 100, 1.5, 1.2, 1.65),
    *run("again", "shell", 100, 0.5, 0.5, 7.0),
]


def test_targets_are_judged_by_medians() -> None:
    found = {target.name: (round(target.measured, 2), target.reached) for target in Report(SAMPLES).targets()}
    assert found == {
        "no change, 100 sites against 1": (1.0, True),
        "no change, 100 sites against 1, calls": (1.0, True),
        "no change, 100 sites, ours against shell": (3.0, True),
        "first converge, 100 sites, ours against shell": (2.0, False),
    }


@pytest.mark.parametrize("missing", [1, 100])
def test_nothing_is_judged_without_the_numbers_of_sites_it_is_about(missing: int) -> None:
    assert Report(sample for sample in SAMPLES if sample.about.sites != missing).targets() == []


def test_a_connection_without_pipelining_is_shown_but_not_judged() -> None:
    slow = [*run("again", "ours", 100, 9.0, transport="podman"), *run("again", "shell", 100, 1.0, transport="podman")]
    report = Report([*SAMPLES, *slow])
    assert report.targets() == Report(SAMPLES).targets()
    assert report.table()[-1].split()[-2:] == ["9.00", "9.00"]
