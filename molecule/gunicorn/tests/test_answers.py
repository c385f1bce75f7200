# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients get from the apps, and what the apps are told about the clients."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testbed.http import Http

SITE = "example.test"
CLAIMS = {
    "X-Script-Name": "/claimed",
    "X-Real-IP": "203.0.113.66",
    "X-Forwarded-For": "203.0.113.66",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "claimed.test",
    "X_Real_IP": "203.0.113.66",
    "SCRIPT_NAME": "/request",
    "Script-Name": "/request",
}


@pytest.mark.parametrize(
    ("path", "text"),
    [("/", "Hello World!"), ("/other/", "Good morning"), ("/notes/", "Hello World!")],
)
def test_every_app_answers_through_nginx(http: Http, path: str, text: str) -> None:
    answer = http(path, host=SITE)
    assert (answer.status, answer.text) == (200, text)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_app_on_every_address_answers_on_its_port(http: Http, address: str) -> None:
    assert http("/", address=address, port=5000).text == "Hello World!"


def test_app_on_one_address_answers_there_only(http: Http, own_address: str) -> None:
    assert http("/", port=5001).text == "Good morning"
    assert http("/", address=own_address, port=5001).status == 0


@pytest.mark.parametrize("name", ["hello", "other", "notes"])
def test_app_has_as_many_workers_as_asked_for(unit: Any, name: str) -> None:
    assert len(unit(name).workers) == 2


def test_requests_that_wait_do_not_block_each_other(http: Http, busy: Any) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _number: http("/wait/2.0", host=SITE), range(2)))
    assert [answer.text for answer in answers] == ["done", "done"]
    assert max(answer.seconds for answer in answers) < 3.5 * busy()


@pytest.mark.parametrize(
    ("path", "script_name", "path_info"),
    [
        ("/request", "", "/request"),
        ("/other/request", "/other", "/request"),
        ("/notes/request", "/notes", "/request"),
        ("/notes/request/a%20b", "/notes", "/request/a b"),
        ("/%6eotes/request", "/notes", "/request"),
        ("//notes/request", "/notes", "/request"),
        ("/x/../notes/request", "/notes", "/request"),
        ("/notes/../notes/request", "/notes", "/request"),
        ("/notes/request/http://x.test/notes/", "/notes", "/request/http://x.test/notes/"),
    ],
)
@pytest.mark.parametrize("claims", [{}, CLAIMS], ids=["plain", "claims"])
def test_app_is_told_where_it_is_mounted_and_who_asks(
    http: Http, path: str, script_name: str, path_info: str, claims: dict[str, str]
) -> None:
    answer = http(path, host=SITE, headers=claims)
    assert answer.status == 200, answer.text
    told = answer.json()
    assert told["environ"] == {
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path_info,
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": SITE,
        "SERVER_NAME": SITE,
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
    }
    assert told["address"] == f"http://{SITE}{script_name}/request"
    assert "X-Script-Name" not in told["headers"]


def test_mount_without_a_slash_is_the_app_too(http: Http) -> None:
    answer = http("/notes", host=SITE)
    assert (answer.status, answer.header("Location")) == (308, f"http://{SITE}/notes/")


@pytest.mark.parametrize("claims", [{}, CLAIMS], ids=["plain", "claims"])
def test_stranger_on_the_port_can_claim_nothing(http: Http, own_address: str, claims: dict[str, str]) -> None:
    told = http("/request", host=SITE, address=own_address, port=5000, headers=claims).json()
    assert told["environ"]["REMOTE_ADDR"] == own_address
    assert told["environ"]["SCRIPT_NAME"] == ""
    assert told["environ"]["PATH_INFO"] == "/request"
    assert told["environ"]["wsgi.url_scheme"] == "http"
    assert not [name for name in told["headers"] if name.startswith("X-")]
