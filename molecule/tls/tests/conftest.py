# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An authority whose certificates users provide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID


class Authority:
    """An authority of the tests: a root, and one below it that signs."""

    def __init__(self) -> None:
        self._keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "middle")}
        self._certificates = {"root": self._certificate("root", "root", ca=True, days=365)}
        self._certificates["middle"] = self._certificate("middle", "root", ca=True, days=365)

    @property
    def root(self) -> str:
        """What clients trust."""
        return self._text("root")

    @property
    def chain(self) -> str:
        """What belongs behind a certificate, and the root."""
        return self._text("middle") + self._text("root")

    def sign(self, *names: str, days: int = 30, responder: str = "") -> dict[str, str]:
        """Give a certificate for names, and its key, as a site of the model has them."""
        key = self._keys["leaf"] = ec.generate_private_key(ec.SECP256R1())
        self._certificates["leaf"] = self._certificate("leaf", "middle", names=names, days=days, responder=responder)
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {"mode": "provided", "certificate": self._text("leaf"), "key": text, "chain": self.chain}

    def responder(self) -> dict[str, str]:
        """Give what a program needs that says of the last certificate that it is good: ``openssl ocsp``."""
        key = self._keys["middle"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        serial = self._certificates["leaf"].serial_number
        return {
            "middle.pem": self._text("middle"),
            "middle.key": key,
            "index": f"V\t491231235959Z\t\t{serial:02X}\tunknown\t/CN=leaf\n",
        }

    def _text(self, name: str) -> str:
        return self._certificates[name].public_bytes(Encoding.PEM).decode()

    def _certificate(
        self,
        name: str,
        signer: str,
        *,
        ca: bool = False,
        names: tuple[str, ...] = (),
        days: int = 30,
        responder: str = "",
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        subject, issuer = (
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"the tests' {word}")]) for word in (name, signer)
        )
        public = self._keys[name].public_key()
        builder = (
            x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._keys[signer].public_key()), critical=False
            )
            .add_extension(_usage(ca=ca), critical=True)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False
            )
        if responder:
            where = x509.AccessDescription(
                AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(responder)
            )
            builder = builder.add_extension(x509.AuthorityInformationAccess([where]), critical=False)
        return builder.sign(self._keys[signer], hashes.SHA256())


def _usage(*, ca: bool) -> x509.KeyUsage:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    rest = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **rest)


@pytest.fixture(scope="session")
def roles() -> tuple[str, ...]:
    """Without the servers that no app of the scenario has, and without WordPress."""
    return ("app", "gunicorn", "certificates", "nginx")


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Have an authority that the host knows nothing of."""
    return Authority()
