# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients get from the sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testbed.http import Http
    from testinfra.host import Host

DOCS, SHOP = "docs.example.test", "shop.example.test"


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/", 200, "the documentation"),
        ("/page.html", 200, "a page"),
        ("/.well-known/security.txt", 200, "Contact: mailto:web@example.test"),
        ("/app/asset.js", 200, "1"),
        ("/app/any/view", 200, "the app"),
    ],
)
def test_files_are_served(http: Http, path: str, status: int, text: str) -> None:
    response = http(path, host=DOCS)
    assert (response.status, response.text) == (status, text)


@pytest.mark.parametrize(
    "path", ["/missing", "/.env", "/application", "/../../../etc/passwd", "/app../.env", "/%2e%2e/x"]
)
def test_what_is_no_file_of_the_site_is_not_served(http: Http, path: str) -> None:
    response = http(path, host=DOCS)
    assert response.status in {400, 404}
    assert "SECRET" not in response.text
    assert "root:" not in response.text


def test_names_below_a_wildcard_are_served(http: Http) -> None:
    assert http("/", host="v2.docs.example.test").text == "the documentation"


@pytest.mark.parametrize(
    ("host_name", "path", "status", "location"),
    [
        (DOCS, "/old", 301, "/new"),
        (DOCS, "/old/a%20b?c=d", 301, "/new/a%20b?c=d"),
        (DOCS, "/home", 302, "/"),
        (DOCS, "/home?c=d", 302, "/?c=d"),
        (DOCS, "/home/a%20b?c=d", 302, "/a%20b?c=d"),
        (DOCS, "/home//evil.test/", 302, "/evil.test/"),
        (DOCS, "/home/\\\\evil.test/", 302, "/evil.test/"),
        (DOCS, "/elsewhere/x?y", 302, "https://other.example.test/start"),
        (DOCS, "/app", 301, "/app/"),
        ("www.shop.example.test", "/a?b=c", 308, "https://shop.example.test/a?b=c"),
    ],
)
def test_redirects(http: Http, host_name: str, path: str, status: int, location: str) -> None:
    response = http(path, host=host_name)
    assert (response.status, response.header("location")) == (status, location)


@pytest.mark.parametrize(
    "name", ["unknown.example.test", "127.0.0.1", "docs.example.test.evil.test", "admin.example.test"]
)
def test_unknown_host_gets_nothing(http: Http, name: str) -> None:
    assert http("/", host=name).status == 0


def test_site_listens_only_where_it_was_told(host: Host, http: Http) -> None:
    assert http("/", host="admin.example.test", port=8081).text == "the documentation"
    assert http("/", host="unknown.test", port=8081).status == 0
    assert host.socket("tcp://127.0.0.1:8081").is_listening
    assert not host.socket("tcp://0.0.0.0:8081").is_listening


def test_app_is_told_who_asks(http: Http) -> None:
    seen = http("/a/b%2Fc//d?e=f", host=f"{SHOP}:8443").json()
    headers = seen["headers"]
    assert seen["line"] == "GET /a/b%2Fc//d?e=f HTTP/1.1"
    assert headers["host"] == [f"{SHOP}:8443"]
    assert headers["x-forwarded-for"] == ["127.0.0.1"]
    assert headers["x-forwarded-proto"] == ["http"]
    assert "x-script-name" not in headers


def test_app_below_a_path_is_told_its_place(http: Http) -> None:
    for path in ("/api", "/api/", "/api/items?page=2", "/%61pi/items"):
        seen = http(path, host=SHOP).json()
        assert seen["headers"]["x-script-name"] == ["/api"]
        assert seen["line"] == f"GET {path} HTTP/1.1"
    assert "x-script-name" not in http("/apiary", host=SHOP).json()["headers"]


