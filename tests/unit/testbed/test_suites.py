# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What takes longest comes first, so that nothing long is left when everything else is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from testbed import suites

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("apache", "nginx", "site"):
        (tmp_path / "molecule" / name).mkdir(parents=True)
        (tmp_path / "molecule" / name / "molecule.yml").touch()
    measured = '{"apache-12": 45, "apache-13": 5, "nginx-12": 7, "nginx-13": 30, "site-13": 9}'
    (tmp_path / "measured.json").write_text(measured, encoding="utf-8")
    monkeypatch.setattr(suites, "ROOT", tmp_path)
    monkeypatch.setattr(suites, "LOGS", tmp_path)
    monkeypatch.setattr(suites, "DURATIONS", tmp_path / "durations.json")
    monkeypatch.setattr(suites, "MEASURED", tmp_path / "measured.json")
    return tmp_path


def order() -> list[str]:
    return [f"{name}-{machine.removeprefix('debian')}" for name, machine in suites.scenarios()]


def test_first_run_goes_by_what_was_measured_elsewhere_and_begins_with_what_is_new(root: Path) -> None:
    assert order() == ["site-12", "apache-12", "nginx-13", "site-13", "nginx-12", "apache-13"], root


def test_later_runs_go_by_what_each_took_here(root: Path) -> None:
    (root / "durations.json").write_text('{"site-12": 1, "apache-13": 50}', encoding="utf-8")
    assert order() == ["apache-13", "apache-12", "nginx-13", "site-13", "nginx-12", "site-12"]


def test_each_machine_of_a_scenario_is_a_job_of_its_own(root: Path) -> None:
    first, second = (suites.scenario("nginx", machine, None) for machine in ("debian12", "debian13"))
    assert (first.name, second.name) == ("nginx-12", "nginx-13")
    assert first.environment["BAREHOST_MACHINES"] == "debian12"
    assert not {*first.environment.values()} & {*second.environment.values()}, root
    assert first.log != second.log


def test_only_the_tests_that_failed_are_run_again(root: Path) -> None:
    job = suites.scenario("nginx", "debian12", None)
    assert job.again is not None
    assert "BAREHOST_AGAIN" not in job.again().environment, "something around the tests has failed"
    (root / "nginx-12.failed.json").write_text('["test_x.py::test_y[debian12]"]', encoding="utf-8")
    again = job.again()
    assert (root / "nginx-12.failed.again.json").read_text(encoding="utf-8") == '["test_x.py::test_y[debian12]"]'
    assert again.environment["BAREHOST_AGAIN"] == str(root / "nginx-12.failed.again.json")
    assert (again.name, again.again) == ("nginx-12", None)
    assert again.log != job.log


def test_one_scenario_is_run_by_molecule_itself_and_all_are_in_a_full_run(root: Path) -> None:
    def programs(*, full: bool) -> dict[str, str]:
        jobs = [suites.scenario(name, "debian12", None, full=full) for name in ("gunicorn", "nginx")]
        return {job.name: job.steps[0].command[0].rpartition("/")[2] for job in jobs}

    assert programs(full=True) == {"gunicorn-12": "molecule", "nginx-12": "molecule"}, root
    fast = programs(full=False)
    assert fast["gunicorn-12"] == "molecule"
    assert fast["nginx-12"].startswith("python")
