# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have certificates of an authority on a host; see modules/acme.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.barehost.web.plugins.modules.acme import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._acme import authority, wanted
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction
from ansible_collections.barehost.web.plugins.plugin_utils._memory import is_spared


class ActionModule(HostAction):
    """All of it is done on the host, which is not asked where it never had such a certificate."""

    documentation = DOCUMENTATION
    work = "acme"

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Read the entries, and ask the host if it has anything to do."""
        sites = wanted(options["sites"])
        if all(site["mode"] != "acme" for site in sites) and is_spared("certbot", variables):
            return {"changed": False, "changes": []}
        given = {**options, "sites": sites, "authority": authority(options["authority"])}
        return self.on_host(given, variables)
