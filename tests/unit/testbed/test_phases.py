# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The phases of a scenario are those of its molecule.yml, and the first that fails is the last."""

from __future__ import annotations

from pathlib import Path

import pytest
from testbed import phases
from testbed.podman import ROOT, BedError

SHARED = """
scenario:
  test_sequence: [destroy, syntax, create, check, converge, idempotence, verify, destroy]
verifier:
  options: {durations: "8"}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    own = {
        "plain": "# nothing of its own\n",
        "ready": "scenario: {test_sequence: [destroy, create, prepare, converge, verify]}\n",
        "odd": "scenario: {test_sequence: [create, side_effect]}\n",
    }
    for name, text in own.items():
        (tmp_path / "molecule" / name).mkdir(parents=True)
        (tmp_path / "molecule" / name / "molecule.yml").write_text(text, encoding="utf-8")
    shared = tmp_path / phases.SHARED
    shared.parent.mkdir(parents=True)
    shared.write_text(SHARED, encoding="utf-8")
    monkeypatch.setattr(phases, "ROOT", tmp_path)
    monkeypatch.setenv("BAREHOST_MACHINES", "debian12")
    for name in ("MOLECULE_SCENARIO_NAME", "MOLECULE_PROJECT_DIRECTORY", "ANSIBLE_CONFIG"):
        monkeypatch.setenv(name, "")
    return tmp_path


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for ansible-playbook and pytest, which notes how it was called and says what the test wants."""
    notes = tmp_path / "called"
    for name in ("ansible-playbook", "pytest"):
        file = tmp_path / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(
            f'#!/bin/sh\necho "{name} $*" >> {notes}\ncat {tmp_path}/says 2>/dev/null || :\n', encoding="utf-8"
        )
        file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return notes


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("plain", ["create", "check", "converge", "idempotence", "verify"]),
        ("ready", ["create", "prepare", "converge", "verify"]),
    ],
)
def test_phases_are_those_of_molecule(root: Path, scenario: str, expected: list[str]) -> None:
    assert phases.sequence(scenario) == expected, root


def test_unknown_phase_is_named(root: Path) -> None:
    with pytest.raises(BedError, match=r"molecule/odd: .*side_effect"):
        phases.sequence("odd")
    assert root.exists()


def test_each_scenario_of_the_collection_is_known() -> None:
    for path in sorted(ROOT.glob("molecule/*/molecule.yml")):
        assert phases.sequence(path.parent.name)[-1] == "verify"


def test_all_phases_run_for_one_machine(root: Path, program: Path) -> None:
    assert phases.main("plain") == 0
    inventories = "--inventory=inventory/plain --inventory=inventory/molecule.yml --limit=debian12"
    assert program.read_text(encoding="utf-8").splitlines() == [
        f"ansible-playbook {inventories} molecule/shared/create.yml",
        f"ansible-playbook {inventories} --check playbooks/plain.yml",
        f"ansible-playbook {inventories} playbooks/plain.yml",
        f"ansible-playbook {inventories} playbooks/plain.yml",
        "pytest -v --durations=8 -p no:cacheprovider molecule/plain/tests",
    ]
    assert root.exists()


def test_second_run_that_changes_something_is_the_end(
    root: Path, program: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "says").write_text("debian12 : ok=3 changed=1 failed=0\n", encoding="utf-8")
    assert phases.main("plain") == 1
    assert "pytest" not in program.read_text(encoding="utf-8")
    assert "[plain > idempotence] the second run has changed something" in capsys.readouterr().out


def test_playbook_that_fails_is_the_end(root: Path, program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failing = root / "bin/ansible-playbook"
    failing.write_text(failing.read_text(encoding="utf-8") + "exit 2\n", encoding="utf-8")
    assert phases.main("plain") == 1
    assert len(program.read_text(encoding="utf-8").splitlines()) == 1
    assert "[plain > create] molecule/shared/create.yml ended with status 2" in capsys.readouterr().out
