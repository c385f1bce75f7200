# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""See how a host is; see modules/inspect.py."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible_collections.barehost.web.plugins.modules.inspect import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._host_action import HostAction
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems
from ansible_collections.barehost.web.plugins.plugin_utils._report import Finding, Host
from ansible_collections.barehost.web.plugins.plugin_utils._report_judge import Limits, Model, judged, model_of

_MODEL = ("web_apps", "web_sites", "web_wordpress", "web_environment")


class ActionModule(HostAction):
    """One call for everything; what it means is found out here."""

    documentation = DOCUMENTATION
    work = "inspect"
    reads = True
    lasting = False

    def perform(self, options: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Ask and judge; that there is no answer is an answer, too."""
        name = str(variables.get("inventory_hostname", "host"))
        limits = Limits(options["days"], options["disk"], options["backup_days"])
        if wrong := limits.problems():
            raise AnsibleActionFail("\n".join(map(str, wrong)))
        given = {key: options[key] for key in _MODEL}
        # Sources on the control node are nobody's business here.
        mistakes = problems({key: value for key, value in given.items() if value is not None})
        try:
            result = self.on_host({}, variables)
        except AnsibleError as error:
            return _answer(Host(name, fault=_said(error.message)))
        if "facts" not in result:
            return _answer(Host(name, fault=_said(result.get("module_stderr") or result.get("msg", ""))))
        model = Model() if mistakes else model_of(given)
        host = judged(name, result["facts"], model, limits, datetime.now(UTC))
        found = [Finding("model", str(mistake), "the host was not compared with it") for mistake in mistakes]
        return _answer(replace(host, findings=(*found, *host.findings)))


def _said(text: object) -> str:
    """Put an error on one line."""
    return " ".join(str(text).split()) or "there is no answer"


def _answer(host: Host) -> dict[str, Any]:
    return {"changed": False, "host": asdict(host), "attention": [str(finding) for finding in host.attention()]}
