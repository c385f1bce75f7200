# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""People who visit the two apps."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from testbed.browser import Browser
from testbed.podman import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http

INVENTORY: dict[str, Any] = yaml.safe_load((ROOT / "inventory/frameworks/group_vars/web.yml").read_text())


@pytest.fixture(scope="session")
def visitor(http: Http) -> Callable[[], Browser]:
    """Make somebody with a browser of their own."""
    return lambda: Browser(http, "example.test")


@pytest.fixture
def author(visitor: Callable[[], Browser]) -> Browser:
    """Somebody with a new account of the journal, logged in."""
    browser = visitor()
    values = {"name": f"author-{secrets.token_hex(4)}", "password": secrets.token_hex(8)}
    page = browser.submit(browser.get("/diary/register"), values)
    assert f"Log out {values['name']}" in page.text, page.response
    return browser


@pytest.fixture(scope="session")
def admin(visitor: Callable[[], Browser]) -> Browser:
    """Whoever has the admin account of the polls, logged in once: the session is to outlast everything that follows."""
    browser = visitor()
    values = {"username": "admin", "password": INVENTORY["frameworks_polls_admin_password"]}
    page = browser.submit(browser.get("/polls/admin/"), values)
    assert (page.path, page.status) == ("/polls/admin/", 200), page.response
    return browser


@pytest.fixture
def question(admin: Browser) -> str:
    """Words of a new question about tea and coffee."""
    text = f"Tea or coffee, {secrets.token_hex(4)}?"
    values = {"text": text, "choices-0-text": "tea", "choices-1-text": "coffee"}
    page = admin.submit(admin.get("/polls/admin/polls/question/add/"), values, form="question/add")
    assert "was added successfully" in page.text, page.response
    return text
