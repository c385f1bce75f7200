# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients get over https and http."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from testbed.https import ROOT as AUTHORITY
from testbed.podman import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"


@pytest.mark.parametrize("name", [SITE, "www.example.test", "a.wild.example.test", "both.example.test"])
def test_a_name_has_a_certificate_that_a_client_with_the_root_trusts(https: Callable[..., Any], name: str) -> None:
    seen = https(name, "/page?x")
    assert (seen.error, seen.status) == ("", 200)


def test_an_app_is_told_that_it_is_asked_over_https(https: Callable[..., Any], http: Http) -> None:
    environ = json.loads(https(SITE, "/page").text)["environ"]
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["HTTP_HOST"] == SITE
    assert http("/page", host="both.example.test").json()["environ"]["wsgi.url_scheme"] == "http"


@pytest.mark.parametrize(
    ("name", "port", "version", "spoken"),
    [
        (SITE, 443, "TLSv1_1", False),
        (SITE, 443, "TLSv1_2", True),
        (SITE, 443, "TLSv1_3", True),
        ("modern.example.test", 8443, "TLSv1_2", False),
        ("modern.example.test", 8443, "TLSv1_3", True),
    ],
)
def test_versions_of_the_profile_are_spoken(
    https: Callable[..., Any], name: str, port: int, version: str, spoken: bool
) -> None:
    seen = https(name, port=port, version=version)
    assert (seen.error == "") is spoken, seen


@pytest.mark.parametrize(
    ("cipher", "spoken"),
    [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", True),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", True),
        ("ECDHE-ECDSA-AES256-SHA384", False),
        ("ECDHE-ECDSA-AES128-SHA", False),
    ],
)
def test_ciphers_of_the_profile_are_spoken(https: Callable[..., Any], cipher: str, spoken: bool) -> None:
    seen = https(SITE, version="TLSv1_2", ciphers=cipher)
    assert (seen.cipher == cipher) is spoken, seen


def test_http2_is_offered(https: Callable[..., Any]) -> None:
    assert https(SITE, alpn=["h2", "http/1.1"]).alpn == "h2"
    assert https(SITE, alpn=["http/1.1"]).alpn == "http/1.1"


@pytest.mark.parametrize("name", ["", "unknown.example.test", "plain.example.test", "modern.example.test"])
def test_a_name_without_https_sees_no_certificate(https: Callable[..., Any], name: str) -> None:
    seen = https(name)
    assert "unrecognized name" in seen.error.lower().replace("_", " ")
    assert not seen.serial


def test_a_foreign_name_inside_a_connection_reaches_no_site(https: Callable[..., Any]) -> None:
    assert https(SITE, host="unknown.example.test").status in {0, 421}


@pytest.mark.parametrize(
    ("name", "path", "address"),
    [
        (SITE, "/a%20b?c=d", "https://example.test/a%20b?c=d"),
        ("modern.example.test", "/", "https://modern.example.test:8443/"),
    ],
)
def test_http_leads_to_https(http: Http, name: str, path: str, address: str) -> None:
    response = http(path, host=name)
    assert (response.status, response.header("location")) == (301, address)


@pytest.mark.parametrize(("name", "rest"), [(SITE, 301), ("both.example.test", 200)])
def test_an_authority_finds_its_challenge_over_http(host: Host, http: Http, name: str, rest: int) -> None:
    folder = "/var/www/acme/.well-known/acme-challenge"
    host.check_output(f"mkdir -p {folder} && echo proof > {folder}/token")
    try:
        assert http("/.well-known/acme-challenge/token", host=name).text == "proof\n"
        assert http("/.well-known/acme-challenge/other", host=name).status == 404
        assert http("/.well-known/other", host=name).status == rest
    finally:
        host.check_output("rm -r /var/www/acme")


def test_hsts_is_said_where_it_was_asked_for_and_over_https_alone(https: Callable[..., Any], http: Http) -> None:
    assert https(SITE).headers["strict-transport-security"] == "max-age=63072000"
    assert https("both.example.test").headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    for site in (SITE, "both.example.test"):
        assert http("/", host=site).header("strict-transport-security") is None


def test_without_hsts_nothing_is_said(converge: Any, https: Callable[..., Any]) -> None:
    sites = yaml.safe_load((ROOT / "inventory/tls/group_vars/web.yml").read_text())["web_sites"]
    del sites[0]["tls"]["hsts"]
    assert converge({"web_sites": sites}).rc == 0
    seen = https(SITE)
    assert seen.status == 200
    assert "strict-transport-security" not in seen.headers


def test_keys_are_for_root_and_the_root_is_for_everybody(host: Host) -> None:
    found = host.check_output("stat -c '%n %U %a' /etc/barehost/tls/* /etc/barehost/tls /etc/barehost/authority.*")
    assert dict(line.split(" ", 1) for line in found.splitlines()) == {
        **{f"/etc/barehost/tls/{name}.pem": "root 600" for name in ("both", "main", "modern")},
        "/etc/barehost/tls": "root 700",
        "/etc/barehost/authority.key": "root 600",
        "/etc/barehost/authority.pem": "root 644",
    }


def test_https_is_there_after_a_reboot(host: Host, https: Callable[..., Any], reboot: Callable[[], None]) -> None:
    before = https(SITE).serial
    reboot()
    host.check_output("for i in $(seq 600); do systemctl is-active -q nginx && exit; sleep .1; done; exit 1")
    seen = https(SITE)
    assert (seen.status, seen.serial) == (200, before)


def test_session_of_an_older_client_is_taken_up_again_and_not_kept_in_a_ticket(host: Host) -> None:
    client = f"openssl s_client -connect 127.0.0.1:443 -servername {SITE} -CAfile {AUTHORITY} -tls1_2"
    first = host.check_output(f"{client} -sess_out /tmp/session </dev/null 2>&1")
    assert "New, TLSv1.2" in first
    assert "TLS session ticket" not in first
    for _ in range(4):
        assert "Reused, TLSv1.2" in host.check_output(f"{client} -sess_in /tmp/session </dev/null 2>&1")
