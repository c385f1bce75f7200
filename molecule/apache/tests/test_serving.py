# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients get from the sites of Apache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http
    from testinfra.host import Host

SITE, FLASK = "example.test", "flask.example.test"


def test_app_lets_everybody_in(http: Http) -> None:
    answer = http("/", host=FLASK)
    assert (answer.status, answer.json()) == (200, {"authentication": "passed"})
    assert http("/", host="any.flask.example.test").json() == {"authentication": "passed"}


@pytest.mark.parametrize(
    ("host_name", "path", "text"),
    [
        (SITE, "/", "the frontend"),
        (SITE, "/page.html", "a page"),
        (SITE, "/any/view", "the frontend"),
        (SITE, "/.well-known/security.txt", "Contact: mailto:web@example.test"),
        (SITE, "/old/kept/style.css", "body {}"),
        (FLASK, "/static/style.css", "body {}"),
    ],
)
def test_files_are_served(http: Http, host_name: str, path: str, text: str) -> None:
    response = http(path, host=host_name)
    assert (response.status, response.text) == (200, text)


@pytest.mark.parametrize("path", ["/.env", "/.git/config", "/.git/", "/static/../.env", "/%2e%2e/x", "/..%2f.env"])
def test_what_is_no_file_of_the_site_is_not_served(http: Http, path: str) -> None:
    response = http(path, host=SITE)
    assert response.status in {400, 403, 404}
    assert "SECRET" not in response.text


def test_folder_is_not_listed(http: Http) -> None:
    response = http("/static/", host=FLASK)
    assert response.status in {403, 404}
    assert "style.css" not in response.text


@pytest.mark.parametrize(
    ("site", "path", "status", "location"),
    [
        ((SITE, 80), "/old", 301, "http://example.test/new"),
        ((SITE, 80), "/old/a%20b?c=d", 301, "http://example.test/new/a%20b?c=d"),
        ((SITE, 80), "/old/a%2Fb", 301, "http://example.test/new/a%2Fb"),
        ((SITE, 80), "/old.html/a", 302, "http://example.test/new/a"),
        ((SITE, 80), "/%6fld/a%20b", 301, "http://example.test/new/a%20b"),
        ((SITE, 80), "/home", 302, "http://example.test/"),
        ((SITE, 80), "/home?c=d", 302, "http://example.test/?c=d"),
        ((SITE, 80), "/home/a%20b?c=d", 302, "http://example.test/a%20b?c=d"),
        ((SITE, 80), "/home//evil.test/", 302, "http://example.test/evil.test/"),
        ((SITE, 80), "/elsewhere/x?y", 302, "https://other.example.test/start"),
        (("local.example.test", 8081), "/a?b=c", 308, "https://example.test/a?b=c"),
    ],
)
def test_redirects(http: Http, site: tuple[str, int], path: str, status: int, location: str) -> None:
    response = http(path, host=site[0], port=site[1])
    assert (response.status, response.header("location")) == (status, location)


@pytest.mark.parametrize(("name", "port"), [("unknown.test", 80), ("127.0.0.1", 80), (SITE, 8081)])
def test_unknown_host_is_nobodys(http: Http, name: str, port: int) -> None:
    response = http("/", host=name, port=port)
    assert response.status == 421
    assert "frontend" not in response.text


@pytest.mark.parametrize(
    ("path", "script_name", "path_info"),
    [
        ("/auth/request", "/auth", "/request"),
        ("/auth/request/a%20b", "/auth", "/request/a b"),
        ("/auth/request/a%2Fb", "/auth", "/request/a/b"),
        ("/auth/request/caf%C3%A9", "/auth", "/request/cafÃ©"),
        ("/%61uth/request", "/auth", "/request"),
        ("//auth/request", "/auth", "/request"),
        ("/x/../auth/request", "/auth", "/request"),
    ],
)
def test_app_is_told_where_it_is_mounted_and_who_asks(http: Http, path: str, script_name: str, path_info: str) -> None:
    claims = {"X-Script-Name": "/claimed", "X-Real-IP": "203.0.113.66", "X-Forwarded-Proto": "https"}
    for headers in ({}, claims):
        assert http(path, host=SITE, headers=headers).json()["environ"] == {
            "SCRIPT_NAME": script_name,
            "PATH_INFO": path_info,
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": SITE,
            "wsgi.url_scheme": "http",
        }


def test_directives_of_the_user_are_in_place(http: Http) -> None:
    assert http("/", host="local.example.test", port=8081).header("x-served-by") == "apache"


def test_apache_does_not_tell_its_version(http: Http) -> None:
    assert http("/", host=SITE).header("server") == "Apache"


def test_only_the_modules_that_are_needed_are_loaded(host: Host) -> None:
    loaded = host.check_output("apache2ctl -M 2>/dev/null")
    assert "mpm_event_module" in loaded
    assert not [name for name in ("autoindex", "status", "cgi", "userdir", "wsgi", "mpm_prefork") if name in loaded]


def test_killed_master_is_back_within_two_seconds(host: Host, kill: Any, least: Any) -> None:
    show = "systemctl show --property=MainPID --value apache2.service"
    master = int(host.check_output(show))
    assert least(lambda: kill(int(host.check_output(show)), FLASK), 2) < 2
    assert int(host.check_output(show)) not in {0, master}


def test_exposure_is_at_most_what_was_reached(host: Host) -> None:
    done = host.run("systemd-analyze security --no-pager --threshold=25 apache2.service")
    assert done.rc == 0, done.stdout


def test_everything_is_back_after_a_reboot(host: Host, http: Http, reboot: Callable[[], None], soon: Any) -> None:
    listening = "ss -Hltn | awk '{print $4}' | sort -u"
    before = host.check_output(listening)
    reboot()
    soon(lambda: http("/", host=FLASK).status == 200)
    assert host.check_output(listening) == before
    assert host.check_output("systemctl --failed --no-legend") == ""
