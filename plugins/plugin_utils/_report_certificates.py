# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judge the certificates of a host. Private to the collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._certificates import covered, names_of, signed_by
from ansible_collections.barehost.web.plugins.plugin_utils._problem import show
from ansible_collections.barehost.web.plugins.plugin_utils._report import Certificate, Finding, things
from cryptography import x509
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)
_OWN = frozenset({"self_signed", "none", ""})
_RENEWED = "run the playbook site.yml, which renews it"
_WAYS_OUT = {
    "self_signed": _RENEWED,
    "acme": "run the playbook site.yml, which tries to renew it and says what is wrong",
    "provided": "get a new one, put it into the model and run the playbook site.yml",
}


def judged(
    facts: Sequence[Mapping[str, Any]],
    domains: Mapping[str, Sequence[str]],
    modes: Mapping[str, str],
    *,
    days: int,
    now: datetime,
) -> list[Certificate]:
    """Judge certificates.

    :param facts: what the host says of each.
    :param domains: what each site is to be reached by.
    :param modes: where the certificate of each site is to come from, as far as that is known.
    :param days: how many days before its end a certificate needs attention.
    """
    authority = next((one for fact in facts if not fact["site"] for one in _loaded(fact["pem"])), None)
    return [
        _judged(fact, authority, domains.get(fact["site"], ()), modes.get(fact["site"], ""), days=days, now=now)
        for fact in facts
    ]


def _loaded(pem: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode()) if pem else []
    except ValueError:
        return []


def _judged(
    fact: Mapping[str, Any],
    authority: x509.Certificate | None,
    domains: Sequence[str],
    mode: str,
    *,
    days: int,
    now: datetime,
) -> Certificate:
    site, subject = fact["site"], f"certificate {fact['site']}" if fact["site"] else "authority of the host"
    chain = _loaded(fact["pem"])
    if not chain:
        reason = fact["fault"] or "is no certificate"
        finding = Finding(subject, f"{fact['path']} cannot be read: {reason}", "run the playbook site.yml")
        return Certificate(site, fact["path"], findings=(finding,))
    leaf = chain[0]
    left = leaf.not_valid_after_utc - now
    own = authority is not None and leaf.issuer == authority.subject and signed_by(leaf, authority)
    reasons = [*_of_time(leaf, days, now), *(_of_names(leaf, domains) if site else ())]
    way_out = _RENEWED if not site else _WAYS_OUT.get(mode, "renew it")
    findings = [Finding(subject, reason, way_out) for reason in reasons]
    if site and own and mode not in _OWN:
        reason = f"is a stand-in of the host's own authority, although mode '{mode}' is wanted"
        findings.append(Finding(subject, reason, "run the playbook site.yml, which says why there is no other"))
    return Certificate(
        site=site,
        path=fact["path"],
        issuer=issuer_of(leaf),
        names=tuple(names_of(leaf)),
        ends=f"{leaf.not_valid_after_utc:%Y-%m-%d}",
        days=left // _DAY,
        findings=tuple(findings),
    )


def issuer_of(one: x509.Certificate) -> str:
    """Name who has signed a certificate, for people."""
    kinds = (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
    words = [str(part.value) for kind in kinds for part in one.issuer.get_attributes_for_oid(kind)]
    return " ".join(words) or one.issuer.rfc4514_string()


def _of_time(one: x509.Certificate, days: int, now: datetime) -> Iterator[str]:
    end, begin = one.not_valid_after_utc, one.not_valid_before_utc
    left = end - now
    if left < timedelta():
        yield f"has expired on {end:%Y-%m-%d}"
    elif left < days * _DAY:
        yield f"ends in {things(left // _DAY, 'day')}, on {end:%Y-%m-%d}"
    if begin > now:
        yield f"is not valid before {begin:%Y-%m-%d %H:%M} UTC"


def _of_names(one: x509.Certificate, domains: Sequence[str]) -> Iterator[str]:
    names = names_of(one)
    missing = [domain for domain in domains if not covered(domain.lower(), names)]
    if missing:
        known = ", ".join(map(show, names)) or "no name at all"
        yield f"is not for {', '.join(map(show, missing))} but for {known}"


def moment(seconds: float) -> datetime:
    """Give a time of the epoch."""
    return datetime.fromtimestamp(seconds, UTC)
