# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""playbooks/report.yml tells of workers and schedules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from testbed.converge import converge as run

if TYPE_CHECKING:
    from pathlib import Path

    from testinfra.host import Host


def test_workers_and_schedules_are_told_and_one_that_ends_is_named(machine: Any, host: Host, tmp_path: Path) -> None:
    def tell() -> tuple[int, dict[str, Any]]:
        outcome = run(machine.scenario, machine.name, {"report_results": str(tmp_path)}, playbook="report")
        told: dict[str, Any] = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
        return outcome.rc, told

    status, told = tell()
    (seen,) = told["hosts"]
    rows = {one["name"]: one for one in seen["services"] if one["kind"] == "worker"}
    assert rows.keys() == {"queue.letters@1", "queue.letters@2", "newsletter.rq@1"}
    assert all(one["state"] == "running" and one["memory"] > 1 << 20 for one in rows.values())
    assert [one["unit"] for one in seen["timers"]] == ["schedule-queue.tidy.timer"]
    assert status == 0

    host.check_output("systemctl stop worker-queue.letters@2.service")
    status, told = tell()
    host.check_output("systemctl start worker-queue.letters@2.service")
    assert status != 0
    assert [one["subject"] for one in told["attention"]] == ["worker-queue.letters@2.service"]
