# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a scenario's playbook against one of its machines, as a user would, and tell what every task did."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testbed import loaded
from testbed.podman import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


#: Why the test that is running must not run a playbook; empty if it may.
REFUSED = ""


@dataclass(frozen=True)
class Task:
    """What one task did; status is ok, changed, skipped, failed or unreachable."""

    name: str
    action: str
    status: str
    result: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What one run did."""

    rc: int
    output: str
    tasks: list[Task] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """Count the tasks that changed something."""
        return sum(task.status == "changed" for task in self.tasks)

    @property
    def refused(self) -> bool:
        """Tell whether the model was found wrong before anything was changed: the machine is as it was."""
        wrong = [str(task.result.get("msg", "")) for task in self.tasks if task.status == "failed"]
        return self.changed == 0 and len(wrong) == 1 and wrong[0].startswith(("The model has ", "Nothing was changed"))

    def task(self, part: str) -> Task:
        """Find the one task with these words in its name or action."""
        found = [task for task in self.tasks if part in task.name or part in task.action]
        if len(found) != 1:
            names = "\n".join(f"{task.action}: {task.name}" for task in self.tasks)
            raise LookupError(f"{len(found)} tasks match {part!r} among\n{names}")
        return found[0]

    def __repr__(self) -> str:
        """Show the end of the output: this is what a failed assertion prints."""
        end = "\n".join(self.output.splitlines()[-60:])
        return f"Outcome(rc={self.rc}, changed={self.changed}, output ends:\n{end}\n)"


def converge(
    scenario: str,
    host: str,
    variables: Mapping[str, Any] | None = None,
    *,
    playbook: str = "",
    tags: Sequence[str] = (),
    check: bool = False,
    verbose: bool = False,
    kill_after: int = 0,
    timeout: float = 600,
) -> Outcome:
    """Run playbooks/<scenario>.yml, or another, for one host of inventory/molecule.yml.

    The variables go on top of those of the scenario's inventory; tags are --tags, none of them all tasks; verbose is
    -vvv. After kill_after tasks the run is killed; 0 lets it come to its end.
    """
    if REFUSED:
        raise LookupError(f"{REFUSED}: use a fixture, or name the function where the test is written")
    with tempfile.TemporaryDirectory(prefix="barehost-") as folder:
        extra, record = Path(folder, "variables.json"), Path(folder, "record")
        extra.write_text(json.dumps(dict(variables or {})), encoding="utf-8")
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            f"--inventory=inventory/{scenario}",
            "--inventory=inventory/molecule.yml",
            f"--limit={host}",
            f"--extra-vars=@{extra}",
            *([f"--tags={','.join(tags)}"] if tags else []),
            *(["--check", "--diff"] if check else []),
            *(["-vvv"] if verbose else []),
            f"playbooks/{playbook or scenario}.yml",
        ]
        surroundings = environment(scenario, record) | {"BAREHOST_KILL_AFTER": str(kill_after)}
        status, output = loaded.run(command, surroundings, timeout)
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    notes = [json.loads(line) for line in lines]
    tasks = [Task(note["name"], note["action"], note["status"], note["result"]) for note in notes]
    return Outcome(status, output, tasks)


def environment(scenario: str, record: Path) -> dict[str, str]:
    """Give the run what a user's shell has: of what molecule sets for Ansible, nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return kept | {
        "MOLECULE_SCENARIO_NAME": scenario,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "record",
        "BAREHOST_RECORD": str(record),
    }
