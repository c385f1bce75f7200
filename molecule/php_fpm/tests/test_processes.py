# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pools go on, or come back, whatever happens to their processes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host


#: They take as long as playbooks; what they see hangs on the server and not on Debian.
pytestmark = pytest.mark.costly


def test_killed_child_is_replaced_within_two_seconds(ask: Any, unit: Any, least: Any) -> None:
    master, victim = unit("shop").master, ask("shop", "process").value
    assert least(lambda: ask.kill(ask("shop", "process").value, "shop"), 2) < 2
    assert unit("shop").master == master
    assert ask("shop", "process").value != victim


def test_killed_master_is_back_within_two_seconds(ask: Any, unit: Any, least: Any) -> None:
    master = unit("shop").master
    assert least(lambda: ask.kill(unit("shop").master, "shop"), 2) < 2
    assert unit("shop").master != master


@pytest.mark.parametrize("verb", ["restart", "reload"])
def test_no_request_is_lost_when_a_pool_is_told_to(ask: Any, host: Host, unit: Any, busy: Any, verb: str) -> None:
    before = unit("shop").workers
    with ask.watch("shop", "wait", seconds=0.02) as seen:
        for _round in range(3):
            time.sleep(0.5)
            host.check_output(f"systemctl {verb} php_fpm@shop.service")
        time.sleep(0.5)
    assert seen.failures == []
    assert seen.count >= 30
    assert seen.slowest < 5 * busy()
    assert not before & unit("shop").workers


@pytest.mark.parametrize("verb", ["restart", "reload"])
def test_request_in_flight_is_finished_first(ask: Any, host: Host, verb: str) -> None:
    with ask.watch("shop", "wait", seconds=1, threads=2) as seen:
        time.sleep(0.5)
        host.check_output(f"systemctl {verb} php_fpm@shop.service")
        time.sleep(1)
    assert seen.failures == []
    assert seen.count >= 4


def test_requests_that_wait_do_not_block_each_other(ask: Any, busy: Any) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _number: ask("shop", "wait", seconds=1.5), range(4)))
    assert [answer.status for answer in answers] == [200] * 4
    assert max(answer.seconds for answer in answers) < 4 * busy()


def test_pools_start_with_the_machine(ask: Any, host: Host, reboot: Any, version: str) -> None:
    reboot()
    for name in ("hello", "shop"):
        assert ask(name, "who").value == name
    assert host.check_output("systemctl --failed --no-legend") == ""
    assert not host.service(f"php{version}-fpm.service").is_running
