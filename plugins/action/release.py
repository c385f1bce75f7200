# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell the host which releases are wanted, and send the code it asks for; see modules/release.py."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.barehost.web.plugins.modules.release import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._sending_action import SendingAction
from ansible_collections.barehost.web.plugins.plugin_utils._source import Content, SourceError, describe


class ActionModule(SendingAction):
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
            bundle = self.send({app: contents[app] for app in needed})
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
                app["source"], content = describe(app["source"], self.folders())
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
