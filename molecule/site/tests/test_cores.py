# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The oldest supported ansible-core does what the one of the test bed does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from testbed.converge import environment
from testbed.podman import ROOT

if TYPE_CHECKING:
    from testbed.http import Http

REQUIREMENTS = ROOT / "requirements/oldest.txt"


@pytest.fixture(scope="session")
def oldest() -> Path:
    """The oldest ansible-core, in an environment of its own; the folder of its programs."""
    version = REQUIREMENTS.read_text(encoding="utf-8").strip().rpartition("==")[2]
    folder = ROOT / ".cache" / f"ansible-core-{version}"
    if not (folder / "bin/ansible-playbook").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "--quiet", "--requirement", REQUIREMENTS], check=True)
    return folder / "bin"


def test_oldest_core_finds_nothing_to_change_and_makes_the_same_change(
    oldest: Path, machine: object, http: Http, tmp_path: Path
) -> None:
    name = getattr(machine, "name", "")
    inventories = ["--inventory=inventory/site", "--inventory=inventory/molecule.yml", f"--limit={name}"]
    command = [oldest / "ansible-playbook", *inventories, "playbooks/site.yml"]
    domains = '{"site_domains": ["example.test", "oldest.test"]}'
    for more, changed in (([], 0), ([f"--extra-vars={domains}"], 1), ([], 1), ([], 0)):
        surroundings = environment("site", tmp_path / "record")
        done = subprocess.run(
            [*command, *more], cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
        assert f" changed={changed} " in done.stdout, done.stdout
        status = 200 if more else 0
        assert http("/util/search", host="oldest.test").status == status
