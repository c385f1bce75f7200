# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The images of the machines: Debian and nothing else but systemd, Python and an ssh server."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta

from testbed.engine import candidates
from testbed.lock import locked
from testbed.patience import PAUSES, patiently
from testbed.podman import STATE, BedError, last_line, podman, podman_ok, say

#: A machine of an image with this ending does not run systemd: its first process is supervisord, as in a container.
PLAIN = "-plain"
SUITES = {"debian12": "bookworm", "debian13": "trixie"}
PACKAGES = ("systemd", "systemd-sysv", "dbus", "python3", "ca-certificates", "iproute2", "openssh-server")
MAX_AGE = timedelta(days=7)
LABEL = "barehost.recipe"
#: What of the making of an image stays in it: three dozen machines would fetch the same lists of packages. As old as
#: the image they may name versions that are no longer there; whoever installs packages fetches new lists then.
KEPT = "apt/lists"

# systemd-modules-load cannot work in a container and would only leave the machine degraded. Nobody connects
# to a port of sshd: `podman exec` starts one sshd per connection, which needs /run/sshd. What is thrown away
# need not be flushed to the disk by dpkg. Of systemd's generators, which every daemon-reload runs, only the one for
# init scripts finds anything to do in a container.
SETUP = """set -eu
rm -f /usr/sbin/policy-rc.d /etc/apt/apt.conf.d/docker-*
systemctl mask --quiet systemd-modules-load.service
systemctl disable --quiet ssh.service ssh.socket
echo 'd /run/sshd 0755 root root -' > /etc/tmpfiles.d/testbed.conf
echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/testbed
mkdir -p /etc/systemd/system-generators
for one in /usr/lib/systemd/system-generators/*; do ln -s /dev/null "/etc${one#/usr/lib}"; done
rm /etc/systemd/system-generators/systemd-sysv-generator
"""


def reference(name: str) -> str:
    """Name the image of a Debian for podman. A plain machine has the same files, and another first process."""
    name = name.removesuffix(PLAIN)
    if name not in SUITES:
        raise BedError(f"there is no image {name}: choose one of {', '.join(SUITES)}")
    return f"localhost/barehost-{name}:latest"


def recipe() -> str:
    """Give one value that changes when images have to be built again."""
    return hashlib.sha256(f"{PACKAGES}{SETUP}{KEPT}".encode()).hexdigest()[:16]


def ensure(name: str, *, rebuild: bool = False) -> str:
    """Build the image unless a fresh one is there; offline a stale one is better than none."""
    image = reference(name)
    name = name.removesuffix(PLAIN)
    with locked(f"image-{name}"):
        present, fresh = inspect(image)
        if fresh and not rebuild:
            return image
        started = time.monotonic()
        say(f"machines: building the image {name} from Debian packages (kept for {MAX_AGE.days} days)")
        try:
            patiently(lambda: build(name, image), pauses=() if present else PAUSES)
        except BedError as error:
            if not present:
                raise
            say(f"machines: keeping the present image {name}: {error}")
            return image
        say(f"machines: image {name} built in {time.monotonic() - started:.0f} s")
    return image


def inspect(image: str) -> tuple[bool, bool]:
    """Tell whether the image is there, and whether it is of this recipe and young enough."""
    result = podman("image", "inspect", image)
    if result.returncode != 0:
        return False, False
    facts = json.loads(result.stdout)[0]
    created = datetime.fromisoformat(facts["Created"][:19]).replace(tzinfo=UTC)
    young = datetime.now(UTC) - created < MAX_AGE
    return True, young and (facts.get("Labels") or {}).get(LABEL) == recipe()


def build(name: str, image: str) -> None:
    """Make the image with mmdebstrap or, where that is missing, from an image in a registry."""
    if shutil.which("mmdebstrap"):
        build_from_packages(SUITES[name], image)
    else:
        build_from_registry(SUITES[name], image)
    # Those that this or an earlier build has replaced, as far as no machine runs them any more.
    podman("image", "prune", "--force", "--filter", f"label={LABEL}")


def build_from_packages(suite: str, image: str) -> None:
    """Let mmdebstrap make the tree: as root, or as an ordinary user in a namespace of its own."""
    command = [
        "mmdebstrap",
        "--variant=minbase",
        f"--skip=cleanup/{KEPT}",
        f"--include={','.join(PACKAGES)}",
        f'--customize-hook=chroot "$1" sh -c {shlex.quote(SETUP)}',
        suite,
        "-",
    ]
    # By way of a file: an image is imported whole or not at all.
    with tempfile.NamedTemporaryFile(dir=STATE, suffix=".tar") as tree:
        told: list[str] = []
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=tree, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as process:
            for line in process.stderr or ():
                told.append(line)
                if line.startswith("I: ") and line.endswith("...\n"):
                    say(f"machines:   {suite}: {line[3:].strip()}")
        if process.returncode != 0:
            raise BedError(f"mmdebstrap {suite}: {last_line(''.join(told).encode())}")
        podman_ok("import", "--quiet", "--change", f"LABEL {LABEL}={recipe()}", tree.name, image)


def build_from_registry(suite: str, image: str) -> None:
    """Add the packages to Debian's own image. Its short name is resolved by podman's configuration."""
    containerfile = f"""FROM debian:{suite}
LABEL {LABEL}={recipe()}
RUN apt-get update -q && apt-get install -yq --no-install-recommends {" ".join(PACKAGES)} \\
 && apt-get clean
RUN {" && ".join(SETUP.splitlines())}
"""
    complaint = ""
    for engine in candidates():
        limits = [word for word in engine.run if word == "--ulimit" or word.startswith(("nofile=", "nproc="))]
        build = (*engine.podman, "build", "--quiet", *limits, "-t", image, "-")
        result = podman(*build, data=containerfile.encode(), timeout=900)
        if result.returncode == 0:
            return
        complaint = last_line(result.stderr)
        if "pull" in complaint or "registry" in complaint:
            break
    raise BedError(f"mmdebstrap is missing (see script/setup); pulling debian:{suite} instead failed: {complaint}")
