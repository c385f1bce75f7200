# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the model on the control node; see modules/model.py for the documentation."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.barehost.web.plugins.plugin_utils import _preload, _role
from ansible_collections.barehost.web.plugins.plugin_utils._entries import HOST, ROLES, VARIABLES
from ansible_collections.barehost.web.plugins.plugin_utils._plans import PLANS
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Problem, hint, report, show
from ansible_collections.barehost.web.plugins.plugin_utils._snapshot import validated_of

_preload.everything()


class ActionModule(ActionBase):
    """Reads the variables of the model and fails with one error that names every mistake."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the variables that the task was given, or those of the role that it names."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        given, host = dict(self._task.args), task_vars or {}
        role = given.pop("role", None)
        known = (*VARIABLES, *HOST)
        variables = {name: value for name, value in given.items() if name in known}
        found = [
            Problem(name, "barehost.web.model has no such option", hint(name, ("role", *known)))
            for name in given
            if name not in known
        ]
        validated = validated_of(self._task, str(host.get("inventory_hostname", "")))
        if role in ROLES:
            variables.update(_role.given(role, self._templar, host))
        elif role is not None:
            found.append(Problem("role", f"no role named {show(role)}", hint(str(role), ROLES)))
        elif validated is not None:
            # The roles of this play take their entries from the model; all else that they read is checked here, once.
            variables.update(_role.settings(self._templar, host))
        misspelt, warnings = _role.misspelt(host)
        found += [*misspelt, *_role.mistakes(variables, self._loader.get_basedir())]
        for warning in warnings:
            self._display.warning(warning)
        result["changed"] = False
        if found:
            result.update(failed=True, msg=report(found))
        elif role is None and validated is not None:
            validated.note()
        if role in PLANS and not found:
            for note in PLANS[role].notes(_role.typed(role, variables)):
                self._display.display(note)
        return result
