# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said of an authority, and what follows from it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._acme import STAGING, authority, published, wanted
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems

DNS = {"plugin": "rfc2136", "credentials": "dns_rfc2136_secret = s3cret"}
EAB = {"kid": "kid-1", "hmac_key": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG4"}


def site(*domains: str, mode: str = "acme", **keys: Any) -> dict[str, Any]:
    return {"name": "main", "domains": list(domains) or ["a.test"], "tls": {"mode": mode}, **keys}


def found(said: Any, *domains: str, **tls: Any) -> list[str]:
    one = {**site(*domains), "routes": [{"path": "/", "static": "/srv/www"}]}
    one["tls"] = {"mode": "acme", **tls}
    return [str(problem) for problem in problems({"web_sites": [one], "web_acme": said})]


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"email": "admin@example.test"},
        {"staging": True},
        {"directory": "https://ca.example.test:8443/acme/dir"},
        {"eab": EAB},
        {"dns": DNS},
        {"ca": "-----BEGIN CERTIFICATE-----\nx"},
        {"preflight": False},
    ],
)
def test_what_is_right_is_taken(said: dict[str, Any]) -> None:
    assert found(said) == []


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"mail": "a@b.test"}, "web_acme.mail: there is no such key; did you mean 'email'?"),
        ({"email": "admin"}, "web_acme.email: 'admin' is no address of mail"),
        ({"email": "a b@c.test"}, "web_acme.email: 'a b@c.test' is no address of mail"),
        ({"directory": "http://ca.test/dir"}, "web_acme.directory: 'http://ca.test/dir' is no URL of an authority"),
        ({"directory": "https://ca.test:x/"}, "web_acme.directory: 'https://ca.test:x/' is no URL"),
        ({"directory": "https://u:s3cret@ca.test/"}, "web_acme.directory: 'https://***@ca.test/' is no URL"),
        ({"directory": "https://ca.test/", "staging": True}, "web_acme.staging: is of Let's Encrypt"),
        ({"ca": "/etc/ca.pem"}, "web_acme.ca: holds no certificate in PEM"),
        ({"eab": {"kid": "x"}}, "web_acme.eab.hmac_key: is missing"),
        ({"eab": {**EAB, "hmac_key": "s3cret key"}}, "web_acme.eab.hmac_key: is not base64url"),
        ({"eab": {**EAB, "kid": "x y"}}, "web_acme.eab.kid: 'x y' is no name of a key"),
        ({"dns": {"plugin": "rfc2136"}}, "web_acme.dns.credentials: is missing"),
        ({"dns": {**DNS, "credentials": " "}}, "web_acme.dns.credentials: is empty"),
        ({"dns": {**DNS, "plugin": "rfc2163"}}, "web_acme.dns.plugin: 'rfc2163' is not one of its values"),
        ({"dns": {**DNS, "propagation_seconds": -1}}, "web_acme.dns.propagation_seconds: is -1"),
    ],
)
def test_what_is_wrong_is_named(said: dict[str, Any], message: str) -> None:
    (problem,) = found(said)
    assert problem.startswith(message)
    assert "s3cret" not in problem


def test_a_star_takes_the_dns() -> None:
    (problem,) = found({}, "a.test", "*.a.test")
    assert problem.startswith(
        "web_sites[0].domains[1]: '*.a.test' is proven by a record in the DNS alone; give web_acme.dns"
    )
    assert found({"dns": DNS}, "a.test", "*.a.test") == []


@pytest.mark.parametrize("key", ["certificate_file", "certificate", "key", "chain"])
def test_a_certificate_of_ones_own_does_nothing(key: str) -> None:
    (problem,) = found({}, **{key: "/etc/x.pem"})
    assert problem.startswith(f"web_sites[0].tls.{key}: does nothing with this mode")


def test_an_address_is_refused() -> None:
    assert "is an address" in found({}, "192.0.2.1")[0]


@pytest.mark.parametrize(
    ("said", "server"),
    [
        ({}, "https://acme-v02.api.letsencrypt.org/directory"),
        ({"staging": "yes"}, STAGING),
        ({"directory": "https://ca.test/dir"}, "https://ca.test/dir"),
        (None, "https://acme-v02.api.letsencrypt.org/directory"),
    ],
)
def test_who_is_asked(said: Any, server: str) -> None:
    assert authority(said)["server"] == server


def test_the_host_is_told_of_every_site() -> None:
    told = wanted([site("A.test"), {"name": "gone", "state": "absent"}, {**site(mode="provided"), "name": "other"}])
    assert told == [
        {"name": "main", "mode": "acme", "domains": ["a.test"]},
        {"name": "gone", "mode": "none", "domains": []},
        {"name": "other", "mode": "provided", "domains": ["a.test"]},
    ]


def test_credentials_are_for_root_alone() -> None:
    parts = published([site()], {"dns": DNS, "ca": "PEM"})
    files = {file["dest"]: file for file in parts["files"]}
    secret = files["/etc/barehost/certbot/dns.ini"]
    assert (secret["mode"], secret["secret"], secret["content"]) == ("0600", True, DNS["credentials"] + "\n")
    assert files["/etc/barehost/certbot/ca.pem"]["content"] == "PEM\n"
    assert parts["packages"] == ["certbot", "openssl", "python3-certbot-dns-rfc2136"]
    assert parts["sites"] == ["main"]


def test_without_a_site_nothing_is_needed() -> None:
    assert published([site(mode="none"), {"name": "gone", "state": "absent"}], {})["sites"] == []
