# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Static files are served by nginx, out of the release, and nothing else of it can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testbed.browser import Browser
    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"
UNITS = " ".join(f"gunicorn@{app}.{kind}" for app in ("diary", "polls") for kind in ("socket", "service"))
STYLE = {"diary": "/diary/static/style.css", "polls": "/polls/static/polls/style.css"}


@pytest.fixture
def stopped(host: Host, visitor: Callable[[], Browser]) -> Iterator[None]:
    """Stop both apps for the time of a test."""
    host.check_output(f"systemctl stop {UNITS}")
    yield
    host.check_output(f"systemctl start {UNITS}")
    assert visitor().get("/diary/").status == visitor().get("/polls/").status == 200


@pytest.mark.usefixtures("stopped")
def test_the_app_is_not_asked_for_static_files(http: Http) -> None:
    for app, style in STYLE.items():
        assert http(f"/{app}/", host=SITE).status == 502
        answer = http(style, host=SITE)
        assert (answer.status, answer.header("Content-Type")) == (200, "text/css")
        assert ":root" in answer.text
        assert http(style, host=SITE, headers={"If-None-Match": answer.header("ETag") or ""}).status == 304


def test_pages_name_styles_that_are_there(visitor: Callable[[], Browser]) -> None:
    browser = visitor()
    for path, age in (("/diary/", 3600), ("/polls/", 30 * 24 * 3600)):
        page = browser.get(path)
        (style,) = page.styles
        answer = browser.get(style).response
        assert (answer.status, answer.header("Cache-Control")) == (200, f"max-age={age}")


@pytest.mark.parametrize(
    "path",
    [
        "/polls/static/",
        "/polls/static/../config/settings.py",
        "/polls/static/%2e%2e/manage.py",
        "/polls/static../manage.py",
        "/diary/static/../../wsgi.py",
        "/diary/static/none.css",
    ],
)
def test_nothing_else_is_served(http: Http, path: str) -> None:
    answer = http(path, host=SITE)
    assert answer.status in {302, 403, 404}
    assert "import" not in answer.text


@pytest.mark.parametrize(
    ("command", "works"),
    [
        ("cat /srv/polls/current/static/polls/style.css", True),
        ("ls /srv/polls/current/static", True),
        ("cat /srv/diary/current/journal/static/style.css", True),
        ("ls /srv/polls", False),
        ("ls /srv/polls/releases", False),
        ("ls /srv/polls/current/", False),
        ("cat /srv/polls/current/manage.py", False),
        ("cat /srv/polls/current/.release.json", False),
        ("ls /srv/polls/current/.venv", False),
        ("ls /srv/polls/current/polls/static", False),
        ("ls /srv/diary/current/journal", False),
        ("cat /srv/diary/current/journal/accounts.py", False),
        ("ls /var/lib/polls", False),
        ("touch /srv/polls/current/static/x", False),
    ],
)
def test_what_the_web_server_can_do(host: Host, command: str, *, works: bool) -> None:
    assert (host.run(f"runuser -u www-data -- {command}").rc == 0) is works


def test_the_app_cannot_change_what_its_commands_wrote(host: Host) -> None:
    assert host.check_output("find -L /srv/polls/current/static -not -user root") == ""
    assert host.run("runuser -u polls -- touch /srv/polls/current/static/polls/style.css").rc != 0
