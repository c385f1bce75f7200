# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the actions of the collection have in common: options are checked here, the work is done on the host.

This module is private to the collection.
"""

from __future__ import annotations

import base64
import gc
import json
import zlib
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible_collections.barehost.web.plugins.plugin_utils import _preload
from ansible_collections.barehost.web.plugins.plugin_utils._options import checked_options, specification


class HostAction(ActionBase):
    """An action whose options its module documents and whose work a module does on the host.

    A class below names the two; one that has something to do on the controller replaces :meth:`perform`.
    """

    _supports_check_mode = True
    _supports_diff = True
    documentation: ClassVar[str]
    work: ClassVar[str]
    module: ClassVar[str] = "barehost.web.host"

    def __init_subclass__(cls) -> None:
        """Load what every task of the class needs, before Ansible copies itself for the first one."""
        _preload.everything()
        if "documentation" in vars(cls):
            specification(cls.documentation)

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Check the options, have the work done."""
        super().run(tmp, task_vars)
        # This process is a copy of Ansible that ends with the task: to look for garbage among all that it has inherited
        # takes a quarter of its time and would find nothing.
        gc.freeze()
        return self.perform(checked_options(self.documentation, self.arguments()), task_vars or {})

    def arguments(self) -> dict[str, Any]:
        """What the task was given."""
        return dict(self._task.args)

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Do what the task is for."""
        return self.on_host(options, variables)

    def passage(self) -> str:
        """Have a folder on the host that is whoever's has logged in; Ansible removes it with the task."""
        # Ansible says of neither what type it has.
        base: ActionBase = self
        folder: str = base._connection._shell.tmpdir or base._make_tmp_path()
        return folder

    def on_host(self, options: Mapping[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Have the host do its part, in one call."""
        payload = base64.b64encode(zlib.compress(json.dumps(options).encode(), 1)).decode()
        result: dict[str, Any] = self._execute_module(
            module_name=self.module, module_args={"work": self.work, "payload": payload}, task_vars=variables
        )
        if not self._task.diff:
            result.pop("diff", None)
        return result
