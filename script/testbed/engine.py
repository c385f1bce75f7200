# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which of podman's switches start a machine with systemd on this host: found by trying, then remembered."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from testbed.lock import locked
from testbed.podman import STATE, BedError, is_root, last_line, podman, podman_ok

if TYPE_CHECKING:
    from collections.abc import Iterator

# What systemd and sandboxed units need; numbers as in linux/capability.h. Unlike with --privileged the host's
# devices stay out of reach.
CAPABILITIES = {
    "NET_ADMIN": 12,
    "SYS_PTRACE": 19,
    "SYS_ADMIN": 21,
    "SYS_RESOURCE": 24,
    "MKNOD": 27,
    "AUDIT_WRITE": 29,
}
UNCONFINED = ("seccomp=unconfined", "apparmor=unconfined", "label=disable", "unmask=ALL")
# An image that is degraded has a failed unit, which is no obstacle to a converge.
READY = ("running", "degraded")
MAX_COMPLAINT = 170


@dataclass(frozen=True)
class Engine:
    """Switches for podman itself and for `podman run`."""

    podman: tuple[str, ...]
    run: tuple[str, ...]


def choose(image: str) -> Engine:
    """Find the switches that work here, or read them from the last time this was asked."""
    remembered = STATE / "engine.json"
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    key = f"{boot} {podman_ok('--version')} {os.geteuid()}"
    with locked("engine"):
        if remembered.exists():
            known = json.loads(remembered.read_text())
            if known["key"] == key:
                return Engine(tuple(known["podman"]), tuple(known["run"]))
        found = first_that_starts(image)
        remembered.write_text(json.dumps({"key": key, **asdict(found)}))
    return found


def forget() -> None:
    """Have the next machine try again: what worked once no longer does."""
    (STATE / "engine.json").unlink(missing_ok=True)


def first_that_starts(image: str) -> Engine:
    """Try every candidate with a real machine."""
    complaints: dict[str, None] = {}
    for candidate in candidates():
        complaint = try_to_start(candidate, image)
        if complaint is None:
            return candidate
        complaints[shortened(complaint)] = None
    raise BedError(f"no container with systemd starts on this host: {'; '.join(complaints)}")


def shortened(complaint: str) -> str:
    """Leave out the identifiers, by which equal complaints differ, and the middle of long ones."""
    text = re.sub(r"\b([0-9a-f]{64}|[0-9A-Z]{26})\b", "…", complaint)
    return text if len(text) <= MAX_COMPLAINT else f"{text[:100]} … {text[-60:]}"


def candidates() -> Iterator[Engine]:
    """List what may work here, the tightest and most ordinary first."""
    runtimes = [(), *(("--runtime", name) for name in ("crun", "runc") if shutil.which(name))]
    if both_cgroups():
        # There crun starts one machine and refuses the next; runc starts all.
        runtimes.sort(key=lambda switches: "runc" not in switches)
    added = (f"--cap-add={name}" for name in capabilities())
    narrow = (*added, *(f"--security-opt={name}" for name in UNCONFINED))
    for confinement in (narrow, ("--privileged",)):
        for limits in ((), own_limits()):
            for runtime in runtimes:
                yield Engine(runtime, (*confinement, *limits))


def both_cgroups() -> bool:
    """Tell whether the host mounts both versions of cgroups, which is called hybrid."""
    return Path("/sys/fs/cgroup/unified").is_dir()


def capabilities() -> list[str]:
    """Leave out what root itself lacks here; an ordinary user's own namespace has them all."""
    if not is_root():
        return list(CAPABILITIES)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    bounding = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:")), 16)
    return [name for name, bit in CAPABILITIES.items() if bounding >> bit & 1]


def own_limits() -> tuple[str, ...]:
    """Ask for what this process may have: podman's defaults are refused without CAP_SYS_RESOURCE."""
    limits: list[str] = []
    wanted = (("nofile", resource.RLIMIT_NOFILE, 65536), ("nproc", resource.RLIMIT_NPROC, 30000))
    for name, kind, most in wanted:
        hard = resource.getrlimit(kind)[1]
        value = most if hard < 0 else min(hard, most)
        limits += ["--ulimit", f"{name}={value}:{value}"]
    return tuple(limits)


def try_to_start(candidate: Engine, image: str) -> str | None:
    """Start a machine with these switches; hand back what went wrong."""
    name = f"barehost-try-{os.getpid()}"
    try:
        result = podman(
            *candidate.podman,
            "run",
            "-d",
            "--rm",
            "--timeout",
            "120",
            "--name",
            name,
            "--systemd=always",
            *candidate.run,
            image,
            "/sbin/init",
        )
        if result.returncode != 0:
            return last_line(result.stderr)
        wait_until_ready(name, seconds=45)
    except BedError as error:
        return str(error)
    finally:
        podman("rm", "-f", "-t", "0", "--ignore", name)
    return None


def wait_until_ready(name: str, seconds: float) -> None:
    """Wait until systemd has started everything that belongs to the machine."""
    deadline = time.monotonic() + seconds
    state = "no answer"
    while time.monotonic() < deadline:
        result = podman("exec", name, "systemctl", "is-system-running", "--wait", timeout=seconds + 10)
        state = result.stdout.decode(errors="replace").strip() or last_line(result.stderr)
        if state in READY:
            return
        if podman("inspect", "--format", "{{.State.Running}}", name).stdout.strip() != b"true":
            raise BedError("systemd ended at once inside the container")
        time.sleep(0.1)
    raise BedError(f"systemd inside {name} is not up after {seconds:.0f} s: {state}")


def obstacle() -> str | None:
    """Name what makes machines of an ordinary user impossible, where that shows beforehand."""
    if is_root():
        return None
    reason = ""
    if "\n" not in podman_ok("unshare", "cat", "/proc/self/uid_map"):
        reason = "this user has no subordinate ids (see usermod --add-subuids and --add-subgids)"
    elif not Path("/sys/fs/cgroup/cgroup.controllers").exists() and not owns_its_named_cgroup():
        reason = "the host mounts cgroup v1, where only root can give systemd its own groups"
    elif not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        reason = "this user may not open /dev/net/tun, without which a container has no network"
    return f"machines cannot run here without root: {reason}" if reason else None


def owns_its_named_cgroup() -> bool:
    """Tell whether systemd's own hierarchy of cgroup v1 was handed to this user, which is rare."""
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controller, path = line.split(":", 2)
        if controller == "name=systemd":
            return os.access(f"/sys/fs/cgroup/systemd{path}", os.W_OK)
    return False
