# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Other modes, other authorities, and sites that go."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from testbed.podman import podman_ok

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"
OWN_ROOT = "/etc/barehost/authority.pem"
DNS_KEY = "c2VjcmV0IG9mIHRoZSB0ZXN0cyBmb3IgdGhlaXIgem9uZQ=="
DNS = f"""\
dns_rfc2136_server = 127.0.0.1
dns_rfc2136_port = 8153
dns_rfc2136_name = acme.
dns_rfc2136_secret = {DNS_KEY}
dns_rfc2136_algorithm = HMAC-SHA512
"""
KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
#: What is in a folder of certbot when it has never had a certificate of ours.
LEFT = "find /etc/letsencrypt -not -type d -not -name README -not -name cli.ini"


def own_authority(host: Host) -> dict[str, Any]:
    """Give the authority of another root, which wants an account binding."""
    return {
        "directory": "https://own.example.test:14001/dir",
        "ca": host.file("/etc/pebble/own/ca.pem").content_string,
        "eab": {"kid": "kid-1", "hmac_key": KEY},
    }


def test_every_mode_leads_to_every_other(
    converge: Any, model: Any, https: Callable[..., Any], http: Http, pebble: Any
) -> None:
    host, serial = pebble.host, https(SITE).serial
    for mode in ("self_signed", "acme", "none", "acme"):
        outcome = converge(model(tls={"mode": mode}))
        assert outcome.rc == 0, outcome
        if mode == "none":
            assert https(SITE).error
            assert http("/", host=SITE).status == 200
        else:
            root = pebble.root if mode == "acme" else host.file(OWN_ROOT).content_string
            assert https(SITE, root=root).status == 200
        assert converge(model(tls={"mode": mode})).changed == 0
        host.check_output("systemctl restart nginx")
    assert pebble.status(serial) == "Revoked"


def test_a_site_that_goes_has_its_certificate_revoked(
    converge: Any, model: Any, https: Callable[..., Any], host: Host, pebble: Any
) -> None:
    serial = https("second.example.test").serial
    outcome = converge(model(1, state="absent"))
    assert outcome.rc == 0, outcome
    assert pebble.status(serial) == "Revoked"
    assert host.run("ls /etc/letsencrypt/*/barehost-second* /etc/barehost/tls/second.pem").stdout == ""
    assert https(SITE).status == 200


def test_a_site_that_is_not_mentioned_keeps_its_certificate_until_purged(
    converge: Any, model: Any, https: Callable[..., Any], pebble: Any
) -> None:
    rest = model()
    rest["web_sites"].pop()
    serial = https("second.example.test").serial
    assert converge(rest).rc == 0
    assert https("second.example.test").status == 200
    assert pebble.status(serial) == "Valid"
    assert converge({**rest, "web_purge": True}).rc == 0
    assert pebble.status(serial) == "Revoked"


@pytest.mark.parametrize("away", [False, True])
def test_the_last_one_leaves_nothing(converge: Any, model: Any, http: Http, pebble: Any, away: bool) -> None:
    host = pebble.host
    sites = [{**site, "tls": {"mode": "none"}} for site in model()["web_sites"]]
    with pebble.away() if away else nullcontext():
        outcome = converge({"web_sites": sites})
    assert outcome.rc == 0, outcome
    assert ("is removed but not revoked: nobody listens there" in outcome.output) is away
    assert host.check_output(LEFT) == ""
    assert host.check_output("ls /etc/letsencrypt/accounts") == ""
    assert not host.file("/etc/barehost/certbot").exists
    assert not host.file("/etc/systemd/system/certbot.service.d").exists
    assert not host.file("/var/www/acme").exists
    assert http("/", host=SITE).status == 200
    assert converge({"web_sites": sites}).changed == 0


