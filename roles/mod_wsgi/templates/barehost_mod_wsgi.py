# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which environment variables an app under mod_wsgi has.

systemd gives the app's variables to whatever it starts, but an Apache that runs keeps those it was started with. So the try of
an app, which systemd starts before each start and each reload, leaves its variables in a file that only the app's user can
read and that is never on a disk, and the processes of the app take them from there.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# What systemd tells the try about the service, which is nothing of the app.
SYSTEMD = frozenset({"MAINPID", "MANAGERPID", "SYSTEMD_EXEC_PID", "INVOCATION_ID", "JOURNAL_STREAM", "MOD_WSGI"})


@contextmanager
def environment(path: str, *, tried: bool) -> Iterator[None]:
    """Take the variables over before the app is loaded; in a try, hand them over when the app could be loaded."""
    if not tried:
        take(path)
        yield
        return
    given = {name: value for name, value in os.environb.items() if os.fsdecode(name) not in SYSTEMD}
    yield
    keep(path, given)


def take(path: str) -> None:
    """Replace the variables of this process."""
    with open(path, "rb") as file:
        lines = file.read().split(b"\0")
    os.environ.clear()
    os.environb.update(line.split(b"=", 1) for line in lines if line)


def keep(path: str, variables: dict[bytes, bytes]) -> None:
    """Write variables so that a process which reads them meanwhile finds the old ones or the new ones."""
    fresh = f"{path}.new"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(b"".join(name + b"=" + value + b"\0" for name, value in variables.items()))
    os.replace(fresh, path)
