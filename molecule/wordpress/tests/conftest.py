# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fixtures of this scenario: somebody who writes for a WordPress."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from testbed.browser import Browser

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http, Response
    from testinfra.host import Host

TOO_MANY = 429


@dataclass(frozen=True)
class Writer:
    """Somebody who is logged in."""

    browser: Browser
    prefix: str

    def call(self, path: str, body: str | bytes, kind: str = "application/json", **headers: str) -> Response:
        """Ask the REST interface to make something, as the editor in the browser does."""
        nonce = self.browser.get(f"{self.prefix}/wp-admin/admin-ajax.php?action=rest-nonce").text
        cookies = "; ".join(f"{cookie.key}={cookie.coded_value}" for cookie in self.browser.cookies.values())
        given = {"X-WP-Nonce": nonce, "Cookie": cookies, "Content-Type": kind, **headers}
        url = f"{self.prefix}/wp-json/wp/v2{path}"
        return self.browser.http(url, host=self.browser.host, method="POST", headers=given, body=body)

    def publish(self, title: str, text: str = "") -> dict[str, Any]:
        """Publish a post."""
        answer = self.call("/posts", json.dumps({"title": title, "content": text, "status": "publish"}))
        assert answer.status == 201, answer
        return answer.json()


@pytest.fixture
def writer(http: Http, host: Host) -> Callable[..., Writer]:
    """Log in: writer("notes.example.test"), or with a path, a user and a password."""

    def enter(site: str, prefix: str = "", user: str = "admin", password: str = "") -> Writer:
        word = password or host.check_output("cat /etc/barehost/wordpress/notes.password")
        browser = Browser(http, site)
        form = browser.get(f"{prefix}/wp-login.php")
        assert (form.status, len(browser.cookies)) == (200, 1), form.response
        given = {"log": user, "pwd": word, "testcookie": "1"}
        # The site lets an address try ten times a minute, and tests that are fast log in more often than that.
        for _second in range(20):
            page = browser.post(f"{prefix}/wp-login.php", given)
            if page.status != TOO_MANY:
                break
            time.sleep(1)
        assert page.status == 200, page.response
        refused = re.findall(r'id="login_error"[^>]*>(.*)', page.text)
        assert re.search(r"<body[^>]*wp-admin", page.text), (page.path, refused)
        return Writer(browser, prefix)

    return enter
