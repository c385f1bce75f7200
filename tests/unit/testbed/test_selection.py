# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which tests run on which machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from testbed import selection
from testbed.converge import converge
from testbed.converge import environment as surroundings

if TYPE_CHECKING:
    from collections.abc import Callable


def test_files_are_spread_over_the_machines_by_their_names() -> None:
    machines = [selection.machine_of("nginx", f"test_{number}.py") for number in range(100)]
    assert {*machines} == {"debian12", "debian13"}
    assert 30 < machines.count("debian12") < 70
    assert machines == [selection.machine_of("nginx", f"test_{number}.py") for number in range(100)]


@pytest.mark.parametrize(
    ("full", "converging", "everywhere", "on"),
    [(False, True, False, 1), (False, False, False, 2), (False, True, True, 2), (True, True, False, 2)],
)
def test_tests_that_converge_run_on_one_machine(
    monkeypatch: pytest.MonkeyPatch, *, full: bool, converging: bool, everywhere: bool, on: int
) -> None:
    monkeypatch.setattr(selection, "FULL", full)
    stay = [
        selection.stays(machine, "nginx", "test_change.py", converging=converging, everywhere=everywhere)
        for machine in selection.EVERY
    ]
    assert stay.count(True) == on


def looks() -> bool:
    return len("a") == 1


def runs() -> Any:
    return converge("nginx", "debian12")


def runs_inside() -> Any:
    return [runs() for _time in range(2)]


def runs_ansible() -> Any:
    return surroundings


class Caller:
    def call(self) -> Any:
        return runs()


def asks_a_class() -> Caller:
    return Caller()


def calls_itself() -> Any:
    return calls_itself()


@pytest.mark.parametrize(
    ("functions", "converges"),
    [
        ([looks], False),
        ([calls_itself], False),
        ([runs], True),
        ([looks, runs], True),
        ([runs_inside], True),
        ([runs_ansible], True),
        ([asks_a_class], True),
        ([], False),
    ],
)
def test_a_test_that_converges_is_known_by_what_it_calls(
    functions: list[Callable[[], Any]], *, converges: bool
) -> None:
    assert selection.converging(functions) is converges
