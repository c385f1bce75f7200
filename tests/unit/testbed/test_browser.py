# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the browser of the tests sends, and what it makes of a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from testbed.browser import Browser, Page
from testbed.http import Response

PAGE = """<link rel="stylesheet" href="s.css"><form action="/search"><input name="q"></form>
<form method="post"><input type="hidden" name="token" value="a&amp;b"><input name="name" value="x">
<input type="checkbox" name="off" value="1"><input type="checkbox" name="on" value="2" checked>
<select name="size"><option value="s">S<option value="m" selected>M</select><select name="first"><option value="1">1
<option value="2">2</select><textarea name="text">one
two</textarea><input type="submit" name="_save"></form>"""
VALUES = {"token": "a&b", "name": "x", "on": "2", "size": "m", "first": "1", "text": "one\ntwo"}


def answer(status: int = 200, body: str = "", *headers: tuple[str, str]) -> Response:
    return Response(status, list(headers), body.encode(), "", 0.0)


@dataclass
class Site:
    """Plays the machine."""

    answers: list[Response]
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)

    def __call__(self, path: str, **options: Any) -> Response:
        cookie = options["headers"].get("Cookie", "")
        self.asked.append((options["method"], path, cookie, options["body"]))
        return self.answers.pop(0)


def browser(*answers: Response) -> tuple[Browser, list[tuple[str, str, str, str]]]:
    site: Any = Site(list(answers))
    return Browser(site, "example.test"), site.asked


def test_a_form_is_read() -> None:
    page = Page("/a/b", answer(200, PAGE))
    assert page.styles == ["/a/s.css"]
    assert page.form("/a/b").values == VALUES
    assert page.form("/search").method == "GET"
    with pytest.raises(LookupError, match="has 2 forms"):
        page.form()


def test_a_link_is_found_by_its_words() -> None:
    page = Page("/a/", answer(200, '<a href="b">to <b>b</b></a> b <a href="/c">to c</a>'))
    assert (page.link("to b"), page.link("to c")) == ("/a/b", "/c")
    for words, count in (("to", 2), ("d", 0)):
        with pytest.raises(LookupError, match=f"has {count} links"):
            page.link(words)


def test_a_form_is_sent_with_what_it_had() -> None:
    visitor, asked = browser(answer())
    visitor.submit(Page("/a/b", answer(200, PAGE)), {"name": "y", "size": "s"}, form="/a/b")
    body = "token=a%26b&name=y&on=2&size=s&first=1&text=one%0Atwo"
    assert asked == [("POST", "/a/b", "", body)]


def test_redirects_are_followed_on_the_same_site() -> None:
    visitor, asked = browser(
        answer(302, "", ("Location", "http://example.test/x?y=1")), answer(301, "", ("Location", "../z")), answer(200)
    )
    assert visitor.get("/a").path == "/z"
    assert [path for _, path, *_ in asked] == ["/a", "/x?y=1", "/z"]
    visitor, asked = browser(answer(302, "", ("Location", "https://elsewhere.test/")))
    assert visitor.get("/a").status == 302


def test_cookies_are_kept_where_they_belong() -> None:
    visitor, asked = browser(
        answer(200, "", ("Set-Cookie", "a=1; Path=/one; HttpOnly"), ("Set-Cookie", 'b="x y"; Path=/')),
        *(answer() for _ in range(3)),
        answer(200, "", ("Set-Cookie", "b=; Max-Age=0; Path=/")),
        answer(),
    )
    for path in ("/", "/one", "/one/two", "/onetwo", "/", "/one"):
        visitor.get(path)
    assert [cookie for *_, cookie, _ in asked] == ["", 'a=1; b="x y"', 'a=1; b="x y"', 'b="x y"', 'b="x y"', "a=1"]
