# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What certbot has got, and what it says when it got nothing. This module is private to the collection."""

from __future__ import annotations

import re
import ssl
import subprocess
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils._validate import find_program

#: What the names of our certificates begin with among those of certbot.
PREFIX = "barehost-"
# Certbot renews in the last 30 days, or in the last third where a certificate does not hold for 90.
_LEFT = 30 * 24 * 60 * 60
_PART = 3
_LONGEST = 400
_IDLE = re.compile(
    r"^(Saving debug log|Ask for help|See the logfile|Requesting a|Renewing an|Account registered|- - -|$)"
)
_ERROR = re.compile(r"^acme\.messages\.Error: (urn:.*)$", re.MULTILINE)
# What certbot looks for itself (its storage.py, RenewableCert): for each a link in live/, with a file behind it.
_FILES = ("cert", "privkey", "chain", "fullchain")
_NEEDED = {"server", "account", "authenticator", *_FILES}
_LINE = re.compile(r"\s*(?:#.*|(?P<section>\[+[^\[\]]+\]+)|(?P<name>[^\s=#\[][^=]*?)\s*=\s*(?P<value>.*?))?\s*")
_CHALLENGE = re.compile(r"Domain:\s*(\S+)\s+Type:\s*\S+\s+Detail:\s*(.+?)\s*(?=\n\s*\n|\n\s*Domain:|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Lineage:
    """A certificate of certbot: whose it is, and the text that a web server reads."""

    server: str
    account: str
    authenticator: str
    names: frozenset[str]
    begins: float
    ends: float
    text: str

    @property
    def runs_out(self) -> bool:
        """Whether certbot would renew it."""
        return self.ends - time.time() < min(_LEFT, (self.ends - self.begins) / _PART)

    @property
    def expired(self) -> bool:
        """Whether nobody takes it any more."""
        return self.ends < time.time()


def lineages(folder: Path) -> dict[str, Lineage]:
    """Read all of our certificates that certbot has whole, by the name of the site."""
    found = {}
    for path in sorted((folder / "renewal").glob(f"{PREFIX}*.conf")):
        one = _lineage(path, folder / "live" / path.stem)
        if one is not None:
            found[path.stem.removeprefix(PREFIX)] = one
    return found


def unusable(folder: Path) -> set[str]:
    """Find our certificates that certbot cannot renew, by the name of the site: it gives the next one another name."""
    names = {path.stem.removeprefix(PREFIX) for path in (folder / "renewal").glob(f"{PREFIX}*.conf")}
    return names - lineages(folder).keys()


def settings_of(text: str) -> dict[str, str] | None:
    """Read a renewal file of certbot; None where certbot itself would not: a strange line, or a name said twice."""
    found: dict[tuple[str, str], str] = {}
    section = ""
    for line in text.splitlines():
        parts = _LINE.fullmatch(line)
        if parts is None:
            return None
        section = parts["section"] or section
        if parts["name"]:
            key = (section, parts["name"])
            if key in found:
                return None
            found[key] = parts["value"]
    return {name: value for (_, name), value in found.items()}


def _lineage(path: Path, live: Path) -> Lineage | None:
    settings = settings_of(path.read_text(encoding="utf-8", errors="replace"))
    program = find_program(["openssl"])
    if program is None or settings is None or not settings.keys() >= _NEEDED:
        return None
    links = [live / f"{name}.pem" for name in _FILES]
    if not all(link.is_symlink() and link.exists() for link in links):
        return None
    try:
        texts = [(live / name).read_text(encoding="ascii") for name in ("privkey.pem", "fullchain.pem")]
    except (OSError, UnicodeDecodeError):
        return None
    done = subprocess.run(
        [program, "x509", "-noout", "-startdate", "-enddate", "-ext", "subjectAltName"],
        input=texts[1],
        capture_output=True,
        text=True,
        check=False,
    )
    dates = dict(re.findall(r"^not(Before|After)=(.*)$", done.stdout, re.MULTILINE))
    if len(dates) != len(("Before", "After")):
        return None
    begins, ends = (float(ssl.cert_time_to_seconds(dates[key])) for key in ("Before", "After"))
    names = frozenset(re.findall(r"DNS:([^,\s]+)", done.stdout))
    server, account, authenticator = (settings[name] for name in ("server", "account", "authenticator"))
    return Lineage(server, account, authenticator, names, begins, ends, "".join(texts))


def told(said: str, logged: str) -> str:
    """Give what certbot said, and the error of the authority behind it, which stands whole in its log alone.

    The certbot of Debian 12 trips over such an error and tells of its own fall.
    """
    errors = _ERROR.findall(logged)
    said = "" if errors and "AttributeError: can't set attribute" in said else said.strip()
    return "\n".join([said, *errors[-1:]]).strip()


def refused(said: str, domains: Collection[str]) -> Mapping[str, str]:
    """Find the domains that an authority has turned down, and why, in what certbot said."""
    challenged = {domain: _short(detail) for domain, detail in _CHALLENGE.findall(said) if domain in domains}
    if challenged or len(domains) == 1:
        return challenged
    lines = [line for line in said.splitlines() if not _IDLE.match(line.strip())]
    return {domain: reason_of(said) for domain in sorted(domains) if any(_names(line, domain) for line in lines)}


def _names(line: str, domain: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(domain)}(?![\w-]|\.\w)", line) is not None


def reason_of(said: str) -> str:
    """Give the reason in what certbot said: what is left without what it always says."""
    lines = [line.strip() for line in said.splitlines() if not _IDLE.match(line.strip())]
    return _short(" ".join(lines))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
