# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A benchmark that is short, and what a machine is like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from testbed.podman import podman_ok

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: What apt and Ansible keep of every run, whatever it is about; the collection's own folders are in sight.
LEFT_OUT = re.compile(
    r"/(dev|proc|sys|tmp|var/tmp|run/systemd|run/udev|run/user|root/\.ansible)(/|\Z)"
    r"|/var/log/(journal|apt|dpkg\.log|alternatives\.log|btmp|wtmp|lastlog)"
    r"|/var/(lib|cache)/(apt|dpkg|debconf|ucf|man|ldconfig|systemd|private)(/|\Z)"
    r"|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-|/(etc/ld\.so\.cache|etc/ssl/certs.*|run/(lock.*|motd.*|sshd.*|podman.*))\Z"
)
LIST = r"""
find / -xdev \( -path /proc -o -path /sys -o -path /dev \) -prune -o -printf '%p %y %m %u %g %l\n'
find /run -xdev -printf '%p %y %m %u %g\n'
find /etc /srv /opt -xdev -type f ! -name ld.so.cache -exec sha256sum {} + | awk '{print $2, $1}'
"""
SHORT = {"benchmark_rounds": 1, "benchmark_seconds": 2, "benchmark_connections": 8}


@pytest.fixture
def short(tmp_path: Path) -> dict[str, Any]:
    """Give the variables of a short benchmark, whose results go to a folder of the test's own."""
    return {**SHORT, "benchmark_results": str(tmp_path / "results")}


@pytest.fixture
def looks(machine: Any) -> Callable[[], dict[str, list[str]]]:
    """Tell what the machine is like: its files, accounts, units, sockets and packages."""

    def ask(script: str) -> list[str]:
        return podman_ok("exec", machine.container, "sh", "-c", script).splitlines()

    def look() -> dict[str, list[str]]:
        return {
            "files": sorted({line for line in ask(LIST) if not LEFT_OUT.match(line.split(" ")[0])}),
            "accounts": ask("cat /etc/passwd /etc/group"),
            "units": ask(
                "systemctl list-units --plain --no-legend --all --type=service,socket | "
                "awk '/nginx|apache|uwsgi|gunicorn|flask|mod_wsgi|benchmark/ {print $1, $3, $4}'; "
                "systemctl --failed --no-legend --plain; systemctl list-unit-files --no-legend | awk '{print $1, $2}'"
            ),
            "sockets": ask("ss -Hlntux | awk '{print $1, $5}' | grep -v systemd | sort"),
            "packages": ask("dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\\n'"),
        }

    return look
