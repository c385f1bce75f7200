# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changed code is taken up where that was asked for, and errors are shown there; nowhere else."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

SITE = "toy.example.test"
SOCKET = "/run/flask/draft.sock"
NEW = "app.add_url_rule('/new', view_func=lambda: 'new')"
BROKEN = "raise RuntimeError('no such table: toys')"
FAILS = "app.add_url_rule('/fails', view_func=lambda: 1 / 0)"
SECRET = re.compile(r'SECRET = "(\w+)"')


def test_changed_code_is_taken_up_and_no_request_is_lost(http: Http, unit: Any, soon: Any, append: Any) -> None:
    before = unit("draft").processes
    with http.watch("/draft/", host=SITE, least=4) as seen:
        append("draft", NEW)
        soon(lambda: http("/draft/new", host=SITE).text == "new")
    assert seen.failures == []
    assert unit("draft").processes == before


def test_code_that_cannot_be_loaded_is_told_until_it_can(
    host: Host, http: Http, unit: Any, soon: Any, append: Any
) -> None:
    before = unit("draft").processes
    append("draft", BROKEN)
    soon(lambda: http("/draft/", host=SITE).status == 500)
    assert "RuntimeError: no such table: toys" in http("/draft/", host=SITE).text
    assert "RuntimeError: no such table: toys" in host.check_output("journalctl -u flask@draft.service -n 20 -o cat")
    host.check_output("sed -i '$d' /srv/draft/current/wsgi.py")
    soon(lambda: http("/draft/", host=SITE).text == "Good morning")
    assert unit("draft").processes == before


def test_code_is_left_alone_where_nobody_asked_for_more(host: Host, http: Http, append: Any) -> None:
    append("toy", NEW)
    time.sleep(2)
    assert http("/new", host=SITE).status == 404
    host.check_output("systemctl reload flask@toy.service")
    assert http("/new", host=SITE).text == "new"


def test_code_that_cannot_be_loaded_leaves_the_running_app_alone(
    host: Host, http: Http, unit: Any, append: Any
) -> None:
    before = unit("toy").processes
    append("toy", BROKEN)
    assert host.run("systemctl reload flask@toy.service").rc != 0
    assert "RuntimeError: no such table: toys" in host.check_output("journalctl -u flask@toy.service -n 20 -o cat")
    assert unit("toy").processes == before
    assert http("/", host=SITE).status == 200


@pytest.mark.parametrize(("name", "prefix"), [("draft", "/draft"), ("toy", "")])
def test_errors_are_shown_where_that_was_asked_for(host: Host, http: Http, append: Any, name: str, prefix: str) -> None:
    shown = name == "draft"
    append(name, FAILS)
    host.check_output(f"systemctl reload flask@{name}.service")
    answer = http(f"{prefix}/fails", host=SITE)
    assert answer.status == 500
    assert ("ZeroDivisionError" in answer.text) is shown
    assert ("EVALEX" in answer.text) is shown
    assert "EVALEX = true" not in answer.text
    assert http(f"{prefix}/console", host=SITE).status == (400 if shown else 404)


def test_debugger_obeys_who_knows_the_pin_and_asks_for_this_host(host: Host, http: Http) -> None:
    pin = host.check_output("cat /run/flask/draft/pin")
    secrets = SECRET.findall(http("/console", unix=SOCKET).text)
    command = f"/console?__debugger__=yes&cmd=pinauth&s={secrets[0]}&pin="
    assert http(command + pin, unix=SOCKET).json() == {"auth": True, "exhausted": False}
    assert http(command + "000-000-0000", unix=SOCKET).json()["auth"] is False
    assert http(command + pin, unix=SOCKET, host=SITE).status == 400


def test_pin_is_for_root_and_the_app(host: Host) -> None:
    pin = host.check_output("cat /run/flask/draft/pin")
    assert re.fullmatch(r"\d{3}-\d{3}-\d{3}", pin)
    assert [host.run(f"runuser -u {user} -- cat /run/flask/draft/pin").rc == 0 for user in ("draft", "toy")] == [
        True,
        False,
    ]
    assert pin not in host.check_output("journalctl --no-pager -o cat")
    process = host.check_output("systemctl show --property=MainPID --value flask@draft.service")
    assert pin not in host.check_output(f"cat /proc/{process}/environ /proc/{process}/cmdline | tr '\\0' '\\n'")
    host.check_output("systemctl restart flask@draft.service")
    assert host.check_output("cat /run/flask/draft/pin") != pin
