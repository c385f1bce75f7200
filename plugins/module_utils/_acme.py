# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates of an authority that speaks ACME, by Debian's certbot; see modules/acme.py.

Certbot keeps what it has got, and renews it. What a run wants is compared with that, and certbot is only asked where
they differ. Its certificates are called after the sites, behind a word of our own: others on the host are not ours.
This module is private to the collection.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.barehost.web.plugins.module_utils import _marks
from ansible_collections.barehost.web.plugins.module_utils._acme_ask import directory_fault, lost
from ansible_collections.barehost.web.plugins.module_utils._acme_read import (
    PREFIX,
    Lineage,
    lineages,
    reason_of,
    refused,
    told,
    unusable,
)
from ansible_collections.barehost.web.plugins.module_utils._host import Answer, HostError
from ansible_collections.barehost.web.plugins.module_utils._lock import lock
from ansible_collections.barehost.web.plugins.module_utils._tree import write_file
from ansible_collections.barehost.web.plugins.module_utils._validate import find_program

LETSENCRYPT = Path("/etc/letsencrypt")
SETTINGS = Path("/etc/barehost/certbot")
TLS = Path("/etc/barehost/tls")
WEBROOT = Path("/var/www/acme")
_TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")
_SECONDS = 600
# The timer may be at work, for as long as it takes to renew everything.
_LOCK_SECONDS = _BUSY_SECONDS = 300
_BUSY = "Another instance of Certbot is already running"
# Authorities may refuse good nonces (RFC 8555, 6.5). Certbot tries each request twice, which some make too few.
_NONCE, _TRIES = "anti-replay nonce", 6
# An authority that has lost its memory.
_STRANGER = "urn:ietf:params:acme:error:accountDoesNotExist"
_LOG = Path("/var/log/letsencrypt/letsencrypt.log")


class AcmeError(HostError):
    """Which certificates could not be had, and why."""


