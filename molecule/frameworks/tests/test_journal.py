# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Flask app below a path: accounts, posts, and who may do what."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.browser import Browser


def test_the_site_leads_to_the_journal(visitor: Callable[[], Browser]) -> None:
    page = visitor().get("/")
    assert (page.path, page.status) == ("/diary/", 200)
    assert page.link("Register") == "/diary/register"


def test_an_account_lets_in_with_its_password_only(visitor: Callable[[], Browser]) -> None:
    values = {"name": f"author-{secrets.token_hex(4)}", "password": secrets.token_hex(8)}
    browser, other = visitor(), visitor()
    page = browser.submit(browser.get("/diary/register"), {**values, "password": "short"})
    assert "A password has at least 10 characters." in page.text
    page = browser.submit(page, values)
    assert (page.path, page.status) == ("/diary/", 200)
    page = browser.submit(page, {}, form="logout")
    assert "Log in" in page.text
    assert browser.get("/diary/write").path == "/diary/login", "whoever is logged out does not write"

    page = other.submit(other.get("/diary/login"), {**values, "password": "wrong-password"})
    assert "Name and password do not fit." in page.text
    page = other.submit(page, values)
    assert f"Log out {values['name']}" in page.text
    page = other.submit(other.get("/diary/register"), values, form="register")
    assert f"Somebody called {values['name']} writes here already." in page.text


def test_a_post_is_written_changed_and_deleted(author: Browser, visitor: Callable[[], Browser]) -> None:
    title = f"A day, {secrets.token_hex(4)}"
    page = author.submit(author.get("/diary/write"), {"title": title, "body": "It <b>rained</b>."}, form="write")
    assert (page.path, page.status) == ("/diary/", 200)
    reader = visitor()
    assert title in reader.get("/diary/").text
    assert "It &lt;b&gt;rained&lt;/b&gt;." in reader.get("/diary/").text

    change = author.get(author.get("/diary/").link("Change"))
    page = author.submit(change, {"body": "The sun shone."}, form="edit")
    assert "The sun shone." in page.text
    assert title in page.text
    author.submit(change, {}, form="delete")
    assert title not in reader.get("/diary/").text
    assert author.get(change.path).status == 404


def test_nobody_changes_what_another_wrote(author: Browser, visitor: Callable[[], Browser]) -> None:
    title = f"Mine, {secrets.token_hex(4)}"
    author.submit(author.get("/diary/write"), {"title": title}, form="write")
    place = author.get("/diary/").link("Change")
    other = visitor()
    values = {"name": f"author-{secrets.token_hex(4)}", "password": secrets.token_hex(8)}
    page = other.submit(other.get("/diary/register"), values)
    assert title in page.text
    with pytest.raises(LookupError):
        page.link("Change")
    assert other.get(place).status == 403


def test_a_form_of_another_session_is_refused(author: Browser, visitor: Callable[[], Browser]) -> None:
    page = author.get("/diary/write")
    assert author.submit(page, {"token": "guessed", "title": "Not mine"}, form="write").status == 400
    assert visitor().submit(page, {"title": "Not mine"}, form="write").status == 400
    assert "Not mine" not in author.get("/diary/").text


def test_the_session_is_for_this_app_only(author: Browser) -> None:
    ((path, name),) = author.cookies
    assert (path, name) == ("/diary", "journal")
    cookie = author.cookies[path, name]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
