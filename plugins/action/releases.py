# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""List the releases of apps; see modules/releases.py."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.barehost.web.plugins.modules.releases import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._deploy import chosen, listing
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction


class ActionModule(HostAction):
    """One call for all of them."""

    documentation = DOCUMENTATION
    work = "releases"
    reads = True
    lasting = False

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Find out which are meant, ask the host, show a table."""
        apps, problems = chosen([{"state": "present", **app} for app in options["apps"]], options["app"])
        if problems:
            raise AnsibleActionFail("\n".join(map(str, problems)))
        result = self.on_host({"apps": [app["name"] for app in apps]}, variables)
        for line in listing(result.get("releases", ())):
            self._display.display(f"{variables.get('inventory_hostname', '')}: {line}")
        return result
