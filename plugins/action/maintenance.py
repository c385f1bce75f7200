# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Close or open sites beside what the model says; see modules/maintenance.py."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.barehost.web.plugins.modules.maintenance import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._maintenance import switched
from ansible_collections.barehost.web.plugins.plugin_utils._options import checked_options


class ActionModule(ActionBase):
    """Changes the entries, asks no host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Find the sites that are meant."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        options = checked_options(DOCUMENTATION, self._task.args)
        sites, told, problems = switched(
            options["sites"], options["site"], enabled=options["enabled"], retry_after=options["retry_after"]
        )
        if problems:
            raise AnsibleActionFail("\n".join(["Nothing was changed:", *map(str, problems)]))
        return {**result, "changed": False, "sites": sites, "told": told}
