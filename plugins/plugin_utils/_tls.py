# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is the same of https under every web server. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils._listen import sockets

PROFILES = ("intermediate", "modern")
#: Mozilla's guideline 6.0, intermediate; every cipher of TLS 1.3 is good.
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)
#: Where role certificates puts what a site needs for https.
CERTIFICATES = "/etc/barehost/tls"
_PORT = "443"
#: Only the OpenSSL of trixie knows the exchange of keys that withstands a quantum computer, and the question mark, with
#: which one that knows less would leave it out instead of refusing to start.
OLD = frozenset({"bookworm"})
_CURVES = ("X25519", "prime256v1", "secp384r1")
_HYBRID = "?X25519MLKEM768"


def https(site: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a site says of https, if it speaks it."""
    tls: Mapping[str, Any] | None = site.get("tls")
    return tls if tls and tls["mode"] != "none" else None


def opened(sites: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Give what a web server opens for its sites, http and https, as ``listen`` of its unit takes it."""
    plain = [(address, site["name"]) for site in sites for address in site["listen"]]
    secure = [(address, site["name"]) for site in sites if (tls := https(site)) for address in tls["listen"]]
    return sockets([*plain, *secure])


def curves(codename: str) -> str:
    """The groups for the exchange of keys, as the release of Debian knows them, the best first."""
    return ":".join(_CURVES if codename in OLD else (_HYBRID, *_CURVES))


def files(site: Mapping[str, Any], tls: Mapping[str, Any]) -> dict[str, str]:
    """Where a site has its certificate and its key."""
    certificate = tls["certificate_file"] or f"{CERTIFICATES}/{site['name']}.pem"
    return {"certificate": certificate, "key": tls["key_file"] or certificate}


def port(tls: Mapping[str, Any]) -> str:
    """What follows the name of a host in an address of https."""
    return "" if number(tls) == _PORT else f":{number(tls)}"


def number(tls: Mapping[str, Any]) -> str:
    """The port where a site speaks https first of all."""
    return str(next(iter(tls["listen"])).rpartition(":")[2])


def hsts(tls: Mapping[str, Any]) -> str:
    """What browsers are told of the time for which they refuse http; empty for nothing."""
    if not tls["hsts"]:
        return ""
    more = [text for key, text in (("hsts_subdomains", "includeSubDomains"), ("hsts_preload", "preload")) if tls[key]]
    return "; ".join((f"max-age={tls['hsts']}", *more))
