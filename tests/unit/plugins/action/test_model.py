# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action barehost.web.model, run by Ansible itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[4]
PLAY: dict[str, Any] = {
    "hosts": "all",
    "gather_facts": False,
    "tasks": [
        {
            "name": "Check",
            "barehost.web.model": {"web_apps": "{{ web_apps }}", "web_sites": "{{ web_sites | default([]) }}"},
        }
    ],
}


def play(folder: Path, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run the action for a host that does not exist."""
    tasks = [{**PLAY["tasks"][0], **variables.pop("task", {})}]
    (folder / "play.yml").write_text(json.dumps([{**PLAY, "tasks": tasks, "vars": variables}]))
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "-i",
        "nowhere.example.test,",
        *arguments,
        "play.yml",
    ]
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / ".ansible/collections"),
        "ANSIBLE_NOCOLOR": "1",
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_a_good_model_passes_without_a_connection(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "code").mkdir()
    app = {"name": "util", "source": {"path": "{{ code }}"}, "wsgi": "wsgi:app", "environment": {"A": "{{ code }}"}}
    done = play(tmp_path, *arguments, web_apps=[app], code="code")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout


def test_all_mistakes_are_in_one_error_and_no_secret_is(tmp_path: Path) -> None:
    apps = [{"name": "util", "source": {"path": "gone"}, "wsgi": "x", "environment": {"A": "hush\nhush"}}]
    sites = [{"name": "main", "domains": ["a.test"], "routes": [{"path": "/", "app": "utl"}]}]
    done = play(tmp_path, web_apps=apps, web_sites=sites)
    output = done.stdout + done.stderr
    assert done.returncode == 2
    assert "The model has 4 mistakes:" in output
    assert "web_apps[0].source.path: there is no folder 'gone' on the control node" in output
    assert "web_sites[0].routes[0].app: no app named 'utl'; did you mean 'util'?" in output
    assert "hush" not in output


def test_a_misspelt_variable_is_an_error_if_the_right_one_is_missing(tmp_path: Path) -> None:
    done = play(tmp_path, web_apps=[], web_sties=[])
    assert "web_sties: no role reads this variable; did you mean 'web_sites'?" in done.stdout + done.stderr
    assert done.returncode == 2
    assert play(tmp_path, web_apps=[], web_sites=[], web_site="mine").returncode == 0


def test_an_option_that_it_does_not_have_is_an_error(tmp_path: Path) -> None:
    done = play(tmp_path, task={"barehost.web.model": {"web_app": []}})
    assert "web_app: barehost.web.model has no such option; did you mean 'web_apps'?" in done.stdout + done.stderr


def test_a_role_is_checked_with_every_variable_that_the_host_has(tmp_path: Path) -> None:
    site = {"name": "main", "domains": ["{{ domain }}"], "routes": [{"path": "/", "app": "utl"}]}
    task = {"barehost.web.model": {"role": "nginx"}}
    given = {"domain": "a_b", "nginx_apps": [{"name": "util", "address": "127.0.0.1:1"}]}
    done = play(tmp_path, task=task, nginx_sites=[site], nginx_worker_connections="many", web_apps=5, **given)
    output = done.stdout + done.stderr
    assert "The model has 3 mistakes:" in output
    assert "nginx_sites[0].domains[0]: " in output
    assert "nginx_sites[0].routes[0].app: no app named 'utl'; did you mean 'util'?" in output
    assert "nginx_worker_connections: must be a whole number, not 'many'" in output
    given["domain"] = "a.test"
    site["routes"] = [{"path": "/", "app": "util"}]
    assert play(tmp_path, task=task, nginx_sites=[site], **given).returncode == 0


def test_a_role_that_is_not_of_this_collection_is_an_error(tmp_path: Path) -> None:
    done = play(tmp_path, task={"barehost.web.model": {"role": "ngnix"}})
    assert "role: no role named 'ngnix'; did you mean 'nginx'?" in done.stdout + done.stderr


@pytest.mark.parametrize(("role", "what"), [("uwsgi", "uWSGI"), ("mod_wsgi", "mod_wsgi")])
def test_a_choice_that_the_user_did_not_make_is_said_aloud(tmp_path: Path, role: str, what: str) -> None:
    apps = [
        {"name": "new", "wsgi": "wsgi:app", "python": "3.12"},
        {"name": "asked", "wsgi": "wsgi:app", "python": "3.12", "install": "source"},
        {"name": "plain", "wsgi": "wsgi:app"},
    ]
    done = play(tmp_path, task={"barehost.web.model": {"role": role}}, **{f"{role}_apps": apps})
    assert done.returncode == 0, done.stdout
    said = [line for line in done.stdout.splitlines() if f"a {what} of its own" in line]
    assert len(said) == 1
    assert said[0].startswith("App 'new' runs on Python 3.12")
