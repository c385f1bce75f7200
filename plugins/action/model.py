# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the model on the control node; see modules/model.py for the documentation."""

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible_collections.barehost.web.plugins.plugin_utils import _preload
from ansible_collections.barehost.web.plugins.plugin_utils._entries import HOST, ROLES, VARIABLES
from ansible_collections.barehost.web.plugins.plugin_utils._mod_wsgi import notes as mod_wsgi_notes
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems, strays
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Problem, hint, report, show
from ansible_collections.barehost.web.plugins.plugin_utils._schema import options
from ansible_collections.barehost.web.plugins.plugin_utils._sources import search_folders
from ansible_collections.barehost.web.plugins.plugin_utils._uwsgi import notes as uwsgi_notes

_preload.everything()
_NOTES = {"uwsgi": uwsgi_notes, "mod_wsgi": mod_wsgi_notes}


class ActionModule(ActionBase):
    """Reads the variables of the model and fails with one error that names every mistake."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the variables that the task was given, or those of the role that it names."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = dict(self._task.args)
        role = given.pop("role", None)
        known = (*VARIABLES, *HOST)
        variables = {name: value for name, value in given.items() if name in known}
        found = [
            Problem(name, "barehost.web.model has no such option", hint(name, ("role", *known)))
            for name in given
            if name not in known
        ]
        if role in ROLES:
            variables.update(self._variables(role, task_vars or {}))
        elif role is not None:
            found.append(Problem("role", f"no role named {show(role)}", hint(str(role), ROLES)))
        found += self._misspelt(task_vars or {})
        found += problems(
            variables, search_folders(self._loader.get_basedir(), constants.config.get_config_value("CONFIG_FILE"))
        )
        result["changed"] = False
        if found:
            result.update(failed=True, msg=report(found))
        for note in _NOTES[role](variables[ROLES[role]]) if role in _NOTES and not found else ():
            self._display.display(note)
        return result

    def _variables(self, role: str, variables: dict[str, Any]) -> dict[str, Any]:
        """Read every option of a role as the host has it."""
        return {name: self._templar.template(variables[name]) for name in options(role) if name in variables}

    def _misspelt(self, variables: dict[str, Any]) -> list[Problem]:
        """Find variables that nothing reads because their name is not quite right."""
        found = []
        for name, close in strays(variables).items():
            if close.startswith("web_") and close not in variables:
                found.append(Problem(name, "no role reads this variable", f"did you mean {close!r}?"))
            else:
                self._display.warning(f"No role reads the variable {name}; did you mean {close}?")
        return found
