# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have other people's checkers look at the https of a machine, from inside it."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from testbed.https import ROOT
from testbed.lock import locked
from testbed.patience import install, patiently
from testbed.podman import STATE, BedError, last_line, podman, podman_ok
from testbed.surroundings import bundle, variables

if TYPE_CHECKING:
    from collections.abc import Sequence

PINNED = Path(__file__).parents[2] / "requirements/scan.txt"
INSTALL = """set -e
python3 -m venv /opt/sslyze
cat > /opt/sslyze/scan.txt
/opt/sslyze/bin/python -m pip install -q --no-compile -r /opt/sslyze/scan.txt
"""
PRESENT = ("test", "-x", "/opt/sslyze/bin/sslyze")
# Versions, groups of ciphers, forward secrecy, certificate, preferences, headers, known attacks. What is left out tries
# every cipher and every known client, which takes longer than all of these and finds no fault.
ALL = ("-p", "-s", "-f", "-S", "-P", "-h", "-U")
#: What another certificate can change.
CERTIFICATE = ("-p", "-S")
TESTSSL = (
    'rm -f "$1"; report=$1 root=$2 address=$3; shift 3; exec testssl --ip 127.0.0.1 --quiet --color 0 --warnings off '
    '--add-ca "$root" --jsonfile "$report" "$@" "$address" >/dev/null 2>&1'
)
SLIGHT = frozenset({"OK", "INFO", "LOW", "WARN", "DEBUG"})
# Clients choose the cipher, as Mozilla's profiles have it; the testssl of Debian 12 takes that for a fault.
MEANT = frozenset({"cipher_order"})
# Fewer results are no whole look at a site, or at its certificate.
LEAST = {ALL: 40, CERTIFICATE: 20}


#: The host's own authority keeps no list of what it has taken back: another certificate takes the place of a lost one.
OWN_AUTHORITY = ["HIGH cert_revocation: Neither CRL nor OCSP URI provided"]
#: Mozilla wants certificates of profile modern renewed after 90 days; nothing renews those of the host between runs.
LONG_LIVED = ["* maximum_certificate_lifespan: Certificate life span is 365 days, should be less than 90."]


@dataclass(frozen=True)
class Scanner:
    """The checkers inside one machine.

    :param root: The file there with what clients trust.
    """

    container: str
    root: str = ROOT

    def install(self) -> None:
        """Have them there; what the index has is fetched once for all machines of a Debian."""
        if podman("exec", self.container, *PRESENT).returncode == 0:
            return
        install(self.container, "testssl.sh", "python3-venv")
        recipe = hashlib.sha256(INSTALL.encode() + PINNED.read_bytes()).hexdigest()[:16]
        debian = self.container.rpartition("-")[2]
        with locked(f"sslyze-{debian}"):
            kept = STATE / f"sslyze-{debian}-{recipe}.tar"
            if not kept.exists():
                self._fetch(kept)
                return
        podman_ok("exec", "-i", self.container, "tar", "-x", "-C", "/opt", data=kept.read_bytes())

    def _fetch(self, kept: Path) -> None:
        """Install them from the index, and keep what came of it."""
        chosen = variables(dict(os.environ), has_bundle=bundle() is not None)
        settings = [f"--env={name}={value}" for name, value in chosen.items()]
        command = ("exec", "-i", *settings, self.container, "sh", "-c", INSTALL)
        patiently(lambda: podman_ok(*command, data=PINNED.read_bytes(), timeout=600))
        new = kept.with_suffix(".new")
        packed = podman("exec", self.container, "tar", "-c", "-C", "/opt", "sslyze")
        if packed.returncode:
            raise BedError(f"the checkers cannot be kept: {last_line(packed.stderr)}")
        new.write_bytes(packed.stdout)
        new.replace(kept)

    def trusting(self, text: str) -> Scanner:
        """Give the same checkers, as clients that trust something else."""
        path = "/opt/sslyze/root.pem"
        podman_ok("exec", "-i", self.container, "tee", path, data=text.encode())
        return replace(self, root=path)

    def testssl(self, addresses: Sequence[str], parts: tuple[str, ...] = ALL) -> dict[str, list[str]]:
        """Give what is worse than slight of each address; they are looked at side by side.

        :param parts: ALL, or CERTIFICATE for a server that is looked at with another certificate elsewhere.
        """
        with ThreadPoolExecutor() as pool:
            found = pool.map(lambda address: self._testssl(address, parts), addresses)
            return dict(zip(addresses, found, strict=True))

    def _testssl(self, address: str, parts: tuple[str, ...]) -> list[str]:
        report = f"/opt/sslyze/testssl-{address.partition(':')[0]}.json"
        command = ("sh", "-c", TESTSSL, "testssl", report, self.root, f"https://{address}", *parts)
        podman("exec", self.container, *command, timeout=600)
        found = json.loads(podman_ok("exec", self.container, "cat", report))
        if len(found) < LEAST[parts] or found[-1]["id"] == "scanProblem":
            raise AssertionError(f"testssl gave up on {address}: {found[-3:]}")
        serious = [one for one in found if one["severity"] not in SLIGHT and one["id"] not in MEANT]
        return [f"{one['severity']} {one['id']}: {one['finding']}" for one in serious]

    def sslyze(self, address: str, profile: str) -> list[str]:
        """Give what differs from one of Mozilla's profiles."""
        host, _colon, port = address.partition(":")
        command = (f"--mozilla_config={profile}", f"--certinfo_ca_file={self.root}", f"{host}:{port}{{127.0.0.1}}")
        done = podman("exec", self.container, "/opt/sslyze/bin/sslyze", *command, timeout=300)
        lines = done.stdout.decode(errors="replace").partition("COMPLIANCE AGAINST")[2].splitlines()
        compliant = any(line.endswith("OK - Compliant.") for line in lines)
        found = [line.strip() for line in lines if line.strip().startswith("*")]
        if compliant == bool(found) or compliant == bool(done.returncode):
            raise AssertionError(done.stdout.decode(errors="replace")[-2000:])
        return found
