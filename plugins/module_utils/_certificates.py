# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates of sites, and the authority that signs them; see modules/certificates.py.

Debian's openssl does the work: a bare host has no Python library for it, and needs this program anyway.
This module is private to the collection.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _marks
from ansible_collections.barehost.web.plugins.module_utils._host import Answer, HostError
from ansible_collections.barehost.web.plugins.module_utils._lock import lock, units_lock
from ansible_collections.barehost.web.plugins.module_utils._manifests import read_manifest, remember
from ansible_collections.barehost.web.plugins.module_utils._tree import sync_file_system
from ansible_collections.barehost.web.plugins.module_utils._validate import find_program

FOLDER = Path("/etc/barehost")
#: Where web servers are told of the files that they need to start.
SERVED = (Path("/etc/nginx/sites-enabled"), Path("/etc/apache2/sites-enabled"))
_SET = "certificates"
_LOCK_SECONDS = 60
_DAY = 24 * 60 * 60
# Mozilla's guideline has certificates live for a year at the most; the next run after three quarters of it renews.
_DAYS, _LEFT = 365, 90
# A new root has to be brought to every client, so it lives for long. It outlives all that it signs.
_ROOT_DAYS = 3650
_ROOT_LEFT = _DAYS + 1
_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

# Extensions follow.
_REQUEST = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[v3]
subjectKeyIdentifier = hash
"""
_ROOT = """\
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
"""
_SITE = """\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""


class CertificateError(HostError):
    """Why a certificate cannot be had, and the way out."""


@dataclass
class Certificates:
    """Finds out what has to be done about certificates, and does it.

    :param folder: holds the authority, and the certificates in ``tls``.
    :param served: folders of the files that name certificates which a web server needs to start.
    :param state: the memory of the collection.
    """

    folder: Path = FOLDER
    served: Sequence[Path] = SERVED
    state: Path = _marks.STATE
    changes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def tls(self) -> Path:
        """Where the certificates are."""
        return self.folder / "tls"

    @property
    def root(self) -> Path:
        """The certificate of the authority, for everybody."""
        return self.folder / "authority.pem"

    @property
    def root_key(self) -> Path:
        """The key of the authority, for root alone."""
        return self.folder / "authority.key"

    def make(self, sites: Sequence[Mapping[str, Any]], units: Sequence[str], *, check: bool) -> None:
        """Have the certificates of all sites that are to have one."""
        signed = [site for site in sites if site["mode"] == "self_signed"]
        provided = [site for site in sites if site["mode"] == "provided" and not self._is_in_place(site)]
        lasts = not signed or self._root_lasts()
        due = [site for site in signed if not lasts or not self._fits(site)]
        stands_in = [site for site in sites if site["mode"] == "acme" and not self._serves(site)]
        lasts = lasts and (not stands_in or self._root_lasts())
        due += stands_in
        self.changes += [] if lasts else [f"authority made: {self.root}"]
        self.changes += [f"certificate of {site['name']} signed for {', '.join(site['domains'])}" for site in due]
        self.changes += [f"certificate of {site['name']} put in place" for site in provided]
        if check or not self.changes:
            return
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.tls.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new.", dir=self.tls) as scratch:
            if not lasts:
                self._make_root(Path(scratch))
            texts = {site["name"]: self._sign(site, Path(scratch)) for site in due}
        texts.update((site["name"], site["pem"]) for site in provided)
        with units_lock(self.state):
            for unit in units if texts else ():
                _marks.mark(unit, "reload", self.state)
            for name, text in texts.items():
                _replace(self._path(name), text, 0o600)
            sync_file_system(self.tls)
        self._note()

    def remove(self, sites: Sequence[Mapping[str, Any]], *, purge: bool, check: bool) -> None:
        """Remove the certificates of sites that have none any more, unless a web server is told to read them."""
        there = sorted(self.tls.glob("*.pem")) if self.tls.is_dir() else []
        modes = {site["name"]: site["mode"] for site in sites}
        for path in there:
            mode = modes.get(path.stem)
            if mode is None and not purge:
                self.warnings.append(
                    f"{path} belongs to '{path.stem}', which is not mentioned any more, and stays. Give it "
                    "'state: absent', or set web_purge to true, to have it removed."
                )
            elif mode in {None, "none"} and (user := self._user_of(path)):
                self.warnings.append(f"{path} stays: {user} needs it. Serve the sites first, then run again.")
            elif mode in {None, "none"}:
                self.changes.append(f"certificate of {path.stem} removed")
                if not check:
                    path.unlink()
        if not check:
            self._note()

    def _path(self, name: str) -> Path:
        return self.tls / f"{name}.pem"

    def _text(self, site: Mapping[str, Any]) -> str | None:
        """The file of a site as it is, if it is for root alone."""
        path = self._path(site["name"])
        try:
            return path.read_text(encoding="utf-8") if path.stat().st_mode & 0o077 == 0 else None
        except (FileNotFoundError, UnicodeDecodeError):
            return None

    def _is_in_place(self, site: Mapping[str, Any]) -> bool:
        """Tell whether the file of a site is what its user has provided."""
        text = self._text(site)
        return text is not None and _digest(text) == (site.get("digest") or _digest(site["pem"]))

    def _user_of(self, path: Path) -> Path | None:
        files = [file for folder in self.served if folder.is_dir() for file in sorted(folder.glob("*"))]
        return next(
            (file for file in files if file.is_file() and str(path) in file.read_text("utf-8", "replace")), None
        )

    def _root_lasts(self) -> bool:
        if not self.root.is_file() or not self.root_key.is_file():
            return False
        if _openssl("x509", "-in", self.root, "-noout", "-checkend", _ROOT_LEFT * _DAY).returncode:
            return False
        ours = _openssl("x509", "-in", self.root, "-noout", "-pubkey").stdout
        return ours == _openssl("pkey", "-in", self.root_key, "-pubout").stdout

    def _fits(self, site: Mapping[str, Any]) -> bool:
        """Tell whether the site has a certificate of this authority with its very names, and for long enough."""
        if self._text(site) is None:
            return False
        path = self._path(site["name"])
        seen = _openssl("x509", "-in", path, "-noout", "-ext", "subjectAltName", "-checkend", _LEFT * _DAY)
        names = re.findall(r"DNS:([^,\s]+)", seen.stdout)
        if seen.returncode or sorted(names) != sorted(site["domains"]):
            return False
        keys = [_openssl(*what, "-in", path).stdout for what in (("x509", "-noout", "-pubkey"), ("pkey", "-pubout"))]
        return keys[0] == keys[1] and _openssl("verify", "-CAfile", self.root, path).returncode == 0

    def _serves(self, site: Mapping[str, Any]) -> bool:
        """Tell whether a web server could start with the certificate of a site, whoever has signed it.

        An authority takes its time, and may say no: until then a site keeps what it had, if it had anything. What has
        expired is better than a stand-in, too: a browser that was told of the site once lets nobody go on after either.
        """
        if self._text(site) is None:
            return False
        path = self._path(site["name"])
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path)
        except OSError:
            return False
        return _openssl("verify", "-CAfile", self.root, path).returncode != 0 or self._fits(site)

    def _make_root(self, scratch: Path) -> None:
        """Make the authority; a key that is there is kept, so that what it has signed stays what it is."""
        name = f"{socket.gethostname()[:40]} {secrets.token_hex(4)}"
        configuration = (_REQUEST + _ROOT).format(name=name)
        if not self.root_key.is_file():
            new = scratch / "authority.key"
            _do("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", new)
            _replace(self.root_key, new.read_text(encoding="ascii"), 0o600)
        text = _certificate(scratch, configuration, _ROOT_DAYS, "-key", str(self.root_key))
        _replace(self.root, text, 0o644)

    def _sign(self, site: Mapping[str, Any], scratch: Path) -> str:
        """Give a new key and its certificate."""
        names = ", ".join(f"DNS:{domain}" for domain in site["domains"])
        configuration = (_REQUEST + _SITE).format(name=site["name"], names=names)
        key = scratch / "key"
        signer = ("-CA", str(self.root), "-CAkey", str(self.root_key))
        text = _certificate(scratch, configuration, _DAYS, *_EC, "-keyout", str(key), *signer)
        return key.read_text(encoding="ascii") + text

    def _note(self) -> None:
        """Remember which files are there, as a set of barehost.web.publish is remembered."""
        path = self.state / "published" / f"{_SET}.json"
        found = {str(file): {"entry": file.stem} for file in sorted(self.tls.glob("*.pem"))}
        _marks.private_folder(path.parent)
        remember(path, read_manifest(path), found)


