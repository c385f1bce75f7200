# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Django project below a path: its admin, the vote, and its own tests."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.browser import Browser
    from testbed.http import Http
    from testinfra.host import Host


def test_the_admin_lets_in_with_the_password_only(visitor: Callable[[], Browser]) -> None:
    browser = visitor()
    page = browser.get("/polls/admin/")
    assert page.path == "/polls/admin/login/?next=/polls/admin/"
    page = browser.submit(page, {"username": "admin", "password": "wrong"})
    assert "Please enter the correct username and password" in page.text
    assert browser.get("/polls/admin/").path != "/polls/admin/"


def test_the_admin_has_its_style(admin: Browser) -> None:
    page = admin.get("/polls/admin/")
    assert "Site administration" in page.text
    assert any("/polls/static/admin/css/base." in style for style in page.styles)
    for style in page.styles:
        assert admin.get(style).response.header("Content-Type") == "text/css", style


def test_a_vote_is_counted(visitor: Callable[[], Browser], question: str) -> None:
    browser = visitor()
    page = browser.get(browser.get("/polls/").link(question))
    tea = page.text.partition('type="radio" name="choice" value="')[2].partition('"')[0]
    result = browser.submit(page, {"choice": tea})
    assert result.path == f"{page.path}results/"
    assert "1 vote\n" in result.text.replace("</dd>", "\n")
    assert "0 votes" in result.text
    assert browser.submit(page, {"choice": "0"}).status == 400


def test_a_form_of_another_session_is_refused(visitor: Callable[[], Browser], question: str) -> None:
    page = visitor().get("/polls/")
    page = visitor().get(page.link(question))
    assert visitor().submit(page, {"choice": "1"}).status == 403
    assert "1 vote" not in visitor().get(f"{page.path}results/").text


def test_another_host_name_is_not_believed(http: Http) -> None:
    for name, status in (("example.test", 200), ("elsewhere.test", 400)):
        assert http("/", unix="/run/gunicorn/polls.sock", host=name).status == status


def test_the_tests_of_the_project_pass(host: Host) -> None:
    key = secrets.token_hex()
    run = f"cd /srv/polls/current && POLLS_SECRET_KEY={key} .venv/bin/python manage.py"
    done = host.run("runuser -u polls -- sh -c %s", f"{run} test 2>&1")
    assert done.rc == 0, done.stdout
    assert "Ran 6 tests" in done.stdout
    assert "No changes detected" in host.check_output(
        "runuser -u polls -- sh -c %s", f"{run} makemigrations --check --dry-run"
    )
