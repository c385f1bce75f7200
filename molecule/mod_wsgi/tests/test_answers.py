# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients get from apps under mod_wsgi, through nginx and without it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

SITE, TOY = "example.test", "toy.example.test"


@pytest.mark.parametrize(
    ("host_name", "path", "text"),
    [(TOY, "/", "Hello World!"), (SITE, "/", "Good morning"), (SITE, "/own/", "Hello World!")],
)
def test_every_app_answers_through_nginx(http: Http, host_name: str, path: str, text: str) -> None:
    answer = http(path, host=host_name)
    assert (answer.status, answer.text) == (200, text)


def test_app_answers_without_a_web_server_where_it_is_asked_for(http: Http) -> None:
    assert http("/", port=5000).text == "Good morning"


@pytest.mark.parametrize(
    ("path", "script_name", "path_info"),
    [
        ("/own/request", "/own", "/request"),
        ("/own/request/a%20b", "/own", "/request/a b"),
        ("/own/request/a%2Fb", "/own", "/request/a/b"),
        ("/own/request/caf%C3%A9", "/own", "/request/cafÃ©"),
        ("/%6fwn/request", "/own", "/request"),
        ("//own/request", "/own", "/request"),
        ("/x/../own/request", "/own", "/request"),
    ],
)
def test_app_is_told_where_it_is_mounted(http: Http, path: str, script_name: str, path_info: str) -> None:
    claims = {"X-Script-Name": "/claimed", "X-Real-IP": "203.0.113.66", "X-Forwarded-Proto": "https"}
    for headers in ({}, claims):
        told = http(path, host=SITE, headers=headers).json()
        assert told["environ"] == {
            "SCRIPT_NAME": script_name,
            "PATH_INFO": path_info,
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": SITE,
            "SERVER_NAME": SITE,
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
        }


def test_stranger_is_not_believed(host: Host, http: Http) -> None:
    address = host.check_output("hostname -I").split()[0]
    claims = {"X-Real-IP": "203.0.113.66", "X-Forwarded-Proto": "https"}
    told = http("/request", address=address, port=5000, headers=claims).json()["environ"]
    assert (told["REMOTE_ADDR"], told["wsgi.url_scheme"]) == (address, "http")


def test_credentials_reach_the_app(http: Http) -> None:
    told = http("/request", host=TOY, headers={"Authorization": "Basic dTpw"}).json()
    assert "Authorization" in told["headers"]


def test_headers_may_be_as_big_as_the_web_server_lets_through(http: Http) -> None:
    assert http("/", host=TOY, headers={"X-Big": "a" * 15000}).status == 200


def test_requests_that_wait_do_not_block_each_other(http: Http, busy: Any) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _number: http("/wait/2.0", host=TOY), range(2)))
    assert [answer.text for answer in answers] == ["done", "done"]
    assert max(answer.seconds for answer in answers) < 3.5 * busy()


def test_worker_is_replaced_after_enough_requests_and_when_it_hangs(converge: Any, http: Http, varied: Any) -> None:
    assert converge(varied(toy={"processes": 1, "max_requests": 5, "timeout": 2})).rc == 0
    with http.watch("/", host=TOY) as seen:
        workers = {http("/request", host=TOY).json()["worker"] for _number in range(12)}
    assert len(workers) >= 2
    assert seen.failures == []
    assert http("/wait/9.0", host=TOY).status == 504
    assert http("/", host=TOY).status == 200


def test_every_app_has_a_process_of_its_own_user_and_module(host: Host, unit: Any) -> None:
    for name, module in (("toy", "/usr/lib/apache2/modules/mod_wsgi.so"), ("own", "/srv/own/releases/")):
        assert host.check_output(f"ps -o user= -p {unit(name).master}") == name
        assert module in host.check_output(f"cat /proc/{unit(name).master}/maps")


def test_nobody_but_nginx_is_at_port_80(host: Host) -> None:
    listening = host.check_output("ss -Hltnp 'sport = :80'")
    assert "nginx" in listening
    assert "apache2" not in listening
    assert host.run("systemctl cat apache2.service").rc != 0
