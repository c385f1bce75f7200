# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Back up WordPresses, and fetch the archives; see modules/wordpress_backup.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.barehost.web.plugins.modules.wordpress_backup import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._archives import chosen
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction


class ActionModule(HostAction):
    """One call for all of them; each archive that is wanted here is a transfer more."""

    documentation = DOCUMENTATION
    work = "wordpress_archives"
    lasting = False
    TRANSFERS_FILES = True

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Find out which are meant, have them backed up, fetch."""
        names, faults = chosen(options["names"], options["installations"])
        if faults:
            raise AnsibleActionFail("\n".join(str(fault.at("wordpress")) for fault in faults))
        host = str(variables.get("inventory_hostname", ""))
        folder = Path(options["fetch"]).expanduser().absolute() / host if options["fetch"] else None
        self._display.display(f"{host}: backing up {', '.join(names)}")
        result = self.on_host({"names": names, "hand_over": self.passage() if folder else ""}, variables)
        for line in result.get("lines", ()):
            self._display.display(f"{host}: {line}")
        if folder and not result.get("failed"):
            result["fetched"] = [str(self._fetch(archive, folder, host)) for archive in result["archives"]]
        return result

    def _fetch(self, archive: dict[str, str], folder: Path, host: str) -> Path:
        """Fetch an archive, under another name until it is here."""
        path = folder / archive["name"] / Path(archive["path"]).name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.part")
        # Nobody else may read it, not while it is on its way either.
        new.touch(mode=0o600)
        self._connection.fetch_file(archive["from"], str(new))
        new.chmod(0o600)
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.rename(path)
        self._display.display(f"{host}: fetched {path}")
        return path