def test_claims_of_a_client_are_replaced(http: Http) -> None:
    claims = {
        "X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.test", "X-Script-Name": "/evil", "Forwarded": "for=203.0.113.9", "Proxy": "evil.test",
        "X-Forwarded-Prefix": "/evil", "SCRIPT_NAME": "/evil", "X-Forwarded-Ssl": "on",
    }  # fmt: skip
    headers = http("/", host=SHOP, headers=claims).json()["headers"]
    assert "203.0.113.9" not in str(headers)
    assert "evil" not in str(headers)
    assert headers["x-forwarded-proto"] == ["http"]


def test_proxied_addresses(http: Http) -> None:
    inside = http("/internal/x?y", host=SHOP).json()
    assert inside["line"] == "GET /internal/x?y HTTP/1.1"
    assert inside["headers"]["host"] == ["internal.example.test"]
    assert http("/moved/x?y", host=SHOP).json()["line"] == "GET /base/x?y HTTP/1.1"
    assert http("/moved", host=SHOP).json()["line"] == "GET /base HTTP/1.1"


@pytest.mark.parametrize(
    ("asked", "passed"),
    [
        ("/moved/", "/base/"),
        ("/moved/a%20b/%3Fc?d=%2F", "/base/a%20b/%3Fc?d=%2F"),
        ("/moved/%C3%A4", "/base/%C3%A4"),
        ("/moved/a%2Fb", "/base/a/b"),
        # Nobody gets out of what is passed on.
        ("/moved/x/../../moved/y", "/base/y"),
        ("//moved//%2e%2e/moved/y", "/base/y"),
    ],
)
def test_path_of_a_proxied_address_takes_the_place_of_the_routes(http: Http, asked: str, passed: str) -> None:
    assert http(asked, host=SHOP).json()["line"] == f"GET {passed} HTTP/1.1"


def test_path_with_a_line_feed_is_not_passed_on(http: Http) -> None:
    assert http("/moved/a%0Ab", host=SHOP).status == 404


def test_body_size_is_limited_for_the_site_and_the_route(http: Http) -> None:
    body = b"x" * 1_500_000
    assert http("/upload", host=SHOP, method="POST", body=body).status == 413
    assert http("/api/upload", host=SHOP, method="POST", body=body).json()["size"] == len(body)


def test_directives_of_the_user_are_in_place(http: Http) -> None:
    assert http("/robots.txt", host=SHOP).text == "User-agent: *\nDisallow: /internal\n"


def test_files_may_be_kept_by_clients_as_told(http: Http) -> None:
    assert http("/page.html", host=DOCS).header("cache-control") == "max-age=3600"


def test_version_is_not_told(http: Http) -> None:
    assert http("/", host=DOCS).header("server") == "nginx"
    assert "nginx/" not in http("/missing", host=DOCS).text


def test_requests_are_logged_and_logs_are_rotated(host: Host, http: Http) -> None:
    http("/before-rotation", host=DOCS)
    host.check_output("logrotate --force /etc/logrotate.d/nginx")
    host.check_output("for i in $(seq 600); do [ -e /var/log/nginx/docs.access.log ] && exit; sleep .1; done; exit 1")
    http("/after-rotation", host=DOCS)
    assert "/after-rotation" in host.file("/var/log/nginx/docs.access.log").content_string
    assert "/before-rotation" in host.file("/var/log/nginx/docs.access.log.1").content_string
    assert not host.file("/var/log/nginx/www-shop.access.log").exists
    assert host.service("logrotate.timer").is_enabled


def test_nginx_comes_back_when_it_is_killed(host: Host, http: Http) -> None:
    host.check_output("kill -9 $(cat /run/nginx.pid)")
    host.check_output(
        "for i in $(seq 600); do systemctl is-active -q nginx && [ -s /run/nginx.pid ] && exit; sleep .1; done; exit 1"
    )
    assert http("/", host=DOCS).status == 200


def test_nginx_is_confined(host: Host) -> None:
    assert host.run("systemd-analyze security --threshold=25 nginx.service").rc == 0
    workers = host.check_output("ps -o user= --ppid $(cat /run/nginx.pid)").split()
    assert set(workers) == {"www-data"}
