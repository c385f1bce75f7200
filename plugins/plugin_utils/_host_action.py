# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the actions of the collection have in common: options are checked here, the work is done on the host.

This module is private to the collection.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible_collections.barehost.web.plugins.modules.packages import DOCUMENTATION as PACKAGES
from ansible_collections.barehost.web.plugins.plugin_utils import _preload, _role
from ansible_collections.barehost.web.plugins.plugin_utils._agent import ask
from ansible_collections.barehost.web.plugins.plugin_utils._options import checked_options, specification
from ansible_collections.barehost.web.plugins.plugin_utils._problem import report
from ansible_collections.barehost.web.plugins.plugin_utils._snapshot import (
    Memory,
    Request,
    digest_of,
    memory_of,
    validated_of,
)


class HostAction(ActionBase):
    """An action whose options its module documents and whose work a module does on the host.

    A class below names the two; one that has something to do on the controller replaces :meth:`perform`.
    """

    _supports_check_mode = True
    _supports_diff = True
    documentation: ClassVar[str]
    work: ClassVar[str]
    #: Whether the work leaves nothing on the host: not even the code that does it is kept there on its account.
    reads: ClassVar[bool] = False
    #: Whether it is a state that is asked for, which may be so already, and not something to be done each time.
    lasting: ClassVar[bool] = True
    #: What of a payload says nothing of what is wanted.
    volatile: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        """Load what every task of the class needs, before Ansible copies itself for the first one."""
        _preload.everything()
        if "documentation" in vars(cls):
            specification(cls.documentation)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the role's variables and the options, have the work done."""
        super().run(tmp, task_vars)
        # This process is a copy of Ansible that ends with the task: to look for garbage among all that it has inherited
        # takes a quarter of its time and would find nothing.
        gc.freeze()
        variables = task_vars or {}
        role = _role.role_of(self._task)
        self.values = _role.given(role, self._templar, variables) if role else {}
        refusal = self._validate(role, variables)
        if refusal:
            return {"changed": False, "failed": True, "msg": refusal}
        return self.perform(checked_options(self.documentation, self.arguments()), variables)

    def arguments(self) -> dict[str, Any]:
        """What the task was given."""
        return dict(self._task.args)

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Do what the task is for."""
        return self.on_host(options, variables)

    def subject(self, _options: Mapping[str, Any]) -> str:
        """Name what the work is done for: a play asks for each work and subject once."""
        return "all"

    def passage(self) -> str:
        """Have a folder on the host that is whoever's has logged in; Ansible removes it with the task."""
        # Ansible says of neither what type it has.
        base: ActionBase = self
        folder: str = base._connection._shell.tmpdir or base._make_tmp_path()
        return folder

    def memory(self) -> Memory | None:
        """Give what the host has said in this play; None where it has to be asked always."""
        return memory_of(self._task, self._connection, self._play_context)

    def has_nothing_of(self, name: str) -> bool:
        """Tell whether the host has said that it has nothing of a set, and owes nothing."""
        memory = self.memory()
        said = memory.read() if memory else None
        return said is not None and said.has_nothing_of(name)

    def on_host(
        self, options: Mapping[str, Any], variables: dict[str, Any], *, work: str = "", subject: str = ""
    ) -> dict[str, Any]:
        """Have the host do its part, in one call, unless it has said already that all of it is so.

        :param work: another work than that of the action.
        """
        work, subject = work or self.work, subject or self.subject(options)
        request = Request(work, subject, digest_of(options, self.volatile))
        memory = self.memory() if self.lasting else None
        said = memory.read() if memory else None
        result = said.answer(request) if said else None
        if result is None:
            order = {"work": work, "options": dict(options), "check": self._task.check_mode, "reads": self.reads}
            if memory:
                order["keep"] = {"play": memory.play, "subject": subject, "digest": request.digest}
                order["snapshot"] = said is None
            result = ask(self, order, variables)
            self._note(memory, result)
        if not self._task.diff:
            result.pop("diff", None)
        return result

    def install(self, packages: Mapping[str, Any], variables: dict[str, Any], subject: str) -> dict[str, Any]:
        """Have packages installed, as barehost.web.packages does."""
        options = checked_options(PACKAGES, packages)
        return self.on_host(options, variables, work="packages", subject=subject)

    def _note(self, memory: Memory | None, result: dict[str, Any]) -> None:
        """Keep what the host has said of itself; what was changed is asked again, by whoever comes to it."""
        said = result.pop("snapshot", None)
        if memory is None:
            return
        if said is not None:
            memory.write(said)
        elif not self._task.check_mode and (result.get("changed") or result.get("failed")):
            memory.drop()

    def _validate(self, role: str, variables: Mapping[str, Any]) -> str:
        """Say what is wrong with the variables of the role of the task, unless the whole model was validated."""
        validated = validated_of(self._task, str(variables.get("inventory_hostname", "")))
        if not role or validated:
            return ""
        found, warnings = _role.misspelt(variables)
        found += _role.mistakes(self.values, self._loader.get_basedir())
        for warning in warnings:
            self._display.warning(warning)
        return report(found) if found else ""
