# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring WordPresses to their state; see modules/wordpress.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.barehost.web.plugins.modules.wordpress import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction


class ActionModule(HostAction):
    """All of it is done on the host."""

    documentation = DOCUMENTATION
    work = "wordpress"

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Ask the host if there is any."""
        return self.on_host(options, variables) if options["installations"] else {"changed": False, "changes": []}
