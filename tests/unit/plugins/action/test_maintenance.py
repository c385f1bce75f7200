# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action barehost.web.maintenance, run by Ansible itself as the playbook does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[4]
SITE = {"name": "main", "domains": ["main.test"], "routes": [{"path": "/", "static": "/srv/main"}]}


def close(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run what the playbook does on the control node, for a host that does not exist."""
    (play,) = yaml.safe_load((REPOSITORY / "playbooks/maintenance.yml").read_text(encoding="utf-8"))
    tasks: list[dict[str, Any]] = [task for task in play["tasks"] if "ansible.builtin.import_role" not in task]
    # What the roles are given.
    tasks.append({"ansible.builtin.debug": {"msg": "{{ __maintenance.sites | barehost.web.entries('nginx') }}"}})
    text = json.dumps([{**play, "hosts": "all", "tasks": tasks, "vars": {"web_sites": [SITE]}}])
    (folder / "play.yml").write_text(text, encoding="utf-8")
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", "nowhere.example.test,", *words, "play.yml"]
    collections = {"ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".ansible/collections"), "ANSIBLE_NOCOLOR": "1"}
    environment = {**os.environ, **collections}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_words_of_the_command_line_reach_the_roles(tmp_path: Path) -> None:
    done = close(tmp_path, "-e", "site=main", "-e", "enabled=true", "-e", "retry_after=30")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "main: closed, visitors see the maintenance page, until the next site.yml" in done.stdout
    assert '"enabled": true' in done.stdout
    assert '"retry_after": 30' in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-e", "enabled=true"], "site: names no site; there is 'main'"),
        (["-e", "site=mian", "-e", "enabled=true"], "site: no site named 'mian' in web_sites; did you mean 'main'?"),
        (["-e", "site=main"], "missing required arguments: enabled"),
        (["-e", "site=main", "-e", "enabled=perhaps"], "'perhaps' is not a valid boolean"),
    ],
)
def test_a_word_that_is_wrong_or_missing_is_named(tmp_path: Path, words: list[str], message: str) -> None:
    done = close(tmp_path, *words)
    assert done.returncode == 2
    assert message in done.stdout + done.stderr
