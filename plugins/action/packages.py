# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have Debian packages installed; see modules/packages.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.barehost.web.plugins.modules.packages import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction
from ansible_collections.barehost.web.plugins.plugin_utils._role import role_of
from ansible_collections.barehost.web.plugins.plugin_utils._snapshot import digest_of


class ActionModule(HostAction):
    """All of it is done on the host."""

    documentation = DOCUMENTATION
    work = "packages"

    def subject(self, options: Mapping[str, Any]) -> str:
        """Name the role that wants them; other tasks by what they want."""
        return role_of(self._task) or digest_of({"names": options["names"]})[:16]
