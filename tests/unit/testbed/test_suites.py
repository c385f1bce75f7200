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
    for name, lines in (("apache", 10), ("nginx", 30), ("site", 20)):
        tests = tmp_path / "molecule" / name / "tests"
        tests.mkdir(parents=True)
        (tests.parent / "molecule.yml").touch()
        (tests / "test_it.py").write_text("# a line\n" * lines, encoding="utf-8")
    monkeypatch.setattr(suites, "ROOT", tmp_path)
    monkeypatch.setattr(suites, "DURATIONS", tmp_path / "durations.json")
    return tmp_path


def test_first_run_goes_by_the_length_of_the_tests(root: Path) -> None:
    assert suites.scenarios() == ["nginx", "site", "apache"], root


def test_later_runs_go_by_what_each_took(root: Path) -> None:
    (root / "durations.json").write_text('{"apache": 25, "nginx": 5}', encoding="utf-8")
    assert suites.scenarios() == ["apache", "site", "nginx"]
