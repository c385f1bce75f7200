# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which certificates need attention."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._report_certificates import judged
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("host", "acme", "leaf")}


def name(common: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    organization = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "A & B")] if common == "acme" else []
    return x509.Name([*organization, *parts])


def pem(signer: str, *names: str, left: float = 80, life: float = 90, of: str = "leaf") -> str:
    end = NOW + timedelta(days=left)
    builder = (
        x509.CertificateBuilder(name(signer), name(of), KEYS[of].public_key(), x509.random_serial_number())
        .not_valid_before(end - timedelta(days=life))
        .not_valid_after(end)
    )
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        builder = builder.add_extension(alternative, critical=False)
    return builder.sign(KEYS[signer], hashes.SHA256()).public_bytes(Encoding.PEM).decode()


AUTHORITY = {"site": "", "path": "/authority.pem", "pem": pem("host", of="host", left=3000, life=3650), "fault": ""}


def judge(text: str, *domains: str, mode: str = "", days: int = 21, fault: str = "") -> Any:
    fact = {"site": "main", "path": "/main.pem", "pem": text, "fault": fault}
    found = judged([fact, AUTHORITY], {"main": domains}, {"main": mode}, days=days, now=NOW)
    assert found[1].findings == ()
    return found[0]


@pytest.mark.parametrize(
    ("left", "life", "reason"),
    [
        (21.1, 90, ""),
        (20.9, 90, "ends in 20 days, on 2026-12-12"),
        (1.5, 90, "ends in 1 day, on 2026-11-22"),
        (0.5, 90, "ends in 0 days, on 2026-11-21"),
        (-0.5, 90, "has expired on 2026-11-20"),
        (91, 90, "is not valid before 2026-11-22 03:00 UTC"),
    ],
)
def test_the_end_of_a_certificate_is_seen_coming(left: float, life: float, reason: str) -> None:
    found = judge(pem("acme", "a.test", left=left, life=life), "a.test")
    assert [finding.reason for finding in found.findings] == [reason] * bool(reason)
    assert found.state == (reason or "good")


def test_days_are_whole_days_that_are_left() -> None:
    assert judge(pem("acme", left=20.9)).days == 20
    assert judge(pem("acme", left=-0.5)).days == -1


@pytest.mark.parametrize(("mode", "way_out"), [("provided", "get a new one"), ("acme", "tries"), ("", "renew it")])
def test_the_way_out_is_that_of_the_mode(mode: str, way_out: str) -> None:
    (finding,) = judge(pem("acme", left=5), mode=mode).findings
    assert finding.subject == "certificate main"
    assert way_out in finding.way_out


@pytest.mark.parametrize(
    ("domains", "reason"),
    [
        (("a.test", "x.b.test"), ""),
        (("A.test",), ""),
        (("c.test", "a.test"), "is not for 'c.test' but for 'a.test', '*.b.test'"),
        (("x.y.b.test",), "is not for 'x.y.b.test' but for 'a.test', '*.b.test'"),
    ],
)
def test_a_certificate_is_for_all_domains_of_its_site(domains: tuple[str, ...], reason: str) -> None:
    found = judge(pem("acme", "a.test", "*.b.test"), *domains)
    assert [finding.reason for finding in found.findings] == [reason] * bool(reason)
    assert found.names == ("a.test", "*.b.test")


@pytest.mark.parametrize(
    ("signer", "mode", "standin"),
    [("host", "acme", True), ("host", "self_signed", False), ("acme", "acme", False), ("host", "", False)],
)
def test_a_stand_in_is_told_from_what_is_wanted(signer: str, mode: str, standin: bool) -> None:
    found = judge(pem(signer, "a.test"), "a.test", mode=mode)
    assert bool(found.findings) is standin
    assert all("stand-in" in finding.reason and "'acme'" in finding.reason for finding in found.findings)


def test_the_issuer_is_named() -> None:
    assert judge(pem("acme")).issuer == "A & B acme"


@pytest.mark.parametrize(("text", "fault"), [("", "No such file or directory"), ("-----BEGIN CERTIFICATE-----\n", "")])
def test_a_file_without_a_certificate_is_named(text: str, fault: str) -> None:
    found = judge(text, fault=fault)
    assert found.findings[0].reason == f"/main.pem cannot be read: {fault or 'is no certificate'}"
    assert found.days is None


def test_the_authority_of_the_host_ends_as_well() -> None:
    fact = {**AUTHORITY, "pem": pem("host", of="host", left=3, life=3650)}
    ((finding,),) = [one.findings for one in judged([fact], {}, {}, days=21, now=NOW)]
    assert finding.subject == "authority of the host"
    assert "site.yml" in finding.way_out
