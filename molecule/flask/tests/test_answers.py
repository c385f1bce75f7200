# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients get from apps under the development server, through nginx and without it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

SITE = "toy.example.test"


@pytest.mark.parametrize(("path", "text"), [("/", "Hello World!"), ("/draft/", "Good morning")])
def test_every_app_answers_through_nginx(http: Http, path: str, text: str) -> None:
    answer = http(path, host=SITE)
    assert (answer.status, answer.text) == (200, text)


def test_app_answers_on_its_port_on_this_host_only(host: Host, http: Http) -> None:
    assert http("/", port=5000).text == "Hello World!"
    listening = host.check_output("ss -Hltn | awk '{print $4}'").split()
    assert [address for address in listening if address.endswith(":5000")] == ["127.0.0.1:5000"]


def test_nginx_tells_the_app_who_asks(http: Http) -> None:
    headers = {name.title() for name in http("/request", host=SITE).json()["headers"]}
    assert {"Host", "X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Proto"} <= headers


@pytest.mark.parametrize(
    ("path", "script_name", "path_info"),
    [
        ("/request", "", "/request"),
        ("//request", "", "//request"),
        ("/draft/request", "/draft", "/request"),
        ("/draft/request/a%20b", "/draft", "/request/a b"),
        ("/%64raft/request", "/draft", "/request"),
        ("//draft/request", "/draft", "/request"),
        ("/x/../draft/request", "/draft", "/request"),
    ],
)
def test_app_is_told_where_it_is_mounted(http: Http, path: str, script_name: str, path_info: str) -> None:
    claims = {
        "X-Script-Name": "/claimed",
        "X-Real-IP": "203.0.113.66",
        "SCRIPT_NAME": "/x",
        "X-Forwarded-Proto": "https",
    }
    for headers in ({}, claims):
        assert http(path, host=SITE, headers=headers).json()["environ"] == {
            "SCRIPT_NAME": script_name,
            "PATH_INFO": path_info,
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": SITE,
            "SERVER_NAME": SITE,
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
        }


def test_requests_that_wait_do_not_block_each_other(http: Http, busy: Any) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _number: http("/wait/2.5", host=SITE), range(2)))
    assert [answer.text for answer in answers] == ["done", "done"]
    assert max(answer.seconds for answer in answers) < 4.5 * busy()


@pytest.mark.parametrize("name", ["toy", "draft"])
def test_exposure_is_at_most_what_was_reached(host: Host, name: str) -> None:
    done = host.run(f"systemd-analyze security --no-pager --threshold=12 flask@{name}.service")
    assert done.rc == 0, done.stdout


def test_unit_files_are_sound(host: Host) -> None:
    done = host.run("systemd-analyze verify flask@toy.service flask@draft.socket")
    assert (done.rc, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize(("user", "can"), [("www-data", True), ("nobody", False), ("toy", False), ("draft", False)])
def test_only_the_web_server_can_connect(host: Host, user: str, can: bool) -> None:
    connect = "python3 -c \"import socket; socket.socket(socket.AF_UNIX).connect('/run/flask/draft.sock')\""
    assert (host.run(f"runuser -u {user} -- {connect}").rc == 0) is can