def _certificate(scratch: Path, configuration: str, days: int, *arguments: str) -> str:
    """Have openssl write a certificate."""
    settings, new = scratch / "settings", scratch / "certificate"
    settings.write_text(configuration, encoding="utf-8")
    serial = f"0x{secrets.token_hex(16)}"
    fixed = ("-x509", "-sha256", "-config", settings, "-extensions", "v3", "-set_serial", serial, "-days", days)
    _do("req", *fixed, *arguments, "-out", new)
    return new.read_text(encoding="ascii")


def _replace(path: Path, text: str, mode: int) -> None:
    """Write a file in one step; nobody else gets to see it while it is written."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=mode)
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)


def _openssl(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = find_program(["openssl"])
    if program is None:
        raise CertificateError("This host has no openssl, which signs certificates. Install Debian's package openssl.")
    words = [program, *map(str, arguments)]
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def _do(*arguments: object) -> None:
    done = _openssl(*arguments)
    if done.returncode:
        raise CertificateError(f"Nothing was changed: openssl {arguments[0]} failed: {done.stderr.strip()}")


@contextlib.contextmanager
def _alone(state: Path, *, check: bool) -> Iterator[None]:
    with contextlib.nullcontext() if check else lock(state / "published" / f"{_SET}.lock", _LOCK_SECONDS):
        yield


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def kept(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give options that are enough to compare the host with: digests in the place of keys."""
    sites = [
        {**site, "pem": "", "digest": _digest(site["pem"])} if site.get("pem") else site for site in options["sites"]
    ]
    return {**options, "sites": sites}


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.certificates."""
    certificates = Certificates()
    with _alone(certificates.state, check=check):
        if options["remove"]:
            certificates.remove(options["sites"], purge=options["purge"], check=check)
        else:
            certificates.make(options["sites"], options["reload"], check=check)
    changes = certificates.changes
    diff = {"prepared": "".join(f"{change}\n" for change in changes)}
    return Answer({"changed": bool(changes), "changes": changes, "diff": diff}, certificates.warnings)
