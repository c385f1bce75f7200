# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates that users provide: found on the control node, and checked there. Private to the collection.

Nothing of a key is ever part of a message.
"""

from __future__ import annotations

import contextlib
import ssl
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.barehost.web.plugins.plugin_utils._entries import Entry, select
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Problem, show
from ansible_collections.barehost.web.plugins.plugin_utils._sources import file_fault
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

_BEGIN = "-----BEGIN "
_PROVIDED = ("certificate", "key", "chain")
_PLACES = "write the text of the PEM, or the path of a file on the control node"


class Provided(NamedTuple):
    """The texts of a provided certificate."""

    certificate: str
    key: str
    chain: str


def text_of(value: str, folders: Sequence[Path]) -> str:
    """Give a PEM that is written out or stands in a file on the control node; empty where there is none."""
    if _BEGIN in value or not value:
        return value
    candidates = (folder / Path(value).expanduser() for folder in folders)
    found = next((path for path in candidates if path.is_file()), None)
    return found.read_text(encoding="utf-8", errors="replace") if found is not None else ""


def wanted(sites: object, folders: Sequence[Path], *, read: bool = True) -> list[dict[str, Any]]:
    """Give what the host has to know of ``certificates_sites``, checked.

    :param read: whether the provided certificates are read; to remove others takes none of them.
    :returns: name and mode of each entry; the domains of one to sign, the PEM of one that is provided. One whose
        files something else looks after is nobody's here.
    """
    found = []
    for entry in select(sites, "certificates"):
        tls: Mapping[str, Any] = entry.get("tls") or {"mode": "none"}
        mode = "none" if entry["state"] == "absent" else tls["mode"]
        one = {"name": entry["name"], "mode": mode, "domains": entry.get("domains", []), "pem": ""}
        if mode == "provided":
            if not tls.get("certificate"):
                one["mode"] = "none"
            elif read:
                one["pem"] = _joined(Provided(*(text_of(tls.get(key, ""), folders) for key in _PROVIDED)))
        found.append(one)
    return found


def _joined(provided: Provided) -> str:
    """Put everything into one text: the key, the certificate, and the chain without the root, which clients have."""
    leaf, *chain = _certificates(provided.certificate + "\n" + provided.chain)
    sent = [leaf, *(one for one in chain if one.issuer != one.subject)]
    return provided.key.strip() + "\n" + "".join(one.public_bytes(Encoding.PEM).decode() for one in sent)


def check_tls(site: Entry, folders: Sequence[Path]) -> Iterator[Problem]:
    """Check the certificate of one site. Without folders, files are not looked for."""
    tls = site.mapping("tls") if site.present and site.knows("tls") else None
    if tls is None or not tls.knows("certificate"):
        return
    given = {key: tls.text(key) for key in _PROVIDED}
    if tls.text("mode") != "provided":
        for key in _PROVIDED:
            if tls.values.get(key):
                yield Problem(f"{tls.path}.{key}", "does nothing with this mode", "write 'mode: provided'")
        return
    if tls.knows("certificate_file") and tls.text("certificate_file"):
        if any(given.values()):
            reason = "names a file of the host, and a certificate is provided as well"
            yield Problem(f"{tls.path}.certificate_file", reason, "leave one of them out")
        return
    missing = [key for key in ("certificate", "key") if not given[key]]
    for key in missing:
        yield Problem(f"{tls.path}.{key}", "is missing, which mode 'provided' needs", _PLACES)
    absent = [Problem(f"{tls.path}.{key}", *fault) for key, fault in _files(given, folders)]
    yield from absent
    if not missing and not absent and (folders or all(_BEGIN in text for text in given.values() if text)):
        provided = Provided(*(text_of(given[key], folders) for key in _PROVIDED))
        yield from faults(provided, [domain for _, domain in site.texts("domains")], tls.path)


def _files(given: Mapping[str, str], folders: Sequence[Path]) -> Iterator[tuple[str, tuple[str, str]]]:
    for key, text in given.items():
        # What is broken over lines is no path, and may be most of a key.
        if not text or _BEGIN in text:
            continue
        if "\n" in text.strip():
            yield key, ("is no PEM", _PLACES)
        elif (fault := file_fault(text, folders)) is not None:
            # A key without its first line would be shown as a path.
            reason = "is neither a PEM nor a file on the control node" if key == "key" else fault.reason
            yield key, (reason, _PLACES)


def faults(provided: Provided, domains: Sequence[str], path: str, now: datetime | None = None) -> Iterator[Problem]:
    """Find what is wrong with a provided certificate; ``path`` is where it stands in the model."""
    certificates: list[x509.Certificate] = []
    for key, text in (("certificate", provided.certificate), ("chain", provided.chain)):
        try:
            certificates += _certificates(text) if text else []
        except ValueError:
            yield Problem(
                f"{path}.{key}", "holds no certificate in PEM", "it begins with '-----BEGIN CERTIFICATE-----'"
            )
            return
    leaf = certificates[0]
    yield from _key(provided.key, leaf, f"{path}.key")
    yield from _names(leaf, domains, f"{path}.certificate")
    moment = now or datetime.now(UTC)
    for number, one in enumerate(certificates):
        yield from _age(one, moment, f"{path}.{'chain' if number else 'certificate'}")
    yield from _order(certificates, f"{path}.chain")


def _certificates(text: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(text.encode())


def _key(text: str, leaf: x509.Certificate, path: str) -> Iterator[Problem]:
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except TypeError:
        yield Problem(path, "is encrypted", "decrypt it with 'openssl pkey' and keep it in your vault")
        return
    except ValueError:
        yield Problem(path, "holds no key in PEM", "it begins with '-----BEGIN PRIVATE KEY-----'")
        return
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        yield Problem(path, f"is not the key of the certificate of {_named(leaf)}", "give the key it was made with")


def _names(leaf: x509.Certificate, domains: Sequence[str], path: str) -> Iterator[Problem]:
    names = names_of(leaf)
    missing = [domain for domain in domains if not covered(domain.lower(), names)]
    if missing:
        known = ", ".join(show(name) for name in names) or "no name at all"
        reason = f"is not for {', '.join(show(domain) for domain in missing)} but for {known}"
        yield Problem(path, reason, "get one for all domains of the site, or leave the domain out")


def names_of(leaf: x509.Certificate) -> list[str]:
    """Give the names that a certificate is for."""
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]


def covered(domain: str, names: Sequence[str]) -> bool:
    """Tell whether a certificate with these names is good for a domain."""
    # A star stands for one label, and a domain that begins with one needs that very name.
    return domain in names or f"*.{domain.partition('.')[2]}" in names


def _age(one: x509.Certificate, now: datetime, path: str) -> Iterator[Problem]:
    if one.not_valid_after_utc < now:
        reason = f"the certificate of {_named(one)} has expired on {one.not_valid_after_utc:%Y-%m-%d}"
        yield Problem(path, reason, "get a new one")
    if one.not_valid_before_utc > now:
        reason = f"the certificate of {_named(one)} is not valid before {one.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        yield Problem(path, reason, "wait until then, or set the clock of the control node")


def _order(certificates: Sequence[x509.Certificate], path: str) -> Iterator[Problem]:
    for one, signer in pairwise(certificates):
        if not signed_by(one, signer):
            reason = f"{_named(signer)} has not signed {_named(one)}, which comes before it"
            yield Problem(path, reason, "write each certificate before the one that has signed it, and no others")
            return
    last = certificates[-1]
    if last.issuer != last.subject and not any(signed_by(last, root) for root in _roots()):
        reason = f"ends with {_named(last)}, which {_shown(last.issuer)} has signed, and nobody knows that one"
        yield Problem(path, reason, "add the certificates up to the root; your authority offers them as the chain")


def signed_by(one: x509.Certificate, signer: x509.Certificate) -> bool:
    """Tell whether a certificate has signed another one."""
    try:
        one.verify_directly_issued_by(signer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _roots() -> list[x509.Certificate]:
    """Give the authorities that the control node trusts, but for those that are older than the rules."""
    roots = []
    with warnings.catch_warnings(action="ignore"):
        for found in ssl.create_default_context().get_ca_certs(binary_form=True):
            with contextlib.suppress(ValueError):
                roots.append(x509.load_der_x509_certificate(found))
    return roots


def _named(one: x509.Certificate) -> str:
    return _shown(one.subject)


def _shown(name: x509.Name) -> str:
    return show(name.rfc4514_string() or "nobody")
