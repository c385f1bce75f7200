# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Let testinfra look into a machine by the cheapest way that there is: see enter.py."""

from __future__ import annotations

import shlex

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from testbed.enter import entrance


class Backend(BaseBackend):
    """What testinfra calls its way to a host, whose name is that of the container."""

    NAME = "machine"

    def run(self, command: str, *args: str, **_options: object) -> CommandResult:
        """Run a command in the shell of the machine."""
        words = [*entrance(self.hostname), "/bin/sh", "-c", self.get_command(command, *args)]
        done = self.run_local(shlex.join(words))
        done.command = self.encode(words[-1])
        return done


def host(container: str) -> Host:
    """Give testinfra's view of a machine."""
    backend = Backend(container)
    found = Host(backend)
    backend.set_host(found)
    return found
