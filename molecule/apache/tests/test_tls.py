# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients get from Apache over https."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http
    from testbed.https import Https
    from testinfra.host import Host

SITE, BOTH, MODERN = "secure.example.test", "both.example.test", "modern.example.test"


@pytest.mark.parametrize("name", [SITE, "a.wild.example.test"])
def test_a_name_has_a_certificate_that_a_client_with_the_root_trusts(https: Https, name: str) -> None:
    seen = https(name, "/request")
    assert (seen.error, seen.status) == ("", 200)


def test_an_app_is_told_that_it_is_asked_over_https(https: Https) -> None:
    text = https(SITE, "/request").text
    assert '"wsgi.url_scheme": "https"' in text or '"wsgi.url_scheme":"https"' in text


@pytest.mark.parametrize(
    ("name", "port", "version", "spoken"),
    [
        (SITE, 443, "TLSv1_1", False),
        (SITE, 443, "TLSv1_2", True),
        (SITE, 443, "TLSv1_3", True),
        (MODERN, 8443, "TLSv1_2", False),
        (MODERN, 8443, "TLSv1_3", True),
    ],
)
def test_versions_of_the_profile_are_spoken(https: Https, name: str, port: int, version: str, spoken: bool) -> None:
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
def test_ciphers_of_the_profile_are_spoken(https: Https, cipher: str, spoken: bool) -> None:
    seen = https(SITE, version="TLSv1_2", ciphers=cipher)
    assert (seen.cipher == cipher) is spoken, seen


def test_http2_is_offered(https: Https) -> None:
    assert https(SITE, alpn=["h2", "http/1.1"]).alpn == "h2"
    assert https(SITE, alpn=["http/1.1"]).alpn == "http/1.1"


@pytest.mark.parametrize("version", ["", "TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("name", ["", "unknown.example.test", "example.test", MODERN])
def test_a_name_without_https_sees_no_certificate(host: Host, https: Https, name: str, version: str) -> None:
    seen = https(name, version=version)
    assert "alert" in seen.error.lower()
    flags = {"": "", "TLSv1_2": "-tls1_2 -cipher ALL:@SECLEVEL=0", "TLSv1_3": "-tls1_3"}[version]
    named = f"-servername {name}" if name else "-noservername"
    told = host.run(f"openssl s_client -connect 127.0.0.1:443 {named} {flags} -showcerts </dev/null 2>&1").stdout
    assert "no peer certificate available" in told
    assert "BEGIN CERTIFICATE" not in told


def test_a_foreign_name_inside_a_connection_reaches_no_site(https: Https) -> None:
    assert https(SITE, host="unknown.example.test").status == 421


@pytest.mark.parametrize(
    ("name", "path", "address"),
    [
        (SITE, "/a%20b?c=d", "https://secure.example.test/a%20b?c=d"),
        (SITE, "/?c=%20d", "https://secure.example.test/?c=%20d"),
        (SITE, "/a%2Fb", "https://secure.example.test/a%2Fb"),
        (SITE, "//evil.test/", "https://secure.example.test//evil.test/"),
        ("a.wild.example.test", "/", "https://a.wild.example.test/"),
        (MODERN, "/", "https://modern.example.test:8443/"),
    ],
)
def test_http_leads_to_https(http: Http, name: str, path: str, address: str) -> None:
    response = http(path, host=name)
    assert (response.status, response.header("location")) == (301, address)


@pytest.mark.parametrize(("name", "rest"), [(SITE, 301), (BOTH, 302)])
def test_an_authority_finds_its_challenge_over_http(host: Host, http: Http, name: str, rest: int) -> None:
    folder = "/var/www/acme/.well-known/acme-challenge"
    host.check_output(f"mkdir -p {folder} && echo proof > {folder}/token")
    try:
        answer = http("/.well-known/acme-challenge/token", host=name)
        assert (answer.status, answer.text) == (200, "proof\n")
        assert http("/.well-known/acme-challenge/other", host=name).status == 404
        assert http("/.well-known/other", host=name).status == rest
    finally:
        host.check_output("rm -r /var/www/acme")


def test_hsts_is_said_where_it_was_asked_for_and_over_https_alone(https: Https, http: Http) -> None:
    assert https(SITE).headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    assert https(BOTH).headers["strict-transport-security"] == "max-age=63072000"
    assert http("/", host=BOTH).header("strict-transport-security") is None


def test_without_hsts_nothing_is_said(converge: Any, https: Https, varied: Any) -> None:
    outcome = converge(varied(key="apache_sites", both={"tls": {"mode": "self_signed", "redirect": False}}))
    assert outcome.rc == 0, outcome
    seen = https(BOTH)
    assert seen.status == 302
    assert "strict-transport-security" not in seen.headers


def test_keys_are_for_root(host: Host) -> None:
    found = host.check_output("stat -c '%U %a' /etc/barehost/tls/*.pem").splitlines()
    assert found == ["root 600"] * 3


def test_a_certificate_of_somebody_else_is_served(converge: Any, host: Host, https: Https, varied: Any) -> None:
    make = (
        "mkdir -p /etc/own && cd /etc/own && openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=own "
        f"-addext subjectAltName=DNS:{SITE} -keyout key.pem -out cert.pem 2>/dev/null && chmod 600 key.pem"
    )
    host.check_output(make)
    own = {"mode": "provided", "certificate_file": "/etc/own/cert.pem", "key_file": "/etc/own/key.pem"}
    outcome = converge(varied(key="apache_sites", secure={"domains": [SITE], "tls": own}))
    assert outcome.rc == 0, outcome
    assert https(SITE, root=host.file("/etc/own/cert.pem").content_string).status == 200
    assert https(SITE, version="TLSv1_2", root=host.file("/etc/own/cert.pem").content_string).status == 200
    assert not host.file("/etc/barehost/tls/secure.pem").exists
    seen = https("unknown.example.test", version="TLSv1_2")
    assert "alert" in seen.error.lower()


def test_the_last_https_leaves_no_socket_behind(converge: Any, host: Host, http: Http, varied: Any) -> None:
    none = {"tls": {"mode": "none"}}
    outcome = converge(varied(key="apache_sites", secure=none, both=none, modern=none))
    assert outcome.rc == 0, outcome
    assert not host.socket("tcp://0.0.0.0:443").is_listening
    assert host.check_output("ls /etc/barehost/tls") == ""
    assert http("/request", host=SITE).status == 200
    assert "ssl_module" not in host.check_output("apache2ctl -M 2>/dev/null")
    assert host.run("systemctl restart apache2").rc == 0


def test_https_is_there_after_a_reboot(https: Https, reboot: Callable[[], None], soon: Any) -> None:
    before = https(SITE).serial
    reboot()
    soon(lambda: https(SITE).status == 200)
    assert https(SITE).serial == before
