# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have certificates of an authority on a host; see modules/acme.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.barehost.web.plugins.modules.acme import DOCUMENTATION
from ansible_collections.barehost.web.plugins.modules.publish import DOCUMENTATION as PUBLISH
from ansible_collections.barehost.web.plugins.plugin_utils._acme import authority, wanted
from ansible_collections.barehost.web.plugins.plugin_utils._options import checked_options
from ansible_collections.barehost.web.plugins.plugin_utils._publish_action import PublishAction, joined
from ansible_collections.barehost.web.plugins.plugin_utils._role import role_of

_ROLE = "certbot"


class ActionModule(PublishAction):
    """All of it is done on the host, which is not asked where it never had such a certificate."""

    documentation = DOCUMENTATION
    work = "acme"

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Read the entries, and ask the host if it has anything to do."""
        sites = wanted(options["sites"])
        asks = any(site["mode"] == "acme" for site in sites)
        if not asks and self.has_nothing_of(_ROLE):
            return {"changed": False, "changes": []}
        ours = role_of(self._task) == _ROLE
        result: dict[str, Any] = {"changed": False}
        if ours and asks:
            result = self.publish_role(_ROLE, variables, {})
        if not result.get("failed"):
            given = {**options, "sites": sites, "authority": authority(options["authority"])}
            result = joined(result, self.on_host(given, variables))
        if ours and not asks and not result.get("failed"):
            # The last one cannot be revoked without the root of its authority: what renews goes after it.
            nothing = checked_options(PUBLISH, {"set": _ROLE})
            result = joined(self.publish(nothing, variables), result)
        return result
