# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apps go on, or come back, whatever happens to their process."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

#: They take as long as playbooks; what they see hangs on the server and not on Debian.
pytestmark = pytest.mark.costly
SITE = "toy.example.test"


@pytest.mark.parametrize(("name", "path"), [("toy", "/"), ("draft", "/draft/")])
def test_killed_process_is_back_within_two_seconds(
    host: Host, http: Http, unit: Any, least: Any, *, name: str, path: str
) -> None:
    def killed() -> float:
        host.check_output(f"kill -KILL {unit(name).master}")
        answer = http(path, host=SITE)
        assert answer.status == 200
        return answer.seconds

    master = unit(name).master
    assert least(killed, 2) < 2
    assert unit(name).master != master


@pytest.mark.parametrize("verb", ["restart", "reload"])
def test_no_request_is_lost_when_an_app_is_told_to(host: Host, http: Http, unit: Any, busy: Any, verb: str) -> None:
    master = unit("toy").master
    with http.watch("/", host=SITE, least=5) as seen:
        for _round in range(3):
            time.sleep(0.2)
            host.check_output(f"systemctl {verb} flask@toy.service")
        time.sleep(0.2)
    assert seen.failures == []
    assert seen.slowest < 5 * busy()
    assert (unit("toy").master == master) is (verb == "reload")


@pytest.mark.parametrize("verb", ["restart", "reload"])
def test_request_in_flight_is_finished_first(host: Host, http: Http, verb: str) -> None:
    with http.watch("/wait/1.0", host=SITE, least=2) as seen:
        time.sleep(0.5)
        host.check_output(f"systemctl {verb} flask@toy.service")
        time.sleep(1.5)
    assert seen.failures == []


def test_request_that_does_not_end_is_cut_off_in_time(host: Host, http: Http, busy: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        endless = pool.submit(http, "/draft/wait/9.0", host=SITE)
        time.sleep(busy())
        start = time.monotonic()
        host.check_output("systemctl restart flask@draft.service")
        # draft gives 2 seconds.
        assert 1.5 < time.monotonic() - start < 5 * busy()
        assert endless.result().status == 502


def test_apps_start_with_the_machine(host: Host, http: Http, reboot: Any) -> None:
    reboot()
    assert http("/", host=SITE).status == 200
    assert http("/draft/", host=SITE).status == 200
    assert host.check_output("systemctl --failed --no-legend") == ""
