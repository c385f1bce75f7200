# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a program in a machine for next to nothing: clients that ask for one page are started by the thousand."""

from __future__ import annotations

from pathlib import Path

from testbed.podman import BedError, execute, is_root, last_line, podman_ok

NAMESPACES = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup")
SURROUNDINGS = ("HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")

_first: dict[str, tuple[int, str]] = {}


def entrance(container: str) -> list[str]:
    """Give what stands before a command that is to run in a machine, with what is written to it.

    Root goes straight into the namespaces, for a twentieth of what `podman exec` costs; others need that.
    """
    if not is_root():
        return ["podman", "exec", "-i", container]
    return ["nsenter", f"--target={first_process(container)}", *NAMESPACES, "env", "-i", *SURROUNDINGS]


def first_process(container: str) -> int:
    """Find the first process of a container, as the host counts; podman is asked again once that one has ended."""
    known = _first.get(container)
    if known is None or started(known[0]) != known[1]:
        number = int(podman_ok("inspect", "--format={{.State.Pid}}", container))
        if number == 0:
            raise BedError(f"the container {container} does not run: start it with script/machines up")
        known = _first[container] = number, started(number)
    return known[0]


def started(process: int) -> str:
    """Tell when a process was started, in ticks since the boot; empty if there is none of this number."""
    try:
        # The 22nd field, of which the second may hold spaces and brackets: proc_pid_stat(5).
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except FileNotFoundError:
        return ""


def ask(container: str, *command: str, data: bytes) -> str:
    """Run a program in a machine, write to it, and hand back what it printed; a failure is a BedError."""
    done = execute([*entrance(container), *command], data=data)
    if done.returncode != 0:
        raise BedError(f"{container}: {last_line(done.stderr)}")
    return done.stdout.decode(errors="replace").strip()
