# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take one machine of a scenario through the phases of `molecule test`, which itself starts Ansible twice for each.

    python -m testbed.phases SCENARIO

They are those of the scenario's ``test_sequence``, with the same playbooks and arguments as .config/molecule/config.yml
has. Whoever starts this removes the machine before and after.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import yaml

from testbed.podman import ROOT, BedError, say

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHARED = ".config/molecule/config.yml"
#: What is done by whoever starts this, or by the phases that follow.
ELSEWHERE = frozenset({"destroy", "syntax"})
CHANGED = re.compile(r"\bchanged=[1-9]")


def settings(*parts: str) -> dict[str, Any]:
    """Read one section of a file of settings."""
    found: dict[str, Any] = yaml.safe_load(ROOT.joinpath(*parts).read_text(encoding="utf-8")) or {}
    return found


def sequence(scenario: str) -> list[str]:
    """List the phases of a scenario.

    :raises BedError: one of them is unknown here.
    """
    own, shared = settings("molecule", scenario, "molecule.yml"), settings(SHARED)
    phases = own.get("scenario", {}).get("test_sequence", shared["scenario"]["test_sequence"])
    wanted = [phase for phase in phases if phase not in ELSEWHERE]
    if unknown := [phase for phase in wanted if phase not in PHASES]:
        raise BedError(f"molecule/{scenario}: testbed/phases.py does not know {', '.join(unknown)}")
    return wanted


def play(scenario: str, playbook: Path | str, *more: str) -> str:
    """Run a playbook as molecule does; show what it says, and give it.

    :raises BedError: it has failed.
    """
    inventories = (f"--inventory=inventory/{scenario}", "--inventory=inventory/molecule.yml")
    command = ["ansible-playbook", *inventories, f"--limit={os.environ['BAREHOST_MACHINES']}", *more, str(playbook)]
    said = []
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            said.append(line)
    if process.returncode:
        raise BedError(f"{playbook} ended with status {process.returncode}")
    return "".join(said)


def repeat(scenario: str) -> None:
    """Converge again; nothing may change any more.

    :raises BedError: something has changed.
    """
    if CHANGED.search(play(scenario, f"playbooks/{scenario}.yml")):
        raise BedError("the second run has changed something")


def verify(scenario: str) -> None:
    """Run the tests of a scenario.

    :raises BedError: one has failed.
    """
    options = settings(SHARED)["verifier"]["options"]
    command = ["pytest", "-v", f"--durations={options['durations']}", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, f"molecule/{scenario}/tests"], cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise BedError(f"the tests ended with status {done.returncode}")


PHASES: dict[str, Callable[[str], object]] = {
    "create": lambda scenario: play(scenario, "molecule/shared/create.yml"),
    "prepare": lambda scenario: play(scenario, f"molecule/{scenario}/prepare.yml"),
    "check": lambda scenario: play(scenario, f"playbooks/{scenario}.yml", "--check"),
    "converge": lambda scenario: play(scenario, f"playbooks/{scenario}.yml"),
    "idempotence": repeat,
    "verify": verify,
}


def main(scenario: str) -> int:
    """Run all phases, up to the first that fails."""
    os.environ.update(
        MOLECULE_SCENARIO_NAME=scenario,
        MOLECULE_PROJECT_DIRECTORY=str(ROOT),
        ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"),
    )
    for phase in sequence(scenario):
        say(f"INFO     [{scenario} > {phase}] Executing")
        try:
            PHASES[phase](scenario)
        except BedError as error:
            say(f"ERROR    [{scenario} > {phase}] {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
