# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A client that trusts the authority alone, and the authority as its operators see it."""

from __future__ import annotations

import copy
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from testbed.https import Https, Seen
from testbed.podman import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testinfra.host import Host

MODEL = yaml.safe_load((ROOT / "inventory/acme/group_vars/web.yml").read_text(encoding="utf-8"))
#: Waits until somebody listens.
#: As many answers a load has at the least.
LEAST = 4
WAIT = 'until openssl s_client -connect "$0" </dev/null >/dev/null 2>&1; do sleep 0.1; done'
#: Fetches a page of a management port, which nobody needs to trust.
FETCH = """
import ssl, sys, urllib.request
context = ssl._create_unverified_context()
data = sys.argv[2].encode() if len(sys.argv) > 2 else None
print(urllib.request.urlopen(sys.argv[1], data, context=context).read().decode())
"""


@dataclass
class Pebble:
    """An authority on the machine: what it knows, and how it is taken down."""

    host: Host
    name: str = "acme"
    port: int = 15000
    roots: list[str] = field(default_factory=list)

    def fetch(self, path: str) -> str:
        """Ask its operators' port."""
        answer: str = self.host.check_output("python3 -c %s %s", FETCH, f"https://127.0.0.1:{self.port}/{path}")
        return answer

    @property
    def root(self) -> str:
        """What clients trust: it has a new root after each start, and what it has signed before is still about."""
        now = self.fetch("roots/0")
        if now not in self.roots:
            self.roots.append(now)
        return "\n".join(self.roots)

    def status(self, serial: str) -> str:
        """Tell what it says of a certificate, such as Valid or Revoked."""
        known = json.loads(self.fetch(f"cert-status-by-serial/{serial.lower()}"))
        return str(known["Status"])

    def _run(self, verb: str) -> None:
        self.host.check_output(f"systemctl {verb} pebble@{self.name}")
        if verb != "stop":
            self.host.check_output("timeout 60 sh -c %s %s", WAIT, f"127.0.0.1:{self.port}")

    @contextmanager
    def away(self) -> Iterator[str]:
        """Take it down for a while, which makes it forget everything; gives what clients trust meanwhile."""
        root = self.root
        self._run("stop")
        try:
            yield root
        finally:
            self._run("start")

    @contextmanager
    def changed(self, file: str, edit: str) -> Iterator[None]:
        """Have it run for a while with one of its files edited by sed."""
        path = f"/etc/pebble/{self.name}/{file}"
        self.host.check_output(f"cp {path} {path}.kept && sed -i '{edit}' {path}")
        assert self.root
        self._run("restart")
        try:
            yield
        finally:
            assert self.root
            self.host.check_output(f"mv {path}.kept {path}")
            self._run("restart")

    def asked(self) -> int:
        """Count what it was asked for by clients since the machine started."""
        said = self.host.check_output(f"journalctl --no-pager -o cat -u pebble@{self.name}")
        return said.count("POST /order-plz")

    def forget(self, domain: str) -> None:
        """Have its DNS fail for a domain."""
        self._dns("set-servfail", domain)

    def remember(self, domain: str) -> None:
        """Have its DNS answer for a domain."""
        self._dns("clear-servfail", domain)

    def _dns(self, verb: str, domain: str) -> None:
        self.host.check_output("python3 -c %s %s %s", FETCH, f"http://127.0.0.1:8055/{verb}", f'{{"host": "{domain}"}}')


@pytest.fixture(scope="session")
def roles() -> tuple[str, ...]:
    """Without the servers that no app of the scenario has, and without WordPress."""
    return ("app", "gunicorn", "certificates", "apache", "nginx", "certbot")


@pytest.fixture(scope="session")
def pebble(host: Host) -> Pebble:
    """Have the authority that the inventory names."""
    return Pebble(host)


@pytest.fixture(scope="session")
def own_pebble(host: Host) -> Pebble:
    """Have the authority of another root, which wants an account binding."""
    return Pebble(host, "own", 15001)


@pytest.fixture(scope="session")
def https(host: Host, pebble: Pebble) -> Callable[..., Seen]:
    """Ask a server of the machine over https; the client trusts the authority alone, unless it is given a root."""

    def ask(name: str, path: str = "/", **options: Any) -> Seen:
        root = options.pop("root", None) or pebble.root
        return Https(host.backend.hostname)(name, path, root=root, **options)

    return ask


@pytest.fixture(scope="session")
def model() -> Callable[..., dict[str, Any]]:
    """Give the sites of the inventory, one of them changed, perhaps with another authority."""

    def vary(site: int = 0, *, authority: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        sites = copy.deepcopy(MODEL["web_sites"])
        sites[site].update(changes)
        return {"web_sites": sites, "web_acme": MODEL["web_acme"] if authority is None else authority}

    return vary


@pytest.fixture(scope="session")
def run_out(host: Host) -> Callable[[str], None]:
    """Have a certificate run out soon, as certbot sees it, and its timer's work done."""

    def renew(site: str) -> None:
        file = f"/etc/letsencrypt/renewal/barehost-{site}.conf"
        host.check_output(f"sed -i -e '1i renew_before_expiry = 1000 days' -e /^renew_before_expiry/d {file}")
        host.check_output("systemctl start certbot.service")
        host.check_output(f"sed -i /^renew_before_expiry/d {file}")

    return renew


@dataclass
class Load:
    """What clients saw while something happened."""

    count: int = 0
    failures: list[str] = field(default_factory=list)


@pytest.fixture
def load(https: Callable[..., Seen], pebble: Pebble) -> Callable[[str], Any]:
    """Ask for a page over https again and again while something happens."""

    @contextmanager
    def watch(name: str) -> Iterator[Load]:
        seen, done, root = Load(), threading.Event(), pebble.root

        def ask() -> None:
            # Each request is a process of its own, which takes its time on a machine that is busy.
            while not done.wait(0.05) or seen.count < LEAST:
                answer = https(name, root=root)
                seen.count += 1
                if answer.status != 200:
                    seen.failures.append(answer.error or str(answer.status))

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield seen
        finally:
            done.set()
            for thread in threads:
                thread.join()

    return watch
