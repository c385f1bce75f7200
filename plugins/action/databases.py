# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have databases and accounts on a MariaDB server; see modules/databases.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.barehost.web.plugins.modules.databases import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._databases import wanted
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction


class ActionModule(HostAction):
    """Passwords stay on the controller; the host is given what the server keeps of them."""

    documentation = DOCUMENTATION
    work = "databases"

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Hash the passwords, ask the host."""
        return self.on_host({**options, "databases": wanted(options["databases"])}, variables)
