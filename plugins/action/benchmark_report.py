# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell the results of a benchmark on the control node; see modules/benchmark_report.py."""

from __future__ import annotations

import json
import time
from typing import Any

from ansible_collections.barehost.web.plugins.modules.benchmark_report import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._benchmark_page import page
from ansible_collections.barehost.web.plugins.plugin_utils._benchmark_report import read
from ansible_collections.barehost.web.plugins.plugin_utils._results import Results, ResultsAction


class ActionModule(ResultsAction):
    """The results of one host."""

    documentation = DOCUMENTATION
    folder = "benchmark_results"

    def results(self, options: dict[str, Any]) -> Results:
        """Give the table and the files."""
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        report = read(options["plan"], options["size"], options["rounds"], when)
        files = {
            f"{self.host}.json": json.dumps(report.plain(), indent=1) + "\n",
            f"{self.host}.html": page(report),
            f"{self.host}.md": report.markdown(),
        }
        missing = ", ".join(report.missing())
        return Results(
            report.table(), files, f"No round counts of: {missing}. The reasons are above." if missing else ""
        )
