# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have Debian packages installed; see modules/packages.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.barehost.web.plugins.modules.packages import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction
from ansible_collections.barehost.web.plugins.plugin_utils._memory import packages_there, with_packages


class ActionModule(HostAction):
    """All of it is done on the host, which is asked once in a run if it has everything."""

    documentation = DOCUMENTATION
    work = "packages"

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Ask the host, unless it has said already that it has all of these."""
        return packages_there(options["names"], variables) or with_packages(self.on_host(options, variables))
