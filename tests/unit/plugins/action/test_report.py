# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbook report.yml and its last action, run by Ansible itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._report import Finding, Host, Service

REPOSITORY = Path(__file__).parents[4]
GOOD = Host("good", system="Debian", services=(Service("app", "util", "gunicorn@util.service", "running"),))
FULL = Host("full", system="Debian", findings=(Finding("disk /", "is 99 % full", "tidy up"),))


def ansible(folder: Path, play: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook for two hosts that do not answer."""
    for name in ("one", "two"):
        refused = f"{name} ansible_host=127.0.0.1 ansible_port=1 ansible_ssh_retries=0"
        with (folder / "hosts").open("a") as file:
            file.write(f"[web]\n{refused}\n")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts", *arguments, str(play)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    environment |= {"ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".ansible/collections")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def tell(folder: Path, *hosts: Host, check: bool = False, to: str = "out") -> subprocess.CompletedProcess[str]:
    """Run the action for hosts that have been asked."""
    given: dict[str, Any] = {host.name: {"host": asdict(host)} for host in hosts}
    tasks = [{"name": "Tell", "barehost.web.report": {"folder": to, "hosts": given}, "run_once": True}]
    play = folder / "play.yml"
    play.write_text(json.dumps([{"hosts": "web", "gather_facts": False, "tasks": tasks}]))
    return ansible(folder, play, *(["--check"] if check else []))


def test_hosts_that_cannot_be_reached_are_reported_and_named(tmp_path: Path) -> None:
    done = ansible(tmp_path, REPOSITORY / "playbooks/report.yml", "-e", "report_results=out")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "2 things need attention." in done.stdout
    for name in ("one", "two"):
        assert f"- {name}: host: could not be asked: " in done.stdout
        assert re.search(rf"^fatal: \[{name}\]: FAILED! =>\s+changed: false\s+msg: \|-\s+What needs", done.stdout, re.M)
        assert re.search(rf"^{name} .* unreachable=0 +failed=1 ", done.stdout, re.MULTILINE)
    plain = json.loads((tmp_path / "out/report.json").read_text())
    assert [host["name"] for host in plain["hosts"]] == ["one", "two"]
    assert "could not be asked" in (tmp_path / "out/report.html").read_text()


def test_a_limit_that_means_nothing_is_named(tmp_path: Path) -> None:
    done = ansible(tmp_path, REPOSITORY / "playbooks/report.yml", "-e", "report_disk=0", "-e", "report_results=out")
    assert done.returncode == 2
    assert "report_disk: is 0; the least is 1, the most is 100" in done.stdout


def test_nothing_to_say_is_no_failure(tmp_path: Path) -> None:
    done = tell(tmp_path, GOOD)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing needs attention." in done.stdout
    assert "changed=0" in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.json", "report.html"}


def test_what_needs_attention_is_told(tmp_path: Path) -> None:
    done = tell(tmp_path, GOOD, FULL)
    assert done.returncode == 0, "others may still have something to say"
    assert "- full: disk /: is 99 % full; tidy up" in done.stdout
    assert "1 thing needs attention." in done.stdout


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    done = tell(tmp_path, GOOD, check=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gunicorn@util.service" in done.stdout
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = tell(tmp_path, GOOD, to="file")
    assert done.returncode == 2
    assert f"report_results: {tmp_path}/file cannot be written to: File exists; name another folder" in done.stdout
