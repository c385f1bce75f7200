# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Actions that send code which the controller has to the host. Private to the collection."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction
from ansible_collections.barehost.web.plugins.plugin_utils._source import Content, write_bundle
from ansible_collections.barehost.web.plugins.plugin_utils._sources import search_folders


class SendingAction(HostAction):
    """An action whose module is asked twice where the host lacks code: what it needs, and with that."""

    def folders(self) -> list[Path]:
        """Where relative paths of sources are looked for."""
        return search_folders(self._loader.get_basedir(), constants.config.get_config_value("CONFIG_FILE"))

    def send(self, contents: Mapping[str, Content]) -> str:
        """Copy ``contents`` to the host in one file; Ansible removes it with its own temporary folder."""
        base: ActionBase = self
        folder = self.passage()
        remote: str = base._connection._shell.join_path(folder, "contents.tar")
        with tempfile.NamedTemporaryFile(prefix="barehost-") as file:
            write_bundle(contents, file)
            file.flush()
            base._transfer_file(file.name, remote)
        base._fixup_perms2([folder, remote], execute=False)
        return remote
