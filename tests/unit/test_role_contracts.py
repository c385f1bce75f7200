# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules of the house, held against every role and every stack."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.barehost.web.plugins.plugin_utils._entries import HOST, VARIABLES
from ansible_collections.barehost.web.plugins.plugin_utils._schema import load, options

REPOSITORY = Path(__file__).parents[2]
ROLES = sorted(path.name for path in (REPOSITORY / "roles").iterdir() if path.is_dir())
SCENARIOS = sorted(path.parent.name for path in (REPOSITORY / "molecule").glob("*/molecule.yml"))
INVENTORIES = sorted(path.parent.name for path in (REPOSITORY / "inventory").glob("*/hosts.yml"))
#: Playbooks that do something to a stack, whichever it is.
VERBS = {"backup", "deploy", "maintenance", "releases", "report", "restore", "rollback", "run"}
LONGEST = {"tasks/main.yml": 30, "tasks/*.yml": 80, "handlers/main.yml": 30, "templates/**/*.j2": 100}
FORBIDDEN = re.compile(
    r"\bset_fact\b|\bignore_errors: |\bignore_unreachable\b|\bnoqa\b|failed_when: false|yamllint disable"
)


def read(path: str) -> Any:
    """Load a YAML file of the repository; an empty one, or none, is nothing."""
    file = REPOSITORY / path
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None


def entry_points(role: str) -> dict[str, Any]:
    found: dict[str, Any] = read(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]
    return found


def nested(prefix: str, found: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, option in found.items():
        yield f"{prefix}{name}", option
        yield from nested(f"{prefix}{name}.", option.get("options", {}))


def without_collection_variable(default: object) -> object:
    """Give a default as it is when the variable of the collection that it follows is not set."""
    follows = re.fullmatch(r"\{\{ web_\w+ \| default\((.*)\) \}\}", default) if isinstance(default, str) else None
    return yaml.safe_load(follows[1]) if follows else default


@pytest.mark.parametrize("role", ROLES)
def test_a_role_says_what_it_does(role: str) -> None:
    for entry_point in entry_points(role).values():
        assert entry_point["short_description"]
        assert entry_point["description"]


@pytest.mark.parametrize("role", ROLES)
def test_the_defaults_are_the_documented_ones(role: str) -> None:
    documented = {
        name: option["default"]
        for entry_point in entry_points(role).values()
        for name, option in entry_point["options"].items()
        if "default" in option
    }
    actual = read(f"roles/{role}/defaults/main.yml") or {}
    assert {name: without_collection_variable(value) for name, value in actual.items()} == documented


@pytest.mark.parametrize("role", ROLES)
def test_every_option_is_prefixed_typed_and_described(role: str) -> None:
    for entry_point in entry_points(role).values():
        assert [name for name in entry_point["options"] if not name.startswith(f"{role}_")] == []
        for name, option in nested("", entry_point["options"]):
            assert option.get("type"), name
            assert option.get("description"), name
            assert option["type"] != "list" or option.get("elements"), name
            assert not (option.get("required") and "default" in option), name


@pytest.mark.parametrize("role", ROLES)
def test_no_file_of_a_role_is_too_long(role: str) -> None:
    for pattern, longest in LONGEST.items():
        for path in (REPOSITORY / "roles" / role).glob(pattern):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= longest, path


@pytest.mark.parametrize("role", ROLES)
def test_every_handler_is_notified_and_every_notification_handled(role: str) -> None:
    handlers = read(f"roles/{role}/handlers/main.yml") or []
    heard = {handler.get("listen", handler["name"]) for handler in handlers}
    told = set()
    for path in (REPOSITORY / "roles" / role / "tasks").glob("**/*.yml"):
        for task in yaml.safe_load(path.read_text(encoding="utf-8")) or []:
            notified = task.get("notify", [])
            told.update([notified] if isinstance(notified, str) else notified)
    assert told == heard


@pytest.mark.parametrize("folder", ["roles", "playbooks", "inventory", "molecule", "plugins", "tests"])
def test_nothing_is_switched_off(folder: str) -> None:
    for path in (REPOSITORY / folder).rglob("*"):
        if path.is_file() and path.suffix in {".yml", ".py", ".j2"} and path != Path(__file__):
            assert not FORBIDDEN.search(path.read_text(encoding="utf-8")), path


def test_every_stack_has_a_playbook_an_inventory_and_a_scenario() -> None:
    playbooks = sorted({path.stem for path in (REPOSITORY / "playbooks").glob("*.yml")} - VERBS)
    assert playbooks == SCENARIOS == INVENTORIES


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_has_tests(scenario: str) -> None:
    assert list((REPOSITORY / "molecule" / scenario / "tests").glob("test_*.py"))


def test_a_key_of_two_roles_means_the_same_in_both() -> None:
    app = entry_points("app")["main"]["options"]["app_apps"]["options"]
    gunicorn = entry_points("gunicorn")["main"]["options"]["gunicorn_apps"]["options"]
    shared = app.keys() & gunicorn.keys()
    assert shared >= {"name", "state", "server"}
    assert {key: app[key] for key in shared} == {key: gunicorn[key] for key in shared}


def test_the_model_is_made_of_options_that_the_roles_have() -> None:
    for parts in VARIABLES.values():
        for role, option in parts:
            assert load(role, option).element is not None


@pytest.mark.parametrize("stack", INVENTORIES)
def test_an_inventory_sets_nothing_that_nobody_reads(stack: str) -> None:
    known = {*VARIABLES, *HOST, "web_purge", *(option for role in ROLES for option in options(role))}
    ours = ("web_", *(f"{role}_" for role in ROLES))
    for path in (REPOSITORY / "inventory" / stack).glob("*_vars/*.yml"):
        variables = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert [name for name in variables if name.startswith(ours) and name not in known] == [], path


@pytest.mark.parametrize("stack", INVENTORIES)
def test_the_model_of_every_inventory_is_right(stack: str, tmp_path: Path) -> None:
    check = {name: f"{{{{ {name} | default([]) }}}}" for name in VARIABLES}
    check |= {name: f"{{{{ {name} | default(omit) }}}}" for name in HOST}
    tasks = [{"name": "Check", "barehost.web.model": check}]
    play = tmp_path / "play.yml"
    play.write_text(json.dumps([{"hosts": "web", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", f"inventory/{stack}", play]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg")}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
