# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell the host which releases are wanted, and send the code it asks for; see modules/release.py."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.barehost.web.plugins.modules.release import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils import _run
from ansible_collections.barehost.web.plugins.plugin_utils._app_plan import programs
from ansible_collections.barehost.web.plugins.plugin_utils._deploy import chosen, told
from ansible_collections.barehost.web.plugins.plugin_utils._sending_action import SendingAction
from ansible_collections.barehost.web.plugins.plugin_utils._source import Content, SourceError, describe, hidden


class ActionModule(SendingAction):
    """One call where the host has everything; otherwise one transfer and a second call."""

    documentation = DOCUMENTATION
    work = "release"
    volatile = ("bundle", "begun", "by")

    def subject(self, options: Mapping[str, Any]) -> str:
        """Tell what the steps of a play are for from each other."""
        removes = all(app["state"] == "absent" for app in options["apps"])
        return "deploy" if options["deploy"] else "remove" if removes else "release"

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Look at the sources, ask, send, release."""
        deploy = options["deploy"] or {}
        if not options["apps"] and not options["purge"]:
            return {"changed": False, "apps": [], "removed": [], "orphans": []}
        if deploy:
            found, problems = chosen(
                options["apps"], deploy["app"], deploy["version"], returns=bool(deploy["return_to"])
            )
            if problems:
                raise AnsibleActionFail("\n".join(["Nothing was changed:", *map(str, problems)]))
            options["apps"] = found
        contents = self._describe(options)
        payload = {
            "deploy": deploy,
            "apps": options["apps"],
            "requirements": options["server_requirements"],
            "index": options["index"],
            "fetch_python": options["fetch_python"],
            "entries": options["entries"],
            "purge": options["purge"],
            "uv_version": options["uv_version"],
            "uv_hashes": options["uv_checksums"],
            "timeout": options["build_timeout"],
            "lock_timeout": options["lock_timeout"],
            "bundle": "",
            "begun": _run.BEGUN,
            "by": f"{getpass.getuser()}@{socket.gethostname()}",
            "programs": programs() if any(app["preflight"] for app in options["apps"]) else {},
        }
        result = self.on_host(payload, variables)
        needed = result.pop("needed", [])
        if needed:
            bundle = self.send({app: contents[app] for app in needed})
            result = self.on_host({**payload, "bundle": bundle}, variables)
            result.pop("needed", None)
        host = variables.get("inventory_hostname", "")
        for note in result.get("notes", ()):
            self._display.display(f"{host}: {note}")
        if deploy:
            for line in told(result):
                self._display.display(f"{host}: {line}")
        return result

    def _describe(self, options: dict[str, Any]) -> dict[str, Content]:
        """Replace the source of every app by what the host wants to know, and collect what the controller has."""
        contents: dict[str, Content] = {}
        problems = []
        for app in options["apps"]:
            if app["state"] == "absent":
                continue
            if options["deploy"] and options["deploy"]["return_to"]:
                # Whatever there is here now, the host has what it needs.
                app["source"] = {"kind": "none", "location": ""}
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
                texts = hidden(content, app["source"]["subdirectory"], app["shared"])
                problems += [f"- app '{app['name']}': {text}" for text in texts]
                if self._task.diff and self._task.check_mode:
                    app["source"]["listing"] = content.listing(app["source"]["subdirectory"])
        if problems:
            raise AnsibleActionFail("Nothing was changed:\n" + "\n".join(problems))
        return contents
