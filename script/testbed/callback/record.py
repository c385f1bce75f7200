# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write every task's result down as a line of JSON, for tests that look at single tasks."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.plugins.callback import CallbackBase

if TYPE_CHECKING:
    from ansible.executor.task_result import CallbackTaskResult

DOCUMENTATION = r"""
name: record
type: aggregate
short_description: Write every task's result to a file
description:
  - One line of JSON per task and host goes to the file that the environment variable E(BAREHOST_RECORD) names.
  - After as many lines as E(BAREHOST_KILL_AFTER) says the run is killed, as by somebody who has no time.
"""


class CallbackModule(CallbackBase):
    """Record the results of one run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    notes = 0

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        """Note a task that went well."""
        self._note(result, "changed" if result.is_changed() else "ok")

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        """Note a task whose condition was false."""
        self._note(result, "skipped")

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        """Note a task that failed."""
        self._note(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        """Note a host that did not answer."""
        self._note(result, "unreachable")

    def _note(self, result: CallbackTaskResult, status: str) -> None:
        """Append one line; secrets are already gone from the copy that callbacks get."""
        if result.task.action in {"meta", "ansible.builtin.meta"}:
            # It is what Ansible itself goes by, and no task of a role.
            return
        line = {
            "host": result.host.get_name(),
            "name": result.task_name,
            "action": result.task.action,
            "status": status,
            "result": dict(result.result),
        }
        with Path(os.environ["BAREHOST_RECORD"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")
        self.notes += 1
        if self.notes == int(os.environ.get("BAREHOST_KILL_AFTER", "0")):
            os.kill(os.getpid(), signal.SIGKILL)
