# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Questions that cost nothing at an authority: whether it is there, and whether domains lead to this host.

This module is private to the collection.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_SECONDS = 10
_AT_A_TIME = 16
_LONGEST = 64
_CHALLENGES = ".well-known/acme-challenge"
_OURS = "barehost-"
_NAMELESS = (socket.EAI_NONAME, socket.EAI_NODATA if hasattr(socket, "EAI_NODATA") else socket.EAI_NONAME)
_SILENCE = "the DNS does not answer for its name"


def directory_fault(url: str, trusted: Path | None, *, bound: bool = True) -> str:
    """Say why an authority cannot be asked; nothing if it can.

    :param trusted: who vouches for it, where that is not who the host trusts anyway.
    :param bound: whether the account is bound to one outside of ACME, as some demand.
    """
    context = ssl.create_default_context(cafile=str(trusted) if trusted else None)
    # Certbot is not that strict, and many a root of one's own lacks what newer Pythons ask of it.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    return _patiently(lambda: _directory_fault(opener, url, bound=bound))


def _directory_fault(opener: urllib.request.OpenerDirector, url: str, *, bound: bool) -> str:
    try:
        with opener.open(url, timeout=_SECONDS) as answer:
            found = json.load(answer)
    except (OSError, http.client.HTTPException) as error:
        return _reason(error)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "newOrder" not in found:
        return "it is not the directory of an authority that speaks ACME (RFC 8555). Look its URL up in its manual"
    if found.get("meta", {}).get("externalAccountRequired") and not bound:
        return "it asks for an external account binding. Give 'eab' with what it has given you"
    return ""


def lost(domains: Sequence[str], webroot: Path) -> dict[str, str]:
    """Find the domains under which an authority would not find this host, and why."""
    with _token(webroot) as (name, text), ThreadPoolExecutor(_AT_A_TIME) as pool:
        reasons = pool.map(lambda domain: _patiently(lambda: _fault(domain, name, text)), domains)
        return {domain: reason for domain, reason in zip(domains, reasons, strict=True) if reason}


@contextlib.contextmanager
def _token(webroot: Path) -> Iterator[tuple[str, str]]:
    """Have a file that nobody else can have, where the proofs for an authority will be."""
    folder = webroot / _CHALLENGES
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for left in folder.glob(f"{_OURS}*"):
        # Of a run that was killed.
        left.unlink()
    name, text = f"{_OURS}{secrets.token_urlsafe(16)}", secrets.token_urlsafe(32)
    file = folder / name
    file.write_text(text, encoding="ascii")
    try:
        yield name, text
    finally:
        file.unlink(missing_ok=True)


def _fault(domain: str, name: str, text: str) -> str:
    # An authority comes directly, follows redirects, and believes every certificate on the way.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with urllib.request.build_opener(*handlers).open(
            f"http://{domain}/{_CHALLENGES}/{name}", timeout=_SECONDS
        ) as answer:
            return "" if answer.read(_LONGEST) == text.encode() else "another host answers, or another web server"
    except urllib.error.HTTPError as error:
        return f"another host answers, or another web server, with status {error.code}"
    except (OSError, http.client.HTTPException) as error:
        return _reason(error)


def _patiently(ask: Callable[[], str]) -> str:
    """Ask once more after a silence of the DNS: a server that had to look further has the answer the second time."""
    reason = ask()
    return ask() if reason == _SILENCE else reason


def _reason(error: Exception) -> str:
    """Say in short what is wrong with a connection."""
    cause = getattr(error, "reason", error)
    if isinstance(cause, socket.gaierror) and cause.errno in _NAMELESS:
        return "its name has no address"
    if isinstance(cause, socket.gaierror):
        return _SILENCE
    if isinstance(cause, TimeoutError):
        return f"there is no answer within {_SECONDS} seconds"
    if isinstance(cause, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = cause.verify_message
        return f"this host does not trust its certificate ({why}). Give 'ca' with the root that has signed it"
    return str(cause) or type(cause).__name__
