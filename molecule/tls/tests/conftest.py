# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A client that speaks TLS, and an authority whose certificates users provide."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from testbed.podman import podman_ok

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from testinfra.host import Host

ROOT = "/etc/barehost/authority.pem"

#: Runs in the machine: shakes hands as it is told, and asks for a page.
CLIENT = """
import http.client, json, socket, ssl, sys
task = json.load(sys.stdin)
context = ssl.create_default_context(cadata=task["root"])
context.check_hostname = bool(task["name"])
if task["version"]:
    context.minimum_version = context.maximum_version = ssl.TLSVersion[task["version"]]
    context.set_ciphers("ALL:@SECLEVEL=0")
if task["ciphers"]:
    context.set_ciphers(task["ciphers"])
if task["alpn"]:
    context.set_alpn_protocols(task["alpn"])
seen = {"error": "", "status": 0, "headers": {}, "text": ""}
try:
    raw = socket.create_connection(("127.0.0.1", task["port"]), timeout=10)
    with context.wrap_socket(raw, server_hostname=task["name"] or None) as tls:
        seen |= {"version": tls.version(), "cipher": tls.cipher()[0], "alpn": tls.selected_alpn_protocol()}
        seen |= {"serial": tls.getpeercert()["serialNumber"], "until": tls.getpeercert()["notAfter"]}
        if tls.selected_alpn_protocol() != "h2":
            host = task["host"] or task["name"]
            tls.sendall(f"GET {task['path']} HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n".encode())
            answer = http.client.HTTPResponse(tls)
            answer.begin()
            seen |= {"status": answer.status, "text": answer.read().decode()}
            seen["headers"] = {name.lower(): value for name, value in answer.getheaders()}
except (OSError, ssl.SSLError) as error:
    seen["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(seen))
"""


@dataclass(frozen=True)
class Seen:
    """What the client saw."""

    error: str
    status: int
    headers: Mapping[str, str]
    text: str
    version: str = ""
    cipher: str = ""
    alpn: str | None = None
    serial: str = ""
    until: str = ""


@pytest.fixture(scope="session")
def https(host: Host) -> Callable[..., Seen]:
    """Ask a server of the machine over https; it trusts the host's authority, unless it is given another root."""

    def ask(name: str, path: str = "/", **options: Any) -> Seen:
        root = options.pop("root", None) or host.file(ROOT).content_string
        task = {"name": name, "path": path, "root": root, "port": 443, "host": "", "version": "", "ciphers": ""}
        task |= {"alpn": [], **options}
        container = host.backend.name
        done = podman_ok("exec", "-i", container, "python3", "-c", CLIENT, data=json.dumps(task).encode())
        return Seen(**json.loads(done))

    return ask


class Authority:
    """An authority of the tests: a root, and one below it that signs."""

    def __init__(self) -> None:
        self._keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "middle")}
        self._certificates = {"root": self._certificate("root", "root", ca=True)}
        self._certificates["middle"] = self._certificate("middle", "root", ca=True)

    @property
    def root(self) -> str:
        """What clients trust."""
        return self._text("root")

    @property
    def chain(self) -> str:
        """What belongs behind a certificate, and the root."""
        return self._text("middle") + self._text("root")

    def sign(self, *names: str, days: int = 30) -> dict[str, str]:
        """Give a certificate for names, and its key, as a site of the model has them."""
        key = self._keys["leaf"] = ec.generate_private_key(ec.SECP256R1())
        self._certificates["leaf"] = self._certificate("leaf", "middle", names=names, days=days)
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {"mode": "provided", "certificate": self._text("leaf"), "key": text, "chain": self.chain}

    def _text(self, name: str) -> str:
        return self._certificates[name].public_bytes(Encoding.PEM).decode()

    def _certificate(
        self, name: str, signer: str, *, ca: bool = False, names: tuple[str, ...] = (), days: int = 30
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
        return builder.sign(self._keys[signer], hashes.SHA256())


def _usage(*, ca: bool) -> x509.KeyUsage:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    rest = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, crl_sign=ca, **rest)


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Have an authority that the host knows nothing of."""
    return Authority()
