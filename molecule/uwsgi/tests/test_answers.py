# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients get from apps under uWSGI, through nginx and without it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

SITE, TOY = "example.test", "toy.example.test"


@pytest.mark.parametrize(
    ("host_name", "path", "text"),
    [
        (TOY, "/", "Hello World!"),
        (SITE, "/", "Hello World!"),
        (SITE, "/plain/", "Good morning"),
        (SITE, "/own/", "Hello World!"),
    ],
)
def test_every_app_answers_through_nginx(http: Http, host_name: str, path: str, text: str) -> None:
    answer = http(path, host=host_name)
    assert (answer.status, answer.text) == (200, text)


def test_file_is_served_by_nginx_and_everything_else_by_the_app(host: Host, http: Http) -> None:
    host.check_output("mkdir -p /srv/www/toy && echo from a file > /srv/www/toy/robots.txt")
    host.check_output("systemctl stop uwsgi@toy.socket uwsgi@toy.service")
    assert http("/robots.txt", host=TOY).text == "from a file\n"
    assert http("/request", host=TOY).status == 502
    host.check_output("systemctl start uwsgi@toy.socket")
    assert http("/request/robots.txt", host=TOY).json()["rest"] == "robots.txt"
    assert http("/", host=TOY).text == "Hello World!"


def test_http_is_spoken_where_it_is_asked_for(http: Http) -> None:
    assert http("/", port=3031).text == "Good morning"


def test_statistics_tell_what_the_workers_do(host: Host, http: Http) -> None:
    connect = "import socket; s = socket.create_connection(('127.0.0.1', 9191)); print(s.makefile().read())"
    for said in (host.check_output(f'python3 -c "{connect}"'), http("/", port=9091).text):
        workers = json.loads(said)["workers"]
        assert len(workers) == 4
        assert {len(worker["cores"]) for worker in workers} == {2}


def test_statistics_are_for_this_host_only(host: Host) -> None:
    listening = host.check_output("ss -Hltn | awk '{print $4}'").split()
    assert {"127.0.0.1:9091", "127.0.0.1:9191"} <= {*listening}
    assert not {"0.0.0.0:9091", "0.0.0.0:9191", "*:9091", "*:9191"} & {*listening}


def test_settings_are_those_that_were_asked_for(host: Host) -> None:
    ini = dict(
        line.split(" = ", 1)
        for line in host.file("/etc/uwsgi/hello.ini").content_string.splitlines()
        if " = " in line and not line.startswith(";")
    )
    wanted = {"processes": "4", "threads": "2", "max-requests": "5000", "buffer-size": "32768"}
    assert {name: ini[name] for name in wanted} == wanted
    site = host.file("/etc/nginx/sites-available/main.conf").content_string
    assert "uwsgi_read_timeout 30s;" in site
    assert "uwsgi_pass 127.0.0.1:5000;" in site


def test_worker_is_replaced_after_as_many_requests_as_asked_for(converge: Any, http: Http, varied: Any) -> None:
    assert converge(varied(toy={"processes": 1, "max_requests": 5})).rc == 0
    workers = {http("/request", host=TOY).json()["worker"] for _number in range(12)}
    assert 2 <= len(workers) <= 4


def test_headers_may_be_as_big_as_asked_for(http: Http) -> None:
    assert http("/", host=TOY, headers={"X-Big": "a" * 12000}).status == 200


def test_requests_that_wait_do_not_block_each_other(http: Http, busy: Any) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _number: http("/wait/2.0", host=TOY), range(2)))
    assert [answer.text for answer in answers] == ["done", "done"]
    assert max(answer.seconds for answer in answers) < 3.5 * busy()


@pytest.mark.parametrize(
    ("path", "script_name", "path_info"),
    [
        ("/own/request", "/own", "/request"),
        ("/own/request/a%20b", "/own", "/request/a b"),
        ("/%6fwn/request", "/own", "/request"),
        ("//own/request", "/own", "/request"),
        ("/x/../own/request", "/own", "/request"),
    ],
)
def test_app_is_told_where_it_is_mounted(http: Http, path: str, script_name: str, path_info: str) -> None:
    claims = {"X-Script-Name": "/claimed", "X-Real-IP": "203.0.113.66", "SCRIPT_NAME": "/x"}
    for headers in ({}, claims | {"X-Forwarded-Proto": "https"}):
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


def test_app_with_a_uwsgi_of_its_own_runs_under_it(host: Host, unit: Any) -> None:
    assert host.file(f"/proc/{unit('own').master}/exe").linked_to.startswith("/srv/own/releases/")
    assert host.file(f"/proc/{unit('toy').master}/exe").linked_to.startswith("/usr/bin/uwsgi")
