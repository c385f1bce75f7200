# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell the host which releases are wanted, and send the code it asks for; see modules/release.py."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.barehost.web.plugins.modules.release import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction
from ansible_collections.barehost.web.plugins.plugin_utils._source import Content, SourceError, describe, write_bundle
from ansible_collections.barehost.web.plugins.plugin_utils._sources import search_folders


class ActionModule(HostAction):
    """One call where the host has everything; otherwise one transfer and a second call."""

    documentation = DOCUMENTATION
    work = "release"
    module = "barehost.web.host_release"

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Look at the sources, ask, send, release."""
        contents = self._describe(options)
        payload = {
            "apps": options["apps"],
            "requirements": options["server_requirements"],
            "entries": options["entries"],
            "purge": options["purge"],
            "uv_version": options["uv_version"],
            "uv_hashes": options["uv_checksums"],
            "timeout": options["build_timeout"],
            "lock_timeout": options["lock_timeout"],
            "bundle": "",
        }
        result = self.on_host(payload, variables)
        needed = result.pop("needed", [])
        if needed:
            bundle = self._send({app: contents[app] for app in needed})
            result = self.on_host({**payload, "bundle": bundle}, variables)
            result.pop("needed", None)
        return result

    def _describe(self, options: dict[str, Any]) -> dict[str, Content]:
        """Replace the source of every app by what the host wants to know, and collect what the controller has."""
        contents: dict[str, Content] = {}
        problems = []
        for app in options["apps"]:
            if app["state"] == "absent":
                continue
            if app["program"] not in ("", *options["server_requirements"]):
                problems.append(f"- app '{app['name']}': server_requirements has no '{app['program']}'")
            try:
                app["source"], content = describe(app["source"], self._folders())
            except SourceError as error:
                problems.append(f"- app '{app['name']}': {error}")
                continue
            if content:
                contents[app["name"]] = content
                if self._task.diff and self._task.check_mode:
                    app["source"]["listing"] = content.listing(app["source"]["subdirectory"])
        if problems:
            raise AnsibleActionFail("Nothing was changed:\n" + "\n".join(problems))
        return contents

    def _folders(self) -> list[Path]:
        """Where relative paths of sources are looked for."""
        return search_folders(self._loader.get_basedir(), constants.config.get_config_value("CONFIG_FILE"))

    def _send(self, contents: dict[str, Content]) -> str:
        """Copy ``contents`` to the host in one file; Ansible removes it with its own temporary folder."""
        base: ActionBase = self
        folder = base._connection._shell.tmpdir or base._make_tmp_path()
        remote: str = base._connection._shell.join_path(folder, "contents.tar")
        with tempfile.NamedTemporaryFile(prefix="barehost-") as file:
            write_bundle(contents, file)
            file.flush()
            base._transfer_file(file.name, remote)
        base._fixup_perms2([folder, remote], execute=False)
        return remote
