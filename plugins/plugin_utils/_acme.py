# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The authority that speaks ACME, and what its certificates take on a host. Private to the collection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.barehost.web.plugins.plugin_utils._check import check
from ansible_collections.barehost.web.plugins.plugin_utils._convert import plain
from ansible_collections.barehost.web.plugins.plugin_utils._entries import Entry, select
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, Problem, show
from ansible_collections.barehost.web.plugins.plugin_utils._schema import fill, load

#: https://letsencrypt.org/docs/staging-environment/
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
_SETTINGS = "/etc/barehost/certbot"
_HOOK = "/etc/letsencrypt/renewal-hooks/deploy/barehost"
_DROP_IN = "/etc/systemd/system/certbot.service.d/barehost.conf"
_PACKAGES = ("certbot", "openssl")
# No more than what can be meant by an address; whether it is one, only its post office knows.
_EMAIL = re.compile(r"[^\s@<>,;:\"()]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_-]+=*", re.ASCII)
_KID = re.compile(r"[!-~]+", re.ASCII)


def authority(value: object) -> dict[str, Any]:
    """Read ``certbot_acme``, checked, with its defaults and the URL that is asked."""
    filled: dict[str, Any] = fill(plain(value) or {}, load("certbot", "certbot_acme"))
    return {**filled, "server": STAGING if filled["staging"] else filled["directory"]}


def wanted(sites: object) -> list[dict[str, Any]]:
    """Give what the host has to know of ``certbot_sites``, checked: name, mode and domains of each."""
    found = []
    for entry in select(sites, "certbot"):
        mode = "none" if entry["state"] == "absent" else (entry.get("tls") or {"mode": "none"})["mode"]
        domains = [domain.lower() for domain in entry.get("domains", [])]
        found.append({"name": entry["name"], "mode": mode, "domains": domains})
    return found


def published(sites: object, value: object) -> dict[str, Any]:
    """Give the packages and the files that the certificates of an authority take, and the names of their sites.

    :param sites: ``certbot_sites``, checked.
    :param value: ``certbot_acme``, checked.
    """
    known = authority(value)
    dns: Mapping[str, Any] | None = known.get("dns")
    files: list[dict[str, Any]] = [
        {"dest": _HOOK, "template": "barehost_certbot.py", "mode": "0755"},
        # That a unit is to stop has systemd read its files again when the drop-in has gone.
        {
            "dest": _DROP_IN,
            "template": "certbot.service.j2",
            "vars": {"ca": bool(known["ca"])},
            "stop": ["certbot.service"],
        },
    ]
    if known["ca"]:
        files.append({"dest": f"{_SETTINGS}/ca.pem", "content": known["ca"].strip() + "\n"})
    if dns:
        text = dns["credentials"].strip() + "\n"
        files.append({"dest": f"{_SETTINGS}/dns.ini", "content": text, "mode": "0600", "secret": True})
    return {
        "sites": [site["name"] for site in wanted(sites) if site["mode"] == "acme"],
        "packages": [*_PACKAGES, *([f"python3-certbot-dns-{dns['plugin']}"] if dns else ())],
        "files": files,
    }


def check_authority(value: object, path: str) -> Iterator[Problem]:
    """Check what is said of the authority; ``path`` is the name of the variable."""
    spec = load("certbot", "certbot_acme")
    value = plain(value)
    if value is None:
        return
    problems = check(value, spec, path)
    yield from problems
    if not isinstance(value, Mapping) or problems:
        return
    said = Entry(path, fill(value, spec), spec)
    yield from said.check({"email": _email, "directory": _directory, "ca": _ca})
    if said.values["staging"] and said.has("directory"):
        yield Problem(f"{path}.staging", "is of Let's Encrypt, and another directory is given", "keep one of them")
    eab, dns = said.mapping("eab"), said.mapping("dns")
    if eab is not None:
        yield from eab.check({"kid": _kid, "hmac_key": _hmac_key})
    if dns is not None:
        yield from dns.at_least({"propagation_seconds": 0})
        if not dns.text("credentials").strip():
            yield Problem(f"{path}.dns.credentials", "is empty", "give what the manual of the plugin asks for")


def check_site(site: Entry, value: object, path: str) -> Iterator[Problem]:
    """Check whether the authority could prove the domains of a site."""
    tls = site.mapping("tls") if site.present and site.knows("tls") else None
    if tls is None or tls.text("mode") != "acme":
        return
    has_dns = isinstance(value, Mapping) and bool(value.get("dns"))
    for where, domain in site.texts("domains"):
        if domain.startswith("*.") and not has_dns:
            reason = f"{show(domain)} is proven by a record in the DNS alone"
            yield Problem(where, reason, f"give {path}.dns, or name the hosts one by one")


def _email(text: str) -> Fault | None:
    if not text or _EMAIL.fullmatch(text):
        return None
    return Fault(f"{show(text)} is no address of mail", "write one such as 'admin@example.test'")


def _directory(text: str) -> Fault | None:
    parts = urlsplit(text)
    try:
        good = parts.scheme == "https" and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if good and "@" not in parts.netloc and re.fullmatch(r"[!-~]+", text):
        return None
    return Fault(f"{show(text)} is no URL of an authority", "write https:// and what its manual says")


def _ca(text: str) -> Fault | None:
    if "-----BEGIN CERTIFICATE-----" in text:
        return None
    return Fault("holds no certificate in PEM", "write \"{{ lookup('file', 'ca.pem') }}\" to read it from a file")


def _kid(text: str) -> Fault | None:
    return None if _KID.fullmatch(text) else Fault(f"{show(text)} is no name of a key", "copy it without white space")


def _hmac_key(text: str) -> Fault | None:
    # Nothing of it is shown.
    return None if _KEY.fullmatch(text) else Fault("is not base64url", "copy it as the authority has written it")
