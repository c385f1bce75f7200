# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's side of certificates, with the openssl of this machine."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _certificates, _marks
from ansible_collections.barehost.web.plugins.module_utils._certificates import CertificateError, Certificates
from cryptography import x509

NGINX = ["nginx.service"]


def site(name: str = "main", *domains: str, mode: str = "self_signed", pem: str = "") -> dict[str, Any]:
    return {"name": name, "mode": mode, "domains": list(domains) or [f"{name}.test"], "pem": pem}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "served").mkdir()
    (tmp_path / "state").mkdir(mode=0o700)
    return tmp_path


def fresh(base: Path) -> Certificates:
    return Certificates(base / "etc", [base / "served"], base / "state")


def make(base: Path, *sites: dict[str, Any], check: bool = False) -> list[str]:
    certificates = fresh(base)
    certificates.make(sites, NGINX, check=check)
    return certificates.changes


def remove(base: Path, *sites: dict[str, Any], purge: bool = False) -> Certificates:
    certificates = fresh(base)
    certificates.remove(sites, purge=purge, check=False)
    return certificates


def test_a_certificate_is_signed_once(base: Path) -> None:
    wanted = site("main", "a.test", "*.a.test")
    assert make(base, wanted, check=True) == make(base, wanted)
    assert make(base, wanted) == []
    file, root = base / "etc/tls/main.pem", base / "etc/authority.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    assert (base / "etc/authority.key").stat().st_mode & 0o777 == 0o600
    ssl.create_default_context(cafile=str(root)).load_cert_chain(file)
    (found,) = x509.load_pem_x509_certificates(file.read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.test", "*.a.test"]
    assert _marks.read_mark("nginx.service", base / "state") == "reload"
    assert list(json.loads((base / "state/published/certificates.json").read_text())) == [str(file)]


@pytest.mark.parametrize("spoil", ["names", "mode", "content", "root", "key", "signer"])
def test_a_certificate_that_does_not_fit_is_signed_anew(base: Path, spoil: str) -> None:
    make(base, site("main"), site("other"))
    file = base / "etc/tls/main.pem"
    domains = ["main.test"]
    if spoil == "names":
        domains = ["new.test"]
    elif spoil == "mode":
        file.chmod(0o644)
    elif spoil == "content":
        file.write_text("x")
    elif spoil == "root":
        (base / "etc/authority.key").unlink()
    elif spoil == "key":
        other = (base / "etc/tls/other.pem").read_text()
        own = file.read_text()
        file.write_text(other[: other.index("-----BEGIN CERT")] + own[own.index("-----BEGIN CERT") :])
    elif spoil == "signer":
        make(base / "elsewhere", site("main"))
        file.write_text((base / "elsewhere/etc/tls/main.pem").read_text())
    changes = make(base, site("main", *domains), site("other"))
    wanted = [f"certificate of main signed for {domains[0]}"]
    if spoil == "root":
        wanted = [f"authority made: {base}/etc/authority.pem", *wanted, "certificate of other signed for other.test"]
    assert changes == wanted
    assert make(base, site("main", *domains), site("other")) == []


@pytest.mark.parametrize(("name", "number"), [("_LEFT", 366), ("_ROOT_LEFT", 3651)])
def test_what_runs_out_is_renewed(base: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    make(base, site())
    key = (base / "etc/authority.key").read_text()
    monkeypatch.setattr(_certificates, name, number)
    assert "certificate of main signed for main.test" in make(base, site())
    assert (base / "etc/authority.key").read_text() == key


def test_a_provided_one_takes_the_place_of_a_signed_one_and_back(base: Path) -> None:
    make(base, site())
    assert make(base, site(mode="provided", pem="text")) == ["certificate of main put in place"]
    assert (base / "etc/tls/main.pem").read_text() == "text"
    assert make(base, site(mode="provided", pem="text")) == []
    assert make(base, site()) == ["certificate of main signed for main.test"]


def test_what_goes_and_what_stays(base: Path) -> None:
    make(base, site("gone"), site("served"), site("unsaid"), site("kept"))
    (base / "served/served.conf").write_text(f"ssl_certificate {base}/etc/tls/served.pem;")
    spoken = (site("gone", mode="none"), site("served", mode="none"), site("kept"))
    done = remove(base, *spoken)
    assert done.changes == ["certificate of gone removed"]
    assert [line.split()[0].rpartition("/")[2] for line in done.warnings] == ["served.pem", "unsaid.pem"]
    (base / "served/served.conf").unlink()
    assert remove(base, *spoken, purge=True).changes == [
        "certificate of served removed",
        "certificate of unsaid removed",
    ]
    assert [path.name for path in (base / "etc/tls").iterdir()] == ["kept.pem"]
    remove(base, site("kept", mode="none"))
    assert json.loads((base / "state/published/certificates.json").read_text()) == {}


def test_a_failure_of_openssl_changes_nothing(base: Path) -> None:
    make(base, site())
    before = {path: path.read_bytes() for path in (base / "etc").rglob("*.pem")}
    with pytest.raises(CertificateError, match="openssl req failed"):
        make(base, site("main", "a\nb = c\n[bad"), site("new"))
    assert {path: path.read_bytes() for path in (base / "etc").rglob("*.pem")} == before


def test_a_site_that_waits_for_an_authority_has_a_certificate_to_start_with(base: Path) -> None:
    wanted = site("main", "a.test", mode="acme")
    assert make(base, wanted, check=True) == make(base, wanted) != []
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(base / "etc/tls/main.pem")
    assert make(base, wanted) == []
    assert make(base, site("main", "a.test", "b.test", mode="acme")) != [], "it is for all domains"
    assert remove(base, wanted).changes == []


def test_a_certificate_of_another_authority_is_never_replaced_by_one_to_start_with(base: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make(other, site("main", "old.test"))
    make(base, site("second"))
    file = base / "etc/tls/main.pem"
    file.write_bytes((other / "etc/tls/main.pem").read_bytes())
    file.chmod(0o600)
    assert make(base, site("main", "new.test", mode="acme")) == []
    key, _, rest = file.read_text().partition("-----END PRIVATE KEY-----")
    file.write_text(rest)
    assert make(base, site("main", "new.test", mode="acme")) != [], (
        f"a web server cannot start with {len(key)} bytes less"
    )


def test_a_stand_in_without_its_authority_is_signed_anew(base: Path) -> None:
    wanted = site("main", mode="acme")
    make(base, wanted)
    (base / "etc/tls/main.pem").unlink()
    (base / "etc/authority.pem").unlink()
    make(base, wanted)
    ssl.create_default_context(cafile=str(base / "etc/authority.pem")).load_cert_chain(base / "etc/tls/main.pem")
