# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Start, prepare and remove the machines themselves."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import socket
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from testbed import engine, images, surroundings
from testbed.lock import locked
from testbed.podman import ROOT, STATE, BedError, last_line, podman, podman_ok

if TYPE_CHECKING:
    from collections.abc import Collection

KEY = STATE / "id_ed25519"
OWNER = "barehost.checkout"
FIRST_PORT = 8080
#: What podman, or the program that it has listen, says of a port that is taken; and how many others are tried then.
TAKEN = ("address already in use", "port is already allocated")
TRIES = 10
# What a container is given that has supervisord for its first process. Here it waits until a role has installed it.
PLAIN = """mkdir -p /run/sshd
status() { dpkg-query --show --showformat '${db:Status-Status}' supervisor 2>/dev/null; }
until [ "$(status)" = installed ]; do sleep 0.2; done
exec supervisord --nodaemon --configuration /etc/supervisor/supervisord.conf
"""


def up(name: str, image: str, *, port: int | None = None, lifetime: int | None = None) -> bool:
    """Have a machine of that name running and reachable; tell whether it had to be started."""
    if (reason := engine.obstacle()) is not None:
        raise BedError(reason)
    if is_running(name):
        return False
    reference = images.ensure(image)
    options = ["--timeout", str(lifetime)] if lifetime else []
    complaint = start_with_port(name, image, reference, options, port)
    if complaint is not None:
        # What worked when it was tried may not any more: find out anew what does.
        engine.forget()
        complaint = start_with_port(name, image, reference, options, port)
    if complaint is not None:
        raise BedError(f"{name} does not start: {complaint}")
    if not image.endswith(images.PLAIN):
        engine.wait_until_ready(name, seconds=90)
    admit(name)
    return True


def start_with_port(name: str, image: str, reference: str, options: list[str], port: int | None) -> str | None:
    """Start the container, with a port of it published where one is free; hand back what podman complains about.

    Another program may take a port after it was found free, such as another checkout that looks at the same moment.
    """
    if not port:
        return start(name, image, reference, options)
    taken: set[int] = set()
    while len(taken) < TRIES:
        found = free_port(taken)
        complaint = start(name, image, reference, ["--publish", f"127.0.0.1:{found}:{port}", *options])
        if complaint is None or not any(word in complaint for word in TAKEN):
            return complaint
        taken.add(found)
    return complaint


def start(name: str, image: str, reference: str, options: list[str]) -> str | None:
    """Start the container with the switches that work on this host; hand back what podman complains about."""
    chosen = engine.choose(reference)
    podman("rm", "-f", "-t", "0", "--ignore", name)
    plain = image.endswith(images.PLAIN)
    fixed = ["--name", name, "--hostname", image, "--label", f"{OWNER}={ROOT}"]
    fixed += ["--systemd=false"] if plain else ["--systemd=always"]
    first = ["/bin/sh", "-c", PLAIN] if plain else ["/sbin/init"]
    started = podman(*chosen.podman, "run", "-d", *fixed, *options, *chosen.run, reference, *first)
    return None if started.returncode == 0 else last_line(started.stderr)


def is_running(name: str) -> bool:
    """Tell whether this checkout has the machine up; a machine of another checkout is not taken over."""
    facts = f'{{{{.State.Running}}}} {{{{index .Config.Labels "{OWNER}"}}}}'
    result = podman("container", "inspect", "--format", facts, name)
    if result.returncode != 0:
        return False
    running, owner = result.stdout.decode().strip().split(" ", 1)
    # On a CI machine nobody else is at work: what is there was left behind.
    if owner != str(ROOT) and Path(owner).is_dir() and not os.environ.get("CI"):
        raise BedError(f"a container {name} belongs to {owner}: remove it with podman rm -f {name}")
    return running == "true" and owner == str(ROOT)


def admit(name: str) -> None:
    """Let this checkout's key in and tell sshd of the surroundings: nothing of it is in the image."""
    certificates = surroundings.bundle()
    chosen = surroundings.variables(dict(os.environ), has_bundle=certificates is not None)
    files = {
        "root/.ssh/authorized_keys": public_key(),
        "etc/ssh/sshd_config.d/testbed.conf": surroundings.sshd_configuration(chosen).encode(),
    }
    if certificates is not None:
        files[surroundings.BUNDLE_INSIDE.lstrip("/")] = certificates
    podman_ok("exec", "-i", name, "tar", "-x", "-C", "/", "--no-same-owner", data=archive(files))


def archive(files: dict[str, bytes]) -> bytes:
    """Pack files that only root reads, certificates apart."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as packed:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o644 if path.endswith(".crt") else 0o600
            packed.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def public_key() -> bytes:
    """Make the key pair of this checkout when it is not there yet."""
    if shutil.which("ssh-keygen") is None:
        raise BedError("ssh-keygen is not installed: run script/setup")
    public = KEY.with_suffix(".pub")
    with locked("key"):
        if not public.exists():
            KEY.unlink(missing_ok=True)
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test bed", "-f", str(KEY)]
            subprocess.run(command, stdin=subprocess.DEVNULL, check=True)
    return public.read_bytes()


def free_port(taken: Collection[int] = ()) -> int:
    """Find the first port of the loopback address that a program can listen on, other than those that are taken."""
    for port in range(FIRST_PORT, FIRST_PORT + 100):
        if port in taken:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            # To connect would not tell of one that is bound and does not listen yet.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise BedError(f"the ports {FIRST_PORT} to {FIRST_PORT + 99} of 127.0.0.1 are all in use")


def address(name: str, port: int) -> str:
    """Tell where a machine's port was published."""
    if name not in own():
        raise BedError(f"this checkout has no machine {name}: script/machines list prints those that it has")
    found = podman("port", name, str(port)).stdout.decode().split()
    if not found:
        again = f"script/machines up {name} --image IMAGE --port {port}"
        raise BedError(f"port {port} of {name} is not published: script/machines down {name}, then {again}")
    return found[0]


def own() -> list[str]:
    """List the machines of this checkout."""
    return podman_ok("ps", "-a", "--filter", f"label={OWNER}={ROOT}", "--format", "{{.Names}}").split()


def down(names: list[str]) -> list[str]:
    """Remove machines of this checkout; those that are not there are fine."""
    present = [name for name in own() if name in names]
    if present:
        podman_ok("rm", "-f", "-t", "0", *present)
    return present
