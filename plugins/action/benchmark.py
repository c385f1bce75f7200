# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check what is wanted of a benchmark, have the host do its part; see modules/benchmark.py."""

from __future__ import annotations

from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible_collections.barehost.web.plugins.modules.benchmark import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._benchmark import plan, problems, settings
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction
from ansible_collections.barehost.web.plugins.plugin_utils._problem import ordered
from ansible_collections.barehost.web.plugins.plugin_utils._sources import search_folders

#: How long a server may take from its start to its first answer.
_START_SECONDS = 60


class ActionModule(HostAction):
    """Everything that can be found wrong without the host is found before the host is asked."""

    documentation = DOCUMENTATION
    work = "benchmark"
    # It leaves a host as it was; what it keeps for that is its own business.
    reads = True
    lasting = False

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Do one step."""
        if options["step"] == "begin":
            return self._begin(options["settings"], options["model"], variables)
        if options["step"] == "note":
            return self.on_host({"step": "note", "servers": options["plan"]["servers"]}, variables)
        if options["step"] == "measure":
            keys = ("host", "port", "connections", "seconds")
            chosen = {key: options["plan"][key] for key in keys} | {"apps": options["plan"]["targets"]}
            more = {"step": "measure", "round": options["round"], "start_timeout": _START_SECONDS}
            return self.on_host({**chosen, **more}, variables)
        return self.on_host({"step": "end"}, variables)

    def _begin(self, given: dict[str, Any], model: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        folders = search_folders(self._loader.get_basedir(), constants.config.get_config_value("CONFIG_FILE"))
        found = problems(given, model, folders)
        if found:
            lines = "\n".join(f"- {problem}" for problem in ordered(found))
            raise AnsibleActionFail(f"Nothing was changed. What is wanted of the benchmark has mistakes:\n{lines}")
        wanted = settings(given, model)
        result = self.on_host({"step": "begin"}, variables)
        if result.get("failed") or "entries" not in result:
            return result
        result["plan"], reasons = plan(wanted, result.pop("entries"), result["unfinished"])
        if reasons:
            lines = "\n".join(f"- {reason}" for reason in reasons)
            raise AnsibleActionFail(
                f"Nothing was changed, because what the host serves is not what the inventory says:\n{lines}\n"
                "Run the playbook site.yml first, or take the inventory that it was run with."
            )
        return result
