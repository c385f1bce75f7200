# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apps go on, or come back, whatever happens to their processes or their code."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http
    from testinfra.host import Host

SITE, TOY = "example.test", "toy.example.test"
#: They take as long as playbooks; what they see hangs on the server and not on Debian.
pytestmark = pytest.mark.costly
NAMES = ("toy", "hello", "own")


def test_killed_worker_is_back_within_two_seconds(http: Http, unit: Any, kill: Any, least: Any) -> None:
    def worker() -> int:
        number: int = http("/request", host=TOY).json()["worker"]
        return number

    master, victims = unit("toy").master, []

    def killed() -> float:
        victims.append(worker())
        return float(kill(victims[-1], TOY))

    assert least(killed, 2) < 2
    assert not {worker() for _number in range(9)} & {*victims}
    assert unit("toy").master == master


def test_killed_master_is_back_within_two_seconds(unit: Any, kill: Any, least: Any) -> None:
    master = unit("toy").master
    assert least(lambda: kill(unit("toy").master, TOY), 2) < 2
    assert unit("toy").master != master


def test_request_in_flight_is_finished_before_a_restart(host: Host, http: Http, busy: Any) -> None:
    # One that comes during the restart may find nobody: Apache has no socket of systemd's.
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(http, "/wait/4.0", host=TOY)
        time.sleep(min(busy(), 3))
        host.check_output("systemctl restart mod_wsgi@toy.service")
    assert waiting.result().text == "done"


@pytest.mark.parametrize("name", NAMES)
def test_exposure_is_at_most_what_was_reached(host: Host, name: str) -> None:
    done = host.run(f"systemd-analyze security --no-pager --threshold=12 mod_wsgi@{name}.service")
    assert done.rc == 0, done.stdout


def test_unit_file_is_sound(host: Host) -> None:
    done = host.run("systemd-analyze verify mod_wsgi@hello.service")
    assert (done.rc, done.stdout + done.stderr) == (0, "")


def test_app_cannot_write_its_code_nor_its_settings(host: Host) -> None:
    for path in ("/srv/toy/current/wsgi.py", "/etc/mod_wsgi/toy.wsgi", "/etc/mod_wsgi/toy.conf"):
        assert host.run(f"runuser -u toy -- sh -c 'echo >> {path}'").rc != 0
    for path in ("/etc/mod_wsgi/hello.conf", "/etc/mod_wsgi/hello.wsgi"):
        assert host.run(f"runuser -u toy -- cat {path}").rc != 0


def test_everything_is_back_after_a_reboot(host: Host, http: Http, reboot: Callable[[], None], soon: Any) -> None:
    listening = "ss -Hltn | awk '{print $4}' | sort -u"
    before = host.check_output(listening)
    reboot()
    soon(lambda: [http("/", host=name).status for name in (TOY, SITE)] == [200, 200])
    assert http("/own/", host=SITE).status == 200
    assert host.check_output(listening) == before
    assert host.check_output("systemctl --failed --no-legend") == ""
