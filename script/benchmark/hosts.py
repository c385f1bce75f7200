# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The machines that are measured: bare Debian, with the package files of role nginx at hand and no network."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Self

from ansible_collections.barehost.web.plugins.plugin_utils._plans import NGINX_PACKAGES
from testbed import engine, images, machines
from testbed.patience import patiently
from testbed.podman import ROOT, BedError, last_line, podman, podman_ok, say

if TYPE_CHECKING:
    from types import TracebackType

#: Seconds after which podman removes a machine by itself, whatever has become of this program.
LIFETIME = 1800


class Hosts:
    """Starts machines and removes all of them in the end."""

    def __init__(self, suite: str) -> None:
        """Name the Debian that the machines run, as in script/machines."""
        self._suite = suite
        self._prefix = f"barehost-bench-{os.getpid()}"
        self._image = f"localhost/{self._prefix}:latest"
        self._engine: engine.Engine | None = None

    def __enter__(self) -> Self:
        """Nothing is started yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the machines and the image, also after a failure; a second Ctrl-C does not get in the way."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.remove()
        podman("rmi", "--force", self._image)

    def prepare(self) -> None:
        """Build the image: packages are fetched into it, none is installed."""
        packages = role_packages()
        say(f"bench: fetching the packages {', '.join(packages)} for {self._suite}")
        name = f"{self._prefix}-fetch"
        machines.up(name, self._suite, lifetime=LIFETIME)
        get = "apt-get -q update && apt-get -qy --no-install-recommends --download-only install"
        patiently(lambda: podman_ok("exec", name, "sh", "-c", f'{get} "$@"', "fetch", *packages))
        podman_ok("commit", "--quiet", name, self._image)
        machines.down([name])
        self._engine = engine.choose(images.reference(self._suite))

    def start(self, label: str) -> str:
        """Start a bare machine without network and hand back its name."""
        if self._engine is None:
            raise BedError("the image is not prepared")
        name = f"{self._prefix}-{label}"
        options = ["--rm", "--timeout", str(LIFETIME), "--network=none", "--systemd=always", "--hostname", self._suite]
        mark = ["--name", name, "--label", f"{machines.OWNER}={ROOT}"]
        command = (*self._engine.podman, "run", "-d", *mark, *options, *self._engine.run, self._image, "/sbin/init")
        started = podman(*command)
        if started.returncode != 0:
            raise BedError(f"{name} does not start: {last_line(started.stderr)}")
        engine.wait_until_ready(name, seconds=90)
        return name

    def start_online(self, label: str) -> str:
        """Start an ordinary machine of the test bed."""
        name = f"{self._prefix}-{label}"
        machines.up(name, self._suite, lifetime=LIFETIME)
        return name

    def remove(self) -> None:
        """Remove every machine of this run."""
        machines.down([name for name in machines.own() if name.startswith(f"{self._prefix}-")])


def role_packages() -> list[str]:
    """Give the packages that role nginx installs."""
    return list(NGINX_PACKAGES)


def processor_time(name: str) -> float:
    """Tell how many seconds of processor time a machine has used: cgroup v1 counts in ns, v2 in µs."""
    v1, v2 = "/sys/fs/cgroup/cpuacct/cpuacct.usage", "/sys/fs/cgroup/cpu.stat"
    used = podman_ok("exec", name, "sh", "-c", f"cat {v1} 2>/dev/null || sed -n 's/^usage_usec \\(.*\\)/\\1000/p' {v2}")
    return int(used or 0) / 1e9
