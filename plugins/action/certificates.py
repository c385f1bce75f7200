# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have certificates on a host; see modules/certificates.py."""

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible_collections.barehost.web.plugins.modules.certificates import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._certificates import wanted
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction
from ansible_collections.barehost.web.plugins.plugin_utils._memory import is_spared
from ansible_collections.barehost.web.plugins.plugin_utils._sources import search_folders


class ActionModule(HostAction):
    """What users provide is read here, the rest is done on the host."""

    documentation = DOCUMENTATION
    work = "certificates"

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Read the provided certificates, and ask the host if it has anything to do."""
        folders = search_folders(self._loader.get_basedir(), constants.config.get_config_value("CONFIG_FILE"))
        sites = wanted(options["sites"], folders, read=not options["remove"])
        nothing = all(site["mode"] == "none" for site in sites)
        if nothing and (not options["remove"] or is_spared("certificates", variables)):
            return {"changed": False, "changes": []}
        return self.on_host({**options, "sites": sites}, variables)
