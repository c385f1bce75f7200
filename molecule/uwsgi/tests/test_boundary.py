# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an app cannot have root do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http
    from testinfra.host import Host

TOY = "toy.example.test"


@pytest.mark.parametrize(("service", "user"), [("uwsgi@toy.service", "toy"), ("uwsgi@own.service", "own")])
def test_root_runs_no_program_of_an_app(leads_root: Callable[[str, str], bool], service: str, user: str) -> None:
    assert leads_root(service, user) is False


@pytest.mark.parametrize("target", ["/root/precious", "/root/led"])
def test_reload_writes_to_nothing_that_an_app_leads_it_to(host: Host, http: Http, soon: Any, target: str) -> None:
    host.check_output("echo precious >/root/precious")
    host.check_output("runuser -u toy -- ln -sf %s /run/uwsgi/toy/fifo", target)
    host.run("systemctl reload uwsgi@toy.service")
    assert host.check_output("cat /root/precious; rm /root/precious") == "precious"
    assert not host.file("/root/led").exists
    # Whoever has taken its own fifo away is told nothing any more.
    host.check_output("systemctl kill --signal=KILL uwsgi@toy.service")
    soon(lambda: http("/", host=TOY).status == 200)
