#!/usr/bin/python3
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put certificates that certbot has got where web servers read them, and have these read them without a pause.

    barehost SITE…      put those of these sites in place
    barehost            put in place what has been renewed, as certbot asks for it

Certbot runs this after each renewal (https://eff-certbot.readthedocs.io/en/stable/using.html#renewing-certificates).
Certificates of others are left alone, and so is the file of a site that has another certificate by now. A certificate
that the web server refuses is taken back, and the next call tries again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

LETSENCRYPT = Path("/etc/letsencrypt")
TLS = Path("/etc/barehost/tls")
STATE = Path("/var/lib/barehost")
PREFIX = "barehost-"
#: Who may read the certificates, and how each is asked whether it can.
SERVERS = {"nginx.service": ("nginx", "-t", "-q"), "apache2.service": ("apachectl", "configtest")}


class RefusedError(Exception):
    """Why nothing was put in place."""


def certificate(site: str) -> str:
    """Give key, certificate and chain of a site as certbot has them, once they are known to belong together."""
    live = LETSENCRYPT / "live" / f"{PREFIX}{site}"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(live / "fullchain.pem", live / "privkey.pem")
        return "".join((live / name).read_text(encoding="ascii") for name in ("privkey.pem", "fullchain.pem"))
    except OSError as error:
        raise RefusedError(f"{live} holds no certificate with its key: {error}") from error


def present(site: str) -> str:
    """Give what the web server reads for a site; nothing where there is nothing."""
    try:
        return (TLS / f"{site}.pem").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def was_renewed(site: str) -> bool:
    """Tell whether the web server has an older certificate of certbot; what came from elsewhere is not replaced."""
    served = present(site)
    olds = (LETSENCRYPT / "archive" / f"{PREFIX}{site}").glob("fullchain*.pem")
    return bool(served) and any(served.endswith(old.read_text(encoding="ascii")) for old in olds)


def sites_of(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Find out which certificates are meant: those that are named, that of certbot, or all that were renewed."""
    if arguments:
        return list(arguments)
    lineage = Path(environment.get("RENEWED_LINEAGE", "")).name
    folders = [Path(lineage)] if lineage else sorted((LETSENCRYPT / "live").glob(f"{PREFIX}*"))
    ours = [folder.name.removeprefix(PREFIX) for folder in folders if folder.name.startswith(PREFIX)]
    return [site for site in ours if was_renewed(site)]


def replace(path: Path, text: str) -> None:
    """Write a file for root alone in one step, so that a reader finds the old one or the new one."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def run(*command: str) -> tuple[bool, str]:
    """Run a program; gives whether it was content, and what it said."""
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"}
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return done.returncode == 0, done.stdout.strip()


def running() -> list[str]:
    """Find the web servers that run."""
    return [unit for unit in SERVERS if run("systemctl", "is-active", "--quiet", unit)[0]]


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold back runs of the collection that tell units of changes, and wait for them."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    with (STATE / "units.lock").open("a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def note(units: Sequence[str]) -> list[Path]:
    """Note that units have to read their files again, for the next run if this one is killed; gives the new notes."""
    folder = STATE / "marks"
    folder.mkdir(mode=0o700, exist_ok=True)
    fresh = [folder / unit for unit in units if not (folder / unit).exists()]
    for mark in fresh:
        mark.write_text("reload", encoding="ascii")
    return fresh


def install(texts: Mapping[str, str]) -> None:
    """Put certificates in place and have the web servers read them, or leave everything as it was."""
    units = running()
    before = {site: present(site) for site in texts}
    TLS.mkdir(mode=0o700, parents=True, exist_ok=True)
    marks = note(units)
    for site, text in texts.items():
        replace(TLS / f"{site}.pem", text)
    for unit in units:
        content, said = run(*SERVERS[unit])
        if not content:
            for site, text in before.items():
                take_back(site, text)
            for mark in marks:
                mark.unlink()
            raise RefusedError(f"{unit} would not start again, so its certificates stay as they were:\n{said}")
    for unit in units:
        content, said = run("systemctl", "reload", unit)
        if not content:
            raise RefusedError(f"{unit} was not reloaded: {said}")
    for mark in marks:
        mark.unlink()


def take_back(site: str, text: str) -> None:
    """Have what was there before; a server that names a file needs one."""
    if text:
        replace(TLS / f"{site}.pem", text)
    else:
        (TLS / f"{site}.pem").unlink()


def main() -> int:
    """Do it for those that differ, and complain to whoever has called."""
    complaints, texts = [], {}
    with alone():
        for site in sites_of(sys.argv[1:], os.environ):
            try:
                texts[site] = certificate(site)
            except RefusedError as error:
                complaints.append(str(error))
        texts = {site: text for site, text in texts.items() if text != present(site)}
        try:
            if texts:
                install(texts)
        except RefusedError as error:
            complaints.append(str(error))
    sys.stderr.write("".join(f"{complaint}\n" for complaint in complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
