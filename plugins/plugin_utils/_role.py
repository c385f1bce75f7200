# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of a role, as the host of a task has them. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.barehost.web.plugins.plugin_utils._convert import MismatchError, plain
from ansible_collections.barehost.web.plugins.plugin_utils._entries import ROLES, VARIABLES
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems, strays
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Problem
from ansible_collections.barehost.web.plugins.plugin_utils._schema import convert, options
from ansible_collections.barehost.web.plugins.plugin_utils._sources import COLLECTION, search_folders


def role_of(task: Task) -> str:
    """Name the role of this collection that a task belongs to; empty for any other task."""
    role = task._role
    path = Path(role.get_role_path()) if role is not None else Path()
    return path.name if path.name in ROLES and path.parent == COLLECTION / "roles" else ""


def given(role: str, templar: Templar, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Read every option of a role as the user wrote it."""
    return {name: plain(templar.template(variables[name])) for name in options(role) if name in variables}


def typed(role: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Give single values their types. Entries keep what they have: whoever takes them knows their defaults."""
    found = {}
    for name, value in values.items():
        spec = options(role)[name]
        try:
            found[name] = value if spec.kind in {"list", "dict"} else convert(value, spec)
        except MismatchError:
            # The model's check has a message for it.
            found[name] = value
    return found


def settings(templar: Templar, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Read what the user has set of all options of roles that are no entries of the model."""
    names = {name for role in ROLES for name in options(role) if name not in VARIABLES}
    return {name: plain(templar.template(variables[name])) for name in sorted(names) if name in variables}


def mistakes(values: Mapping[str, object], playbook_folder: str) -> list[Problem]:
    """Find every mistake in variables of the model or of a role."""
    return problems(values, search_folders(playbook_folder, constants.config.get_config_value("CONFIG_FILE")))


def misspelt(variables: Mapping[str, Any]) -> tuple[list[Problem], list[str]]:
    """Find variables that nothing reads because their name is not quite right: mistakes, and what to warn of."""
    found, warnings = [], []
    for name, close in strays(variables).items():
        if close.startswith("web_") and close not in variables:
            found.append(Problem(name, "no role reads this variable", f"did you mean {close!r}?"))
        else:
            warnings.append(f"No role reads the variable {name}; did you mean {close}?")
    return found, warnings
