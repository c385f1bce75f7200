# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""See what a database server can have, and make an interrupted first start good; see modules/database_server.py."""

from __future__ import annotations

from ansible_collections.barehost.web.plugins.modules.database_server import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction


class ActionModule(HostAction):
    """All of it is done on the host."""

    documentation = DOCUMENTATION
    work = "database_server"
