# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""playbooks/report.yml of a host with an app and a WordPress; that of certificates is a matter of scenario tls."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from testbed.converge import Outcome
from testbed.converge import converge as run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from testinfra.host import Host

SQL = "mariadb --batch --skip-column-names -e \"{} blog.wp_options {} WHERE option_name = 'db_version'\""


@pytest.fixture
def report(machine: Any, tmp_path: Path) -> Callable[..., tuple[Outcome, dict[str, Any]]]:
    """Run the playbook, and read what it has written."""

    def tell(**variables: Any) -> tuple[Outcome, dict[str, Any]]:
        given = {"report_results": str(tmp_path), **variables}
        outcome = run(machine.scenario, machine.name, given, playbook="report")
        return outcome, json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))

    return tell


def subjects(told: dict[str, Any]) -> list[str]:
    return [one["subject"] for one in told["attention"]]


def test_a_good_host_is_told_with_all_that_it_runs(host: Host, report: Callable[..., Any]) -> None:
    outcome, told = report()
    assert outcome.rc == 0, outcome
    (seen,) = told["hosts"]
    rows = {f"{one['kind']} {one['name']}": one for one in seen["services"]}
    assert rows.keys() == {"site main", "site frontend", "app util", "app frontend", "WordPress blog", "server mariadb"}
    assert all(one["state"] == "running" for name, one in rows.items() if name != "app frontend")
    assert rows["app frontend"]["state"] == "released"
    version = host.check_output(
        "sed -n \"s/^.wp_version = '\\(.*\\)';/\\1/p\" /usr/share/wordpress/wp-includes/version.php"
    )
    assert rows["WordPress blog"]["version"].startswith(f"WordPress {version}, PHP 8.")
    live = host.file("/srv/util/current").linked_to.rpartition("/")[2]
    assert rows["app util"]["version"].startswith(live)
    assert rows["server mariadb"]["version"].startswith("MariaDB ")
    assert all(rows[name]["memory"] > 1 << 20 for name in ("site main", "app util", "WordPress blog", "server mariadb"))
    assert [one["unit"] for one in seen["timers"]] == ["wordpress-cron@blog.timer"]
    secrets = [host.file(path).content_string for path in ("/etc/barehost/wordpress/blog.password",)]
    assert all(secret.strip() and secret.strip() not in outcome.output + json.dumps(told) for secret in secrets)


def test_tables_that_wait_for_an_update_fail_the_run(host: Host, report: Callable[..., Any]) -> None:
    version = host.check_output(SQL.format("SELECT option_value FROM", "")).strip()
    host.check_output(SQL.format("UPDATE", "SET option_value = '1'"))
    outcome, told = report()
    host.check_output(SQL.format("UPDATE", f"SET option_value = '{version}'"))
    assert outcome.rc == 2
    assert subjects(told) == ["WordPress blog"]
    assert f"its tables are of version 1, and the code wants {version}" in told["attention"][0]["reason"]


def test_an_app_without_a_release_fails_the_run(host: Host, report: Callable[..., Any]) -> None:
    host.check_output("mv /srv/frontend/current /srv/frontend/kept")
    outcome, told = report()
    host.check_output("mv /srv/frontend/kept /srv/frontend/current")
    assert outcome.rc == 2
    assert "app frontend: has no release" in outcome.output
    assert subjects(told) == ["app frontend"]


def test_a_timer_whose_work_fails_fails_the_run(host: Host, report: Callable[..., Any]) -> None:
    host.check_output("mv /etc/wordpress/blog.cron.json /root && ! systemctl start wordpress-cron@blog.service")
    outcome, told = report()
    host.check_output("mv /root/blog.cron.json /etc/wordpress && systemctl start wordpress-cron@blog.service")
    assert outcome.rc == 2
    assert subjects(told) == ["wordpress-cron@blog.timer"]
    assert report()[0].rc == 0


def test_backups_that_are_missed_fail_the_run(report: Callable[..., Any]) -> None:
    outcome, told = report(report_backup_days=2)
    assert outcome.rc == 2
    assert subjects(told) == ["WordPress blog"]
    assert told["attention"][0]["reason"].startswith("there is no backup")
