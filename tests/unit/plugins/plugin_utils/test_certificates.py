# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates that users provide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils import _certificates
from ansible_collections.barehost.web.plugins.plugin_utils._certificates import Provided, faults, wanted
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)
KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "middle", "leaf", "other")}


def certificate(name: str, signer: str, *names: str, days: int = 30, begins: int = -90) -> x509.Certificate:
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, signer))
    builder = (
        x509.CertificateBuilder(issuer, subject, KEYS[name].public_key(), x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=begins))
        .not_valid_after(NOW + timedelta(days=days))
    )
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        builder = builder.add_extension(alternative, critical=False)
    return builder.sign(KEYS[signer], hashes.SHA256())


def pem(*certificates: x509.Certificate) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def key(name: str, password: str = "") -> str:
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return KEYS[name].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


ROOT, MIDDLE = certificate("root", "root"), certificate("middle", "root")
LEAF = certificate("leaf", "middle", "a.test", "*.a.test")
GOOD = Provided(pem(LEAF), key("leaf"), pem(MIDDLE, ROOT))


def found(provided: Provided, *domains: str) -> list[str]:
    return [str(problem) for problem in faults(provided, domains or ("a.test",), "s.tls")]


@pytest.mark.parametrize("domains", [("a.test",), ("A.test", "b.a.test"), ("*.a.test",)])
def test_a_good_one_passes(domains: tuple[str, ...]) -> None:
    assert found(GOOD, *domains) == []


def test_one_that_has_signed_itself_has_no_chain() -> None:
    assert found(Provided(pem(certificate("leaf", "leaf", "a.test")), key("leaf"), "")) == []


def test_a_root_that_the_control_node_trusts_may_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    provided = GOOD._replace(chain=pem(MIDDLE))
    assert len(found(provided)) == 1
    monkeypatch.setattr(_certificates, "_roots", lambda: [ROOT])
    assert found(provided) == []


@pytest.mark.parametrize(
    ("wrong", "domains", "messages"),
    [
        ({"certificate": "x"}, (), ["s.tls.certificate: holds no certificate in PEM; it begins with"]),
        ({"chain": "x"}, (), ["s.tls.chain: holds no certificate in PEM"]),
        ({"key": "x"}, (), ["s.tls.key: holds no key in PEM"]),
        ({"key": key("leaf", "secret")}, (), ["s.tls.key: is encrypted"]),
        ({"key": key("other")}, (), ["s.tls.key: is not the key of the certificate of 'CN=leaf'"]),
        (
            {},
            ("b.test", "c.b.a.test"),
            ["s.tls.certificate: is not for 'b.test', 'c.b.a.test' but for 'a.test', '*.a."],
        ),
        ({"chain": ""}, (), ["s.tls.chain: ends with 'CN=leaf', which 'CN=middle' has signed"]),
        ({"chain": pem(ROOT)}, (), ["s.tls.chain: 'CN=root' has not signed 'CN=leaf'"]),
        ({"chain": pem(ROOT, MIDDLE)}, (), ["s.tls.chain: 'CN=root' has not signed 'CN=leaf'"]),
        (
            {"certificate": pem(certificate("leaf", "middle", "a.test", days=-1))},
            (),
            ["s.tls.certificate: the certificate of 'CN=leaf' has expired on"],
        ),
        (
            {"certificate": pem(certificate("leaf", "middle", "a.test", begins=1))},
            (),
            ["s.tls.certificate: the certificate of 'CN=leaf' is not valid before"],
        ),
        (
            {"chain": pem(certificate("middle", "root", days=-1), ROOT), "key": key("other")},
            ("b.test",),
            [
                "s.tls.key: is not",
                "s.tls.certificate: is not for 'b.test'",
                "s.tls.chain: the certificate of 'CN=middle'",
            ],
        ),
        (
            {"certificate": pem(certificate("leaf", "middle"))},
            (),
            ["s.tls.certificate: is not for 'a.test' but for no"],
        ),
    ],
)
def test_every_fault_has_its_message(wrong: dict[str, str], domains: tuple[str, ...], messages: list[str]) -> None:
    said = found(GOOD._replace(**wrong), *domains)
    assert len(said) == len(messages), said
    for text, begin in zip(said, messages, strict=True):
        assert text.startswith(begin)


def site(**tls: Any) -> dict[str, Any]:
    return {"name": "main", "domains": ["a.test"], "tls": {"mode": "provided", **tls}}


def test_files_are_found_and_what_is_sent_leaves_out_the_root(tmp_path: Path) -> None:
    (tmp_path / "both.pem").write_text(pem(LEAF, MIDDLE, ROOT))
    (tmp_path / "key.pem").write_text(key("leaf"))
    sites = [site(certificate="both.pem", key="key.pem")]
    assert problems({"certificates_sites": sites}, [tmp_path]) == []
    (one,) = wanted(sites, [tmp_path])
    assert one["pem"] == key("leaf").strip() + "\n" + pem(LEAF, MIDDLE)


def test_a_file_that_is_gone_is_no_obstacle_to_a_removal() -> None:
    (one,) = wanted([site(certificate="gone.pem", key="gone.pem")], [], read=False)
    assert (one["mode"], one["pem"]) == ("provided", "")


def test_a_missing_file_is_named_and_a_key_never_is(tmp_path: Path) -> None:
    secret = key("leaf").splitlines()[1]
    said = [
        str(problem)
        for problem in problems({"certificates_sites": [site(certificate="c.pem", key=secret)]}, [tmp_path])
    ]
    assert len(said) == 2
    assert "there is no file 'c.pem' on the control node" in said[0]
    assert said[1].startswith("certificates_sites[0].tls.key: is neither a PEM nor a file")
    assert secret[:20] not in said[1]


def test_what_the_host_has_to_know() -> None:
    sites = [
        {"name": "a", "domains": ["a.test"], "tls": {"mode": "self_signed"}},
        {"name": "b", "domains": ["b.test"]},
        {"name": "c", "state": "absent", "tls": {"mode": "self_signed"}},
        {"name": "d", "domains": ["d.test"], "tls": {"mode": "provided"}},
    ]
    modes = {one["name"]: (one["mode"], one["domains"]) for one in wanted(sites, [])}
    assert modes == {
        "a": ("self_signed", ["a.test"]),
        "b": ("none", ["b.test"]),
        "c": ("none", []),
        "d": ("none", ["d.test"]),
    }
