# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell the results of a benchmark on the control node; see modules/benchmark_report.py."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.barehost.web.plugins.modules.benchmark_report import DOCUMENTATION
from ansible_collections.barehost.web.plugins.plugin_utils._benchmark_page import page
from ansible_collections.barehost.web.plugins.plugin_utils._benchmark_report import read
from ansible_collections.barehost.web.plugins.plugin_utils._convert import plain
from ansible_collections.barehost.web.plugins.plugin_utils._options import checked_options


class ActionModule(ActionBase):
    """Renders and writes; the host has been asked already."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Print the table, write the files."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        options = checked_options(DOCUMENTATION, plain(dict(self._task.args)))
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        report = read(options["plan"], options["size"], options["rounds"], when)
        host = str((task_vars or {}).get("inventory_hostname", "host"))
        folder = Path(options["folder"]).expanduser().absolute()
        files = {
            folder / f"{host}.json": json.dumps(report.plain(), indent=1) + "\n",
            folder / f"{host}.html": page(report),
            folder / f"{host}.md": report.markdown(),
        }
        if not self._task.check_mode:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                for path, text in files.items():
                    path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise AnsibleActionFail(
                    f"benchmark_results: {folder} cannot be written to: {error.strerror}; name another folder"
                ) from error
        self._display.display("\n".join(["", *report.table(), "", *map(str, files), ""]))
        result.update(changed=False, files=[str(path) for path in files])
        if missing := report.missing():
            result.update(failed=True, msg=f"No round counts of: {', '.join(missing)}. The reasons are above.")
        return result
