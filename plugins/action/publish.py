# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put a set of files on a host in one step; see modules/publish.py."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.barehost.web.plugins.modules.publish import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._publish_action import PublishAction, placed
from ansible_collections.barehost.web.plugins.plugin_utils._role import role_of


class ActionModule(PublishAction):
    """A set that the task describes, or all that a role wants."""

    documentation = DOCUMENTATION
    work = "publish"

    def arguments(self) -> dict[str, Any]:
        """What the task was given, the parts in their places."""
        return placed(super().arguments())

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Publish it."""
        if not options["role"]:
            return self.publish(options, variables)
        if options["role"] != role_of(self._task):
            raise AnsibleActionFail(f"role: {options['role']} publishes what it wants itself, in its own tasks only")
        return self.publish_role(options["role"], variables, options["facts"])
