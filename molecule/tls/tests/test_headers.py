# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Headers that protect the visitors of nginx's sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from testbed.http import USUAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.http import Http
    from testbed.https import Https
    from testinfra.host import Host

SITE, BOTH, PLAIN = "example.test", "both.example.test", "plain.example.test"
CHANGED = {**USUAL, "referrer-policy": "no-referrer", "permissions-policy": None}


@pytest.fixture(scope="module", autouse=True)
def content(host: Host) -> None:
    """A folder that the site serves."""
    host.check_output("mkdir -p /srv/www && echo page > /srv/www/page.html")


@pytest.mark.parametrize(
    ("path", "status"), [("/page", 200), ("/status?code=404", 404), ("/status?code=503", 503), ("/fail", 500)]
)
def test_every_answer_has_them_once(https: Https, http: Http, path: str, status: int) -> None:
    seen, plain = https(SITE, path), http(path, host=PLAIN)
    assert (seen.status, plain.status) == (status, status)
    assert {name: seen.headers.get(name) for name in USUAL} == USUAL
    assert {name: plain.header(name) for name in USUAL} == USUAL


def test_an_answer_of_nginx_itself_has_them(host: Host, http: Http) -> None:
    answer = http("/", host=PLAIN, method="POST", headers={"Content-Length": "99999999"})
    assert answer.status == 413
    assert {name: answer.header(name) for name in USUAL} == USUAL
    host.check_output("systemctl stop gunicorn@probe.socket gunicorn@probe.service")
    try:
        answer = http("/", host=PLAIN)
    finally:
        host.check_output("systemctl start gunicorn@probe.socket gunicorn@probe.service")
    assert answer.status == 502
    assert {name: answer.header(name) for name in USUAL} == USUAL


@pytest.mark.parametrize(
    ("path", "status", "wanted"),
    [
        ("/page", 200, CHANGED),
        ("/files/page.html", 200, CHANGED),
        ("/files/nothing", 404, CHANGED),
        ("/files/.env", 404, CHANGED),
        ("/below/page", 200, {**CHANGED, "x-frame-options": "DENY", "x-content-type-options": None}),
        ("/below/status?code=404", 404, {**CHANGED, "x-frame-options": "DENY", "x-content-type-options": None}),
        ("/old", 302, CHANGED),
    ],
)
def test_site_and_route_choose_theirs(https: Https, path: str, status: int, wanted: Mapping[str, str]) -> None:
    seen = https(BOTH, path)
    assert seen.status == status
    assert {name: seen.headers.get(name) for name in USUAL} == wanted
    # A route that has other headers is no reason to speak http with the site.
    assert seen.headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"


def test_what_an_app_says_itself_stays(https: Https) -> None:
    seen = https(SITE, "/headers?frames=DENY")
    assert seen.headers["x-frame-options"] == "DENY"
    assert seen.headers["referrer-policy"] == USUAL["referrer-policy"]
    assert https(SITE, "/headers").headers["x-frame-options"] == "SAMEORIGIN"
