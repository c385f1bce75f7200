# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one run does on several hosts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testbed import machines
from testbed.converge import environment
from testbed.podman import ROOT, podman_ok
from testbed.selection import EVERY


@pytest.fixture
def hosts(machine: Any) -> Iterator[list[str]]:
    """The machine, and another one with the other Debian, for this test alone."""
    (other,) = set(EVERY) - {machine.name}
    name = f"{machine.container}-beside"
    machines.up(name, other, lifetime=1800)
    yield [machine.container, name]
    machines.down([name])


def test_a_release_has_one_name_on_all_hosts_of_a_run(hosts: list[str], samples: Any, tmp_path: Path) -> None:
    key = {"ansible_ssh_private_key_file": str(machines.KEY)}
    names = {f"host{number}": {"ansible_host": host, **key} for number, host in enumerate(hosts)}
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({group: {"hosts": names} for group in ("web", "machines")}), encoding="utf-8")
    given = ["inventory/app", "inventory/molecule.yml", str(inventory)]
    entry = {"name": "notes", "source": {"path": str(samples.code("notes"))}}
    for wanted in ({"app_apps": [entry]}, {"app_purge": True}):
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            *(f"--inventory={source}" for source in given),
            f"--limit={','.join(names)}",
            f"--extra-vars={json.dumps(wanted)}",
            "playbooks/app.yml",
        ]
        surroundings = environment("app", tmp_path / "record")
        done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        if "app_apps" in wanted:
            pythons = {
                podman_ok("exec", host, "readlink", "-f", "/srv/notes/current/.venv/bin/python") for host in hosts
            }
            live = {podman_ok("exec", host, "readlink", "/srv/notes/current") for host in hosts}
            assert (len(pythons), len(live)) == (2, 1)
