# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Use a site as a browser does: keep cookies, follow redirects, fill in the forms of a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import Morsel, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.http import Http, Response

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_CHOSEN = frozenset({"radio", "checkbox"})
_BUTTONS = frozenset({"submit", "button", "image", "reset", "file"})


@dataclass
class Form:
    """A form of a page: where it is sent, and the values it has before anybody fills it in."""

    method: str
    action: str
    values: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    """Collects the forms of a page, its links, and the addresses of its style sheets."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.styles: list[str] = []
        self.links: list[tuple[str, str]] = []
        self._open: Form | None = None
        self._text = self._select = ""
        self._in_link = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is of a form."""
        given = {name: value or "" for name, value in attrs}
        if tag == "link" and given.get("rel") == "stylesheet":
            self.styles.append(given["href"])
        elif tag == "a":
            self.links.append((given.get("href", ""), ""))
            self._in_link = True
        elif tag == "form":
            self._open = Form(given.get("method", "get").upper(), given.get("action", ""))
            self.forms.append(self._open)
        elif self._open is not None:
            self._field(self._open, tag, given)

    def _field(self, form: Form, tag: str, given: Mapping[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "textarea":
            self._text, form.values[name] = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and (self._select not in form.values or "selected" in given):
            form.values[self._select] = given.get("value", "")
        elif tag == "input" and name and kind not in _BUTTONS and (kind not in _CHOSEN or "checked" in given):
            form.values[name] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        """Take the text of a link or of a text field."""
        if self._in_link:
            address, text = self.links[-1]
            self.links[-1] = (address, text + data)
        if self._text and self._open is not None:
            self._open.values[self._text] += data

    def handle_endtag(self, tag: str) -> None:
        """Leave a link, a field or a form."""
        if tag == "a":
            self._in_link = False
        elif tag == "form":
            self._open = None
        elif tag == "textarea":
            self._text = ""
        elif tag == "select":
            self._select = ""


@dataclass(frozen=True)
class Page:
    """What a browser shows: the answer, and the path it came from after all redirects."""

    path: str
    response: Response

    @property
    def status(self) -> int:
        """Status of the answer."""
        return self.response.status

    @property
    def text(self) -> str:
        """Text of the answer."""
        return self.response.text

    @property
    def styles(self) -> list[str]:
        """Paths of the style sheets."""
        return [urljoin(self.path, style) for style in self._read().styles]

    def link(self, words: str) -> str:
        """Give the path that the one link with these words leads to."""
        found = [address for address, text in self._read().links if words in text]
        if len(found) != 1:
            raise LookupError(f"{self.path} has {len(found)} links {words!r}: {self.response}")
        return urljoin(self.path, found[0])

    def form(self, part: str = "") -> Form:
        """Give the one form that is sent to a path with these words in it."""
        found = [form for form in self._read().forms if part in urljoin(self.path, form.action)]
        if len(found) != 1:
            raise LookupError(f"{self.path} has {len(found)} forms for {part!r}: {self.response}")
        return found[0]

    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.text)
        return reader


@dataclass
class Browser:
    """Somebody who visits a site."""

    http: Http
    host: str
    cookies: dict[tuple[str, str], Morsel[str]] = field(default_factory=dict)

    def get(self, path: str) -> Page:
        """Go to a page."""
        return self._ask("GET", path, "")

    def submit(self, page: Page, values: Mapping[str, str], form: str = "") -> Page:
        """Fill in a form of the page and send it."""
        chosen = page.form(form)
        body = urlencode({**chosen.values, **values})
        return self._ask(chosen.method, urljoin(page.path, chosen.action), body)

    def post(self, path: str, values: Mapping[str, str]) -> Page:
        """Send values as a form would that has them."""
        return self._ask("POST", path, urlencode(values))

    def _ask(self, method: str, path: str, body: str) -> Page:
        for _ in range(_MOST_REDIRECTS):
            response = self._send(method, path, body)
            target = urlsplit(urljoin(f"http://{self.host}{path}", response.header("Location") or ""))
            if response.status not in _REDIRECTS or target.netloc != self.host:
                return Page(path, response)
            path = target.path + (f"?{target.query}" if target.query else "")
            method, body = "GET", ""
        raise LookupError(f"{path} leads to itself again and again")

    def _send(self, method: str, path: str, body: str) -> Response:
        headers = {"Cookie": "; ".join(f"{cookie.key}={cookie.coded_value}" for cookie in self._fitting(path))}
        if method == "POST":
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self.host}"}
        headers = {name: value for name, value in headers.items() if value}
        response = self.http(path, host=self.host, method=method, headers=headers, body=body)
        for name, value in response.headers:
            if name.lower() == "set-cookie":
                self._keep(value)
        return response

    def _fitting(self, path: str) -> list[Morsel[str]]:
        here = urlsplit(path).path
        return [
            cookie
            for (place, _), cookie in self.cookies.items()
            if here == place or here.startswith(place if place.endswith("/") else f"{place}/")
        ]

    def _keep(self, header: str) -> None:
        for name, cookie in SimpleCookie(header).items():
            place = (cookie["path"] or "/", name)
            if cookie["max-age"] == "0" or not cookie.value:
                self.cookies.pop(place, None)
            else:
                self.cookies[place] = cookie
