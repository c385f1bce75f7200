# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is written is read, at once, by those who may."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from testbed.browser import Browser

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

NOTES, SHOP = "notes.example.test", "example.test"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


def test_front_page_is_kept_for_visitors_only(http: Http, writer: Any, soon: Any) -> None:
    # It is kept when it has been sent.
    soon(lambda: http("/", host=NOTES).header("X-Cache") == "HIT")
    page = writer(NOTES).browser.get("/")
    assert page.response.header("X-Cache") == "BYPASS"
    assert "wp-admin-bar" in page.text
    assert "wp-admin-bar" not in http("/", host=NOTES).text


def test_what_is_published_is_on_the_front_page_at_once(http: Http, writer: Any) -> None:
    somebody = writer(NOTES)
    stale = []
    for number in range(5):
        http("/", host=NOTES)
        assert http("/", host=NOTES).header("X-Cache") == "HIT"
        post = somebody.publish(f"Rain on day {number}")
        if f"Rain on day {number}" not in http("/", host=NOTES).text:
            stale.append(number)
        assert http(urlsplit(post["link"]).path, host=NOTES).status == 200
    assert stale == []


@pytest.mark.parametrize(("site", "prefix", "name"), [(NOTES, "", "notes"), (SHOP, "/blog", "shop")])
def test_picture_is_uploaded_and_seen(
    host: Host, http: Http, writer: Any, *, site: str, prefix: str, name: str
) -> None:
    given = {"user": "ladner", "password": "correct-horse-battery"} if name == "shop" else {}
    somebody = writer(site, prefix, **given)
    answer = somebody.call("/media", PICTURE, "image/png", **{"Content-Disposition": 'attachment; filename="dot.png"'})
    assert answer.status == 201, answer
    address = urlsplit(answer.json()["source_url"])
    assert address.netloc == site
    picture = http(address.path, host=site)
    assert (picture.status, picture.body) == (200, PICTURE)
    file = f"/srv/{name}/media{address.path.removeprefix(prefix).removeprefix('/wp-content')}"
    assert host.run(f"runuser -u www-data -- cat {file}").rc == 0
    other = "shop" if name == "notes" else "notes"
    assert host.run(f"runuser -u {other} -- cat {file}").rc != 0


def test_file_that_is_no_picture_is_refused(writer: Any) -> None:
    named = {"Content-Disposition": 'attachment; filename="shell.php"'}
    assert writer(NOTES).call("/media", b"<?php echo 1;", "application/x-php", **named).status >= 400


def test_visitor_comments(http: Http, writer: Any) -> None:
    post = writer(NOTES).publish("Frost", "Cover the beds.")
    visitor = Browser(http, NOTES)
    page = visitor.get(urlsplit(post["link"]).path)
    said = {"comment": "So I did.", "author": "Ben", "email": "ben@example.test", "url": ""}
    after = visitor.submit(page, said, form="wp-comments-post.php")
    assert "awaiting moderation" in after.text
    # Others do not see what waits for a word of the owner.
    assert "So I did." not in http(urlsplit(post["link"]).path, host=NOTES).text


def test_nobody_installs_code_from_within(writer: Any) -> None:
    browser = writer(NOTES).browser
    for page in (
        "plugin-editor.php",
        "theme-editor.php",
        "plugin-install.php",
        "update-core.php?action=do-core-upgrade",
    ):
        answer = browser.get(f"/wp-admin/{page}")
        assert answer.status in {403, 404, 500} or "not allowed" in answer.text, page


def test_shop_keeps_no_pages(http: Http) -> None:
    assert http("/blog/", host=SHOP).header("X-Cache") is None
