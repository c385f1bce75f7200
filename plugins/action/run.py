# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run one command as an app would; see modules/run.py."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.barehost.web.plugins.modules.run import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._command import asked
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction


class ActionModule(HostAction):
    """One call; what the command prints is shown as it came."""

    documentation = DOCUMENTATION
    work = "run"
    lasting = False

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Find out what is meant, have it run, show what it has printed."""
        rest = str(variables.get("_raw_params", ""))
        payload, problems = asked(options["apps"], options["app"], options["command"], options["timeout"], rest)
        if problems:
            raise AnsibleActionFail("\n".join(["Nothing was run:", *map(str, problems)]))
        result = self.on_host(payload, variables)
        for line in result.get("stdout", "").splitlines():
            self._display.display(line)
        if result.get("rc") and not result.get("failed"):
            # What it has printed stands above.
            result.update(failed=True, msg=f"command '{options['command']}' failed (exit status {result['rc']})")
        return result
