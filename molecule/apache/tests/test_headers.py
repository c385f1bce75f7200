# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Headers that protect the visitors of Apache's sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from testbed.http import USUAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.http import Http
    from testbed.https import Https

CHANGED = {**USUAL, "referrer-policy": "no-referrer", "permissions-policy": None}


@pytest.mark.parametrize(
    ("site", "path", "status"),
    [
        ("example.test", "/page.html", 200),
        ("example.test", "/any/view", 200),
        ("example.test", "/.env", 403),
        ("example.test", "/auth/request", 200),
        ("example.test", "/auth/nothing", 404),
        ("example.test", "/old", 301),
        ("flask.example.test", "/static/nothing", 404),
    ],
)
def test_every_answer_has_them_once(http: Http, site: str, path: str, status: int) -> None:
    answer = http(path, host=site)
    assert answer.status == status
    assert {name: answer.header(name) for name in USUAL} == USUAL


@pytest.mark.parametrize(
    ("path", "status", "wanted"),
    [
        ("/request", 200, CHANGED),
        ("/nothing", 404, CHANGED),
        ("/below/request", 200, {**CHANGED, "x-frame-options": "DENY", "x-content-type-options": None}),
        ("/below/nothing", 404, {**CHANGED, "x-frame-options": "DENY", "x-content-type-options": None}),
        ("/files/page.html", 200, CHANGED),
        ("/files/nothing", 404, CHANGED),
        ("/old", 302, CHANGED),
    ],
)
def test_site_and_route_choose_theirs(https: Https, path: str, status: int, wanted: Mapping[str, str]) -> None:
    seen = https("secure.example.test", path)
    assert seen.status == status
    assert {name: seen.headers.get(name) for name in USUAL} == wanted


def test_app_below_an_app_is_told_where_it_is(https: Https) -> None:
    assert '"/below"' in https("secure.example.test", "/below/request").text
    assert '"/below"' not in https("secure.example.test", "/request").text


def test_what_an_app_says_itself_stays(converge: Any, http: Http, varied: Any) -> None:
    outcome = converge(
        varied(key="app_apps", auth={"source": {"path": "examples/probe"}})
        | varied(key="mod_wsgi_apps", auth={"wsgi": "wsgi:app"})
    )
    assert outcome.rc == 0, outcome
    answer = http("/headers?frames=DENY", host="flask.example.test")
    assert answer.header("x-frame-options") == "DENY"
    assert answer.header("referrer-policy") == USUAL["referrer-policy"]
    assert http("/headers", host="flask.example.test").header("x-frame-options") == "SAMEORIGIN"
