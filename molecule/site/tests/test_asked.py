# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host is asked once in a run of the collection's own playbooks, and always where others have been at work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from testbed.converge import environment
from testbed.podman import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from testinfra.host import Host

FILE = "/etc/nginx/sites-available/main.conf"
#: What Ansible says at -vvv of every command that it has a host run.
CALL = " SSH: EXEC "


class Ended(subprocess.CompletedProcess[str]):
    """A run that is over."""

    @property
    def changed(self) -> int:
        """Count the tasks that changed something, as Ansible does in the end."""
        return int(self.stdout.rpartition(" changed=")[2].split()[0])


@pytest.fixture
def play(machine: Any, tmp_path: Path) -> Callable[..., Ended]:
    """Run site.yml with arguments and variables of the environment, or tasks of a user in a play of their own.

    That play goes host by host, each at its own pace.
    """

    def run(*arguments: str, tasks: list[dict[str, Any]] | None = None, **variables: str) -> Ended:
        playbook = ROOT / "playbooks/site.yml"
        if tasks is not None:
            playbook = tmp_path / "users.yml"
            head = {"hosts": "web", "gather_facts": False, "serial": 1, "strategy": "free"}
            playbook.write_text(yaml.safe_dump([{**head, "tasks": tasks}]), "utf-8")
        inventories = ["--inventory=inventory/site", "--inventory=inventory/molecule.yml", f"--limit={machine.name}"]
        command = [Path(sys.executable).with_name("ansible-playbook"), *inventories, *arguments, playbook]
        facts = {"ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "facts")}
        surroundings = environment("site", tmp_path / "record") | facts | variables
        done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        return Ended(done.args, done.returncode, done.stdout, done.stderr)

    return run


def test_run_that_changes_nothing_asks_once(play: Callable[..., Ended]) -> None:
    play()
    ended = play("-vvv")
    assert ended.changed == 0
    assert ended.stdout.count(CALL) == 1


def test_run_that_changes_a_site_asks_again_what_may_have_changed(play: Callable[..., Ended]) -> None:
    domains = '--extra-vars={"site_domains": ["example.test", "asked.test"]}'
    ended = play("-vvv", domains)
    assert (ended.changed, ended.stdout.count(CALL)) == (1, 3)
    assert play().changed == 1


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["--tags=nginx"], {}),
        (["--skip-tags=app"], {}),
        (["--start-at-task=Install nginx, publish the main configuration and the sites, have nginx serve them"], {}),
        ([], {"ANSIBLE_STRATEGY": "free"}),
        ([], {"ANSIBLE_PIPELINING": "false"}),
        ([], {"ANSIBLE_CACHE_PLUGIN": "jsonfile"}),
    ],
    ids=lambda value: " ".join(value) if value else "-",
)
def test_however_a_run_is_started_it_looks_at_the_host(
    host: Host, play: Callable[..., Ended], arguments: list[str], variables: dict[str, str]
) -> None:
    host.check_output(f"rm {FILE}")
    assert play(*arguments, **variables).changed == 1
    assert host.file(FILE).exists
    assert play(*arguments, **variables).changed == 0


def test_check_mode_tells_of_drift_and_leaves_it(host: Host, play: Callable[..., Ended]) -> None:
    host.check_output(f"rm {FILE}")
    for _time in range(2):
        assert play("--check", "--diff").changed == 1
        assert not host.file(FILE).exists
    assert play().changed == 1


def test_tasks_of_users_in_between_are_seen(host: Host, play: Callable[..., Ended]) -> None:
    wanted = {"barehost.web.packages": {"names": ["logrotate"]}}
    removed = {"ansible.builtin.command": "dpkg --remove --force-depends logrotate"}
    ended = play(tasks=[wanted, removed, wanted, {**wanted, "delegate_to": "{{ inventory_hostname }}"}])
    assert ended.changed == 2
    assert host.package("logrotate").is_installed


def test_roles_by_name_ask_each_time(host: Host, play: Callable[..., Ended]) -> None:
    site = {"name": "main", "domains": ["example.test"], "routes": [{"path": "/", "static": "/srv/frontend/current"}]}
    role = {"ansible.builtin.import_role": {"name": "barehost.web.nginx"}, "vars": {"nginx_sites": [site]}}
    ended = play(tasks=[role, {"ansible.builtin.file": {"path": FILE, "state": "absent"}}, role, role])
    assert ended.changed == 3
    assert host.file(FILE).exists
    assert play().changed == 1
