# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the two sides reach a machine, and how Ansible's calls are counted on the way."""

from __future__ import annotations

import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Literal

import yaml
from testbed import machines
from testbed.podman import ROOT, BedError, say

Name = Literal["ssh", "podman"]
NAMES: tuple[Name, ...] = ("ssh", "podman")
_COUNTED = Path(__file__).with_name("counted.sh")
_KEPT = ROOT / ".cache" / "bench" / "collections"
_COLLECTION = "ansible_collections/containers/podman"


class Transport:
    """One way to a machine.

    :param name: ssh, through an sshd of its own for every connection, or podman, through `podman exec`.
    :param folder: an empty folder of this run with a short path: sockets are made in it.
    """

    def __init__(self, name: Name, folder: Path) -> None:
        """Put the counting stand-ins into the folder and fetch what the connection needs."""
        self.name = name
        self._folder = folder
        self._calls = folder / "calls"
        for program in ("ssh", "sftp", "scp", "podman"):
            link = folder / program
            if not link.is_symlink():
                link.symlink_to(_COUNTED)
        if name == "podman":
            _fetch_connection()

    def variables(self, container: str) -> dict[str, Any]:
        """Give the variables of a host for Ansible's inventory."""
        if self.name == "podman":
            # Without a user the plugin copies straight into the container's file system, where podman can mount it;
            # with a path in full nobody needs to ask where ~ is.
            return {
                "ansible_connection": "containers.podman.podman",
                "ansible_host": container,
                "ansible_python_interpreter": "/usr/bin/python3",
                "ansible_remote_tmp": "/root/.ansible/tmp",
            }
        return {**_machine_variables(), "ansible_host": container}

    def environment(self) -> dict[str, str]:
        """Give the settings of Ansible that make it call the stand-ins, and connect anew in every run."""
        settings = {
            "BENCH_CALLS": str(self._calls),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self._folder),
            "ANSIBLE_SSH_EXECUTABLE": str(self._folder / "ssh"),
            "ANSIBLE_SFTP_EXECUTABLE": str(self._folder / "sftp"),
            "ANSIBLE_SCP_EXECUTABLE": str(self._folder / "scp"),
            "ANSIBLE_PODMAN_EXECUTABLE": str(self._folder / "podman"),
        }
        if self.name == "podman":
            settings["ANSIBLE_COLLECTIONS_PATH"] = f"{ROOT}/.ansible/collections:{_KEPT}"
        return settings

    def shell(self, container: str) -> list[str]:
        """Give the command that runs a script from its standard input on the machine."""
        if self.name == "podman":
            return ["podman", "exec", "-i", container, "sh", "-s"]
        given = _machine_variables()
        key = given["ansible_ssh_private_key_file"]
        options = shlex.split(given["ansible_ssh_common_args"])
        return ["ssh", "-i", key, *options, f"{given['ansible_user']}@{container}", "sh", "-s"]

    def take_calls(self) -> int:
        """Count the calls since the last time, and end the connections that were kept open."""
        count = len(self._calls.read_text(encoding="utf-8").splitlines()) if self._calls.exists() else 0
        self._calls.unlink(missing_ok=True)
        for path in self._folder.iterdir():
            if path.is_socket():
                end = ["ssh", "-F", "none", "-o", f"ControlPath={path}", "-O", "exit", "x"]
                subprocess.run(end, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return count


def _machine_variables() -> dict[str, Any]:
    """Read how machines of the test bed are reached over ssh."""
    path = ROOT / "inventory" / "group_vars" / "machines.yml"
    variables: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return variables | {"ansible_ssh_private_key_file": str(machines.KEY)}


def _fetch_connection() -> None:
    """Have the podman connection: one collection of the 54 MB that requirements/bench.txt names."""
    if (_KEPT / _COLLECTION / "plugins/connection/podman.py").exists():
        return
    say("bench: fetching the connection containers.podman.podman")
    _KEPT.mkdir(parents=True, exist_ok=True)
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(_KEPT)]
    command = [*download, "--requirement", str(ROOT / "requirements" / "bench.txt")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BedError(f"cannot fetch the podman connection (use --transport ssh): {done.stderr.strip()[-300:]}")
    for wheel in _KEPT.glob("ansible-*.whl"):
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(_KEPT, [name for name in packed.namelist() if name.startswith(f"{_COLLECTION}/")])
        wheel.unlink()
