# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell on the control node how hosts are; see modules/report.py."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.barehost.web.plugins.modules.report import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._report import Host, Report, host_from
from ansible_collections.barehost.web.plugins.plugin_utils._report_page import page
from ansible_collections.barehost.web.plugins.plugin_utils._report_text import text
from ansible_collections.barehost.web.plugins.plugin_utils._results import Results, ResultsAction


class ActionModule(ResultsAction):
    """All hosts together."""

    documentation = DOCUMENTATION
    folder = "report_results"

    def results(self, options: dict[str, Any]) -> Results:
        """Give the tables and the files."""
        hosts = tuple(_host(name, answer) for name, answer in options["hosts"].items())
        report = Report(time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), hosts)
        files = {"report.json": json.dumps(report.plain(), indent=1) + "\n", "report.html": page(report)}
        return Results(text(report), files)


def _host(name: str, answer: Mapping[str, Any]) -> Host:
    """Read what the first task has returned; one that has failed for good has no host in it."""
    if "host" in answer:
        return host_from(answer["host"])
    return Host(name, fault=str(answer.get("msg") or "there is no answer"))
