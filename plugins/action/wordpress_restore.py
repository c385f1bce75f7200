# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restore WordPresses, from archives on the host or from here; see modules/wordpress_restore.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.barehost.web.plugins.modules.wordpress_restore import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._archives import archive_of, chosen
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Problem, show


class ActionModule(HostAction):
    """One call for all of them; each archive that is sent is a transfer before it."""

    documentation = DOCUMENTATION
    work = "wordpress_archives"
    lasting = False
    TRANSFERS_FILES = True

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Find out what is meant, send, have it restored."""
        host = str(variables.get("inventory_hostname", ""))
        restores, files = _meant(options, host)
        for one in restores:
            if one["name"] in files:
                one["archive"] = self._send(files[one["name"]], f"{one['name']}.tar.gz", host)
        self._display.display(f"{host}: restoring {', '.join(one['name'] for one in restores)}")
        payload = {"restores": restores, "origin": options["origin"], "new_address": options["new_address"]}
        result = self.on_host(payload, variables)
        for one in restores:
            # Whoever reads this knows the file by its name here.
            if one["name"] in files and "msg" in result:
                result["msg"] = result["msg"].replace(one["archive"], str(files[one["name"]]))
        for line in result.get("lines", ()):
            self._display.display(f"{host}: {line}")
        return result

    def _send(self, file: Path, name: str, host: str) -> str:
        """Copy an archive to a folder on the host that Ansible removes with the task."""
        base: ActionBase = self
        self._display.display(f"{host}: sending {file}")
        remote: str = base._connection._shell.join_path(self.passage(), name)
        base._transfer_file(str(file), remote)
        return remote


def _meant(options: dict[str, Any], host: str) -> tuple[list[dict[str, str]], dict[str, Path]]:
    """Say what is restored from what, and which files of those are here.

    :raises AnsibleActionFail: with every mistake.
    """
    names, faults = chosen(options["names"], options["installations"])
    problems = [fault.at("wordpress") for fault in faults]
    restores: list[dict[str, str]] = []
    files: dict[str, Path] = {}
    for name in names:
        archive, file, fault = archive_of(options["archive"], name, host)
        problems += [fault.at("archive")] if fault else []
        files |= {name: file} if file else {}
        restores.append({"name": name, "archive": archive})
    if len(names) > 1 and (options["origin"] or len({*files.values()}) < len(files)):
        what = "from" if options["origin"] else "archive"
        value = show(options["origin"] or options["archive"])
        problems.append(Problem(what, f"{value} is for one WordPress, {len(names)} are named", "name one"))
    if problems:
        raise AnsibleActionFail(
            "Nothing was changed:\n" + "\n".join(str(problem) for problem in dict.fromkeys(problems))
        )
    return restores, files
