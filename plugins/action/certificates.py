# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have certificates on a host; see modules/certificates.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible import constants
from ansible_collections.barehost.web.plugins.modules.certificates import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._certificates import wanted
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction
from ansible_collections.barehost.web.plugins.plugin_utils._publish_action import joined
from ansible_collections.barehost.web.plugins.plugin_utils._role import role_of
from ansible_collections.barehost.web.plugins.plugin_utils._sources import search_folders

#: Debian's own, and there is no Python library for certificates on a bare host.
_PACKAGES = ["openssl"]


class ActionModule(HostAction):
    """What users provide is read here, the rest is done on the host."""

    documentation = DOCUMENTATION
    work = "certificates"

    def subject(self, options: Mapping[str, Any]) -> str:
        """Tell the two steps of a play from each other."""
        return "remove" if options["remove"] else "make"

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Read the provided certificates, and ask the host if it has anything to do."""
        folders = search_folders(self._loader.get_basedir(), constants.config.get_config_value("CONFIG_FILE"))
        sites = wanted(options["sites"], folders, read=not options["remove"])
        nothing = all(site["mode"] == "none" for site in sites)
        if nothing and (not options["remove"] or self.has_nothing_of("certificates")):
            return {"changed": False, "changes": []}
        made: dict[str, Any] = {"changed": False}
        if _signs(sites) and not options["remove"] and role_of(self._task):
            made = self.install({"names": _PACKAGES}, variables, "certificates")
        return made if made.get("failed") else joined(made, self.on_host({**options, "sites": sites}, variables))


def _signs(sites: Sequence[Mapping[str, Any]]) -> bool:
    return any(site["mode"] in {"self_signed", "acme"} for site in sites)
