# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a machine is like: its files, accounts, units, sockets and packages. Two looks are compared."""

from __future__ import annotations

import re

from testbed.podman import podman_ok

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


def look(container: str) -> dict[str, list[str]]:
    """Look at a machine."""

    def ask(script: str) -> list[str]:
        return podman_ok("exec", container, "sh", "-c", script).splitlines()

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