@dataclass
class Acme:
    """Finds out which certificates have to be asked for, and asks.

    :param authority: ``certbot_acme`` with its defaults, and the ``server`` that follows from it.
    """

    authority: Mapping[str, Any]
    folder: Path = LETSENCRYPT
    settings: Path = SETTINGS
    tls: Path = TLS
    webroot: Path = WEBROOT
    changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def bring(self, sites: Sequence[Mapping[str, Any]], *, purge: bool, check: bool) -> None:
        """Have the certificates of all sites that want one of the authority, and no others."""
        known = self._adopt(lineages(self.folder), check=check)
        wanted = {site["name"]: site for site in sites if site["mode"] == "acme"}
        spoken = {site["name"] for site in sites}
        left = unusable(self.folder)
        going = [name for name in (*known, *sorted(left)) if name not in wanted and (purge or name in spoken)]
        self._forget([name for name in going if name in known], known, check=check)
        self._clear([name for name in going if name in left], check=check)
        due = [site for site in wanted.values() if self._is_due(site, known.get(site["name"]))]
        if check:
            self.changes += [_issued(site["name"], site["domains"]) for site in due]
            rest = wanted.keys() - {site["name"] for site in due}
            self.changes += [_placed(name) for name in self._misplaced(rest, known)]
            return
        if due:
            before = {one.server for one in known.values()}
            self._ask_for(due, known)
            known = self._adopt(lineages(self.folder), check=check)
            self._leave(before - {one.server for one in known.values()})
        self._place(self._misplaced(wanted, known))

    def has_any(self) -> bool:
        """Tell whether there is a certificate of ours, whole or not."""
        return bool(lineages(self.folder) or unusable(self.folder))

    def _is_due(self, site: Mapping[str, Any], known: Lineage | None) -> bool:
        return (
            known is None
            or known.names != set(site["domains"])
            or known.runs_out
            or known.server != self.authority["server"]
            or known.authenticator != self._authenticator(site["domains"])
            or not (self._accounts(known.server) / known.account).is_dir()
        )

    def _adopt(self, known: Mapping[str, Lineage], *, check: bool) -> Mapping[str, Lineage]:
        """Have certificates renewed by the account that is there, where theirs is gone: certbot would for ever fail."""
        adopted = dict(known)
        for name, one in known.items():
            folder = self._accounts(one.server)
            there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
            if one.account in there or not there:
                continue
            adopted[name] = replace(one, account=there[0])
            self.changes.append(f"certificate of {name} given to the account {there[0]}")
            if not check:
                path = self.folder / "renewal" / f"{PREFIX}{name}.conf"
                text = re.sub(r"(?m)^(\s*account\s*=).*$", rf"\1 {there[0]}", path.read_text(encoding="utf-8"))
                new = path.with_name(f".{path.name}.new")
                write_file(new, text.encode(), uid=0, gid=0, mode=0o644)
                new.rename(path)
        return adopted

    def _authenticator(self, domains: Collection[str]) -> str:
        """Name the plugin of certbot that proves the domains."""
        if any(domain.startswith("*.") for domain in domains):
            return f"dns-{self.authority['dns']['plugin']}"
        return "webroot"

    def _ask_for(self, sites: Sequence[Mapping[str, Any]], known: Mapping[str, Lineage]) -> None:
        with self._trust() as trusted:
            fault = directory_fault(self.authority["server"], trusted, bound=bool(self.authority.get("eab")))
            if fault:
                names = ", ".join(f"'{site['name']}'" for site in sites)
                self.faults.append(
                    f"The authority {self.authority['server']} cannot be asked: {fault}. What has a certificate goes "
                    f"on with it, and what has none shows one that nobody trusts: {names}."
                )
                return
            for site in sites:
                one = {name: known[name] for name in known.keys() & {site["name"]}}
                # The one before may have brought an account.
                self._have(site, self._adopt(one, check=False).get(site["name"]), trusted)

    def _have(self, site: Mapping[str, Any], known: Lineage | None, trusted: Path | None) -> None:
        """Have a certificate for all domains of a site that lead here, and tell of the others."""
        domains = set(site["domains"])
        if self.authority["preflight"] and self._authenticator(domains) == "webroot":
            for domain, reason in lost(sorted(domains), self.webroot).items():
                domains.discard(domain)
                self.faults.append(
                    f"site '{site['name']}': {domain} does not lead here: {reason}. Have its DNS point to this host, "
                    "or take it out of 'domains'; the authority was not asked for it."
                )
        for _ in site["domains"]:
            # Without those that were turned away the others may have what they need already.
            if not domains or not self._is_due({**site, "domains": domains}, known):
                return
            said = self._issue(site["name"], domains, known, trusted)
            if not said:
                self.changes.append(_issued(site["name"], domains))
                return
            bad = refused(said, domains)
            if not bad:
                self.faults.append(f"site '{site['name']}': no certificate was given: {reason_of(said)}")
                return
            for domain, reason in bad.items():
                domains.discard(domain)
                self.faults.append(f"site '{site['name']}': the authority refuses {domain}: {reason}")

    def _issue(self, name: str, domains: Collection[str], known: Lineage | None, trusted: Path | None) -> str:
        """Ask for a certificate; gives what certbot said if it got none."""
        if known is None:
            # What a killed certbot has left would be in the way of its name.
            self._sweep(name)
        authenticator = self._authenticator(domains)
        moved = known is not None and (known.server, known.authenticator) != (self.authority["server"], authenticator)
        lost_account = known is not None and not (self._accounts(known.server) / known.account).is_dir()
        email = self.authority["email"]
        words = [
            *("certonly", "--cert-name", f"{PREFIX}{name}", "--agree-tos", "--no-eff-email", "--no-directory-hooks"),
            *(("--email", email) if email else ("--register-unsafely-without-email",)),
            *("--authenticator", authenticator, *self._proof(authenticator)),
            *(("--force-renewal",) if moved or lost_account else ("--keep-until-expiring", "--renew-with-new-domains")),
            *(word for domain in sorted(domains) for word in ("--domain", domain)),
        ]
        with self._binding() as binding:
            done = self._certbot(*words, *binding, trusted=trusted)
            if _STRANGER in done:
                shutil.rmtree(self._accounts(self.authority["server"]), ignore_errors=True)
                done = self._certbot(*words, *binding, trusted=trusted)
        return done

    def _proof(self, authenticator: str) -> tuple[str, ...]:
        if authenticator == "webroot":
            self.webroot.mkdir(mode=0o755, parents=True, exist_ok=True)
            return "--webroot-path", str(self.webroot)
        seconds = str(self.authority["dns"]["propagation_seconds"])
        credentials = str(self.settings / "dns.ini")
        return f"--{authenticator}-credentials", credentials, f"--{authenticator}-propagation-seconds", seconds

    @contextlib.contextmanager
    def _binding(self) -> Iterator[tuple[str, ...]]:
        """Have what binds the account in a file for a while: every user sees the words of a command."""
        eab = self.authority.get("eab")
        if not eab:
            yield ()
            return
        with tempfile.NamedTemporaryFile("w", prefix="barehost-", encoding="utf-8") as file:
            file.write(f"eab-kid = {eab['kid']}\neab-hmac-key = {eab['hmac_key']}\n")
            file.flush()
            yield "--config", file.name

    @contextlib.contextmanager
    def _trust(self) -> Iterator[Path | None]:
        """Have the authorities that the host trusts, and the one of its own, in one file."""
        own = self.settings / "ca.pem"
        if not own.is_file():
            yield None
            return
        with tempfile.NamedTemporaryFile(prefix="barehost-") as file:
            for path in (_TRUSTED, own):
                file.write(path.read_bytes() if path.is_file() else b"")
            file.flush()
            yield Path(file.name)

    def _certbot(self, *words: str, trusted: Path | None, server: str = "") -> str:
        """Run certbot, after others if it is at work; gives what it said if it failed."""
        program = find_program(["certbot"])
        if program is None:
            return "this host has no certbot. Install Debian's package certbot."
        bundle = {"REQUESTS_CA_BUNDLE": str(trusted)} if trusted else {}
        until, tries = time.monotonic() + _BUSY_SECONDS, 0
        while True:
            tries, logged = tries + 1, len(_read(_LOG))
            try:
                done = subprocess.run(
                    [program, *words, "--non-interactive", "--server", server or self.authority["server"]],
                    env={**os.environ, "LC_ALL": "C.UTF-8", **bundle},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    errors="replace",
                    timeout=_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return f"the authority has given no answer for {_SECONDS} seconds"
            if not done.returncode:
                return ""
            busy = _BUSY in done.stdout and time.monotonic() < until
            said = told(done.stdout, _read(_LOG)[logged:])
            if not busy and (_NONCE not in said or tries == _TRIES):
                return said or f"certbot ended with {done.returncode}"
            time.sleep(1 if busy else 0)

    def _misplaced(self, names: Collection[str], known: Mapping[str, Lineage]) -> list[str]:
        """Find the sites whose certificate is not where the web server reads it."""
        return [name for name in sorted(names) if name in known and known[name].text != _read(self.tls / f"{name}.pem")]

    def _place(self, names: Sequence[str]) -> None:
        if not names:
            return
        hook = self.folder / "renewal-hooks/deploy/barehost"
        done = subprocess.run([hook, *names], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            self.faults.append(done.stderr.strip())
        else:
            self.changes += [_placed(name) for name in names]

    def _forget(self, names: Sequence[str], known: Mapping[str, Lineage], *, check: bool) -> None:
        """Revoke and remove certificates. That the authority is gone is no reason to keep them."""
        self.changes += [f"certificate of {name} revoked and removed" for name in names]
        if check or not names:
            return
        with self._trust() as trusted:
            for name in names:
                one = known[name]
                words = ("revoke", "--cert-name", f"{PREFIX}{name}", "--reason", "cessationofoperation")
                said = directory_fault(one.server, trusted) or self._certbot(
                    *words, "--no-delete-after-revoke", trusted=trusted, server=one.server
                )
                if said and not one.expired:
                    self.warnings.append(f"The certificate of {name} is removed but not revoked: {reason_of(said)}")
                self._sweep(name)
        self._leave({known[name].server for name in names})

    def _clear(self, names: Sequence[str], *, check: bool) -> None:
        """Remove what is left of certificates of which certbot knows too little to revoke them."""
        self.changes += [f"what was left of the certificate of {name} removed" for name in names]
        for name in names:
            if not check:
                self._sweep(name)

    def _leave(self, servers: Collection[str]) -> None:
        """Close the accounts at authorities of which no certificate is left."""
        files = [path.read_text(encoding="utf-8", errors="replace") for path in self._renewals()]
        gone = sorted(server for server in servers if not any(server in text for text in files))
        with self._trust() as trusted:
            for server in gone:
                self._close(server, trusted)
        if gone and not files:
            # Older certbots keep a copy of each key.
            for copy in (*self.folder.glob("keys/*_key-certbot.pem"), *self.folder.glob("csr/*_csr-certbot.pem")):
                copy.unlink()
            shutil.rmtree(self.webroot / ".well-known", ignore_errors=True)
            with contextlib.suppress(OSError):
                self.webroot.rmdir()

    def _close(self, server: str, trusted: Path | None) -> None:
        account = self._accounts(server)
        if account.is_dir():
            said = directory_fault(server, trusted) or self._certbot("unregister", trusted=trusted, server=server)
            if said:
                self.warnings.append(f"The account at {server} is forgotten but not closed: {reason_of(said)}")
            shutil.rmtree(account, ignore_errors=True)
            with contextlib.suppress(OSError):
                account.parent.rmdir()

    def _renewals(self) -> list[Path]:
        return list((self.folder / "renewal").glob("*.conf"))

    def _accounts(self, server: str) -> Path:
        parts = urlsplit(server)
        return self.folder / "accounts" / f"{parts.netloc}{parts.path}"

    def _sweep(self, name: str) -> None:
        """Remove what certbot has of a certificate, whole or not."""
        (self.folder / "renewal" / f"{PREFIX}{name}.conf").unlink(missing_ok=True)
        for kind in ("live", "archive"):
            shutil.rmtree(self.folder / kind / f"{PREFIX}{name}", ignore_errors=True)


def _issued(name: str, domains: Collection[str]) -> str:
    return f"certificate of {name} asked for, for {', '.join(sorted(domains))}"


def _placed(name: str) -> str:
    return f"certificate of {name} put in place"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _wants_any(options: Mapping[str, Any]) -> bool:
    return any(site["mode"] == "acme" for site in options["sites"])


def kept(options: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give options to compare the host with later, where they want something."""
    return options if _wants_any(options) else None


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.acme."""
    acme = Acme(options["authority"])
    # Where nothing is wanted and nothing is there, not even the file of the lock may come to be.
    check = check or not (_wants_any(options) or acme.has_any())
    alone = contextlib.nullcontext() if check else lock(_marks.STATE / "published/acme.lock", _LOCK_SECONDS)
    with alone:
        acme.bring(options["sites"], purge=options["purge"], check=check)
    result = {
        "changed": bool(acme.changes),
        "changes": acme.changes,
        "diff": {"prepared": "".join(f"{change}\n" for change in acme.changes)},
    }
    if acme.faults:
        text = "\n".join(f"- {fault}" for fault in acme.faults)
        raise AcmeError(f"Not every certificate could be had; all else is done. Run again then.\n{text}", **result)
    return Answer(result, acme.warnings)