def test_an_authority_of_ones_own_takes_over(
    converge: Any, model: Any, https: Callable[..., Any], own_pebble: Any, run_out: Callable[[str], None]
) -> None:
    host = own_pebble.host
    outcome = converge(model(authority=own_authority(host)), verbose=True)
    assert outcome.rc == 0, outcome
    assert KEY not in outcome.output
    assert https(SITE, root=own_pebble.root).status == 200
    assert converge(model(authority=own_authority(host))).changed == 0
    before = https(SITE, root=own_pebble.root).serial
    run_out("main")
    seen = https(SITE, root=own_pebble.root)
    assert (seen.status, seen.serial != before) == (200, True), "the timer knows its root as well"
    script = 'grep -rlF -- "$1" /etc /var /run /tmp /root 2>/dev/null | grep -v ^/etc/pebble || true'
    assert podman_ok("exec", host.backend.hostname, "sh", "-c", script, "find", KEY) == ""


def test_a_name_with_a_star_is_proven_by_dns(
    converge: Any, model: Any, https: Callable[..., Any], own_pebble: Any, run_out: Callable[[str], None]
) -> None:
    host = own_pebble.host
    dns = {"plugin": "rfc2136", "credentials": DNS, "propagation_seconds": 1}
    wanted = model(domains=[SITE, "*.example.test"], authority={**own_authority(host), "dns": dns})
    wanted["web_sites"].pop()
    wanted["web_purge"] = True
    outcome = converge(wanted, verbose=True)
    assert outcome.rc == 0, outcome
    assert DNS_KEY not in outcome.output
    assert [https(name, root=own_pebble.root).status for name in (SITE, "anything.example.test")] == [200, 200]
    assert converge(wanted).changed == 0
    assert host.file("/etc/barehost/certbot/dns.ini").mode == 0o600
    script = 'grep -rlF -- "$1" /etc /var /run /tmp /root 2>/dev/null | grep -v ^/etc/pebble || true'
    found = podman_ok("exec", host.backend.hostname, "sh", "-c", script, "find", DNS_KEY)
    assert found.split() == ["/etc/barehost/certbot/dns.ini"]
    before = https(SITE, root=own_pebble.root).serial
    run_out("main")
    assert https(SITE, root=own_pebble.root).serial != before
    del wanted["web_acme"]["dns"]
    outcome = converge(wanted)
    assert "web_sites[0].domains[1]: '*.example.test' is proven by a record in the DNS alone" in outcome.output


@pytest.mark.parametrize(
    ("missing", "message"),
    [("ca", "this host does not trust its certificate"), ("eab", "it asks for an external account binding")],
)
def test_what_an_authority_of_ones_own_takes_is_named(
    converge: Any, https: Callable[..., Any], host: Host, missing: str, message: str
) -> None:
    authority = {name: value for name, value in own_authority(host).items() if name != missing}
    outcome = converge({"web_acme": authority})
    assert outcome.rc != 0
    assert f"https://own.example.test:14001/dir cannot be asked: {message}" in outcome.output
    assert https(SITE).status == 200


def test_a_certificate_of_somebody_else_is_left_alone(converge: Any, model: Any, host: Host) -> None:
    command = (
        "certbot certonly -n --cert-name mail --webroot -w /var/www/acme -d third.example.test "
        "--server https://acme.example.test:14000/dir 2>&1"
    )
    assert converge(model(domains=[SITE, "third.example.test"])).rc == 0
    host.check_output(command)
    try:
        assert converge({**model(), "web_purge": True}).rc == 0
        assert host.file("/etc/letsencrypt/live/mail/fullchain.pem").exists
        assert not host.file("/etc/barehost/tls/mail.pem").exists
    finally:
        host.check_output("certbot delete -n --cert-name mail")


def test_a_run_that_only_looks_asks_nobody(converge: Any, model: Any, pebble: Any) -> None:
    asked = pebble.asked()
    outcome = converge(model(domains=[SITE, "third.example.test"]), check=True)
    assert outcome.rc == 0, outcome
    assert "certificate of main asked for, for example.test, third.example.test" in outcome.output
    assert pebble.asked() == asked
