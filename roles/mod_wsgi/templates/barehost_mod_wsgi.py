# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which environment variables an app under mod_wsgi has.

systemd gives the app's variables to whatever it starts, but an Apache that runs keeps those it was started with. So
each start and each reload leaves them in a file that is never on a disk and that only the app's user can read.
"""

from __future__ import annotations

import os
from pathlib import Path


def take_environment(path: str) -> None:
    """Replace the variables of this process by those that the last start or reload was given."""
    lines = Path(path).read_bytes().split(b"\0")
    os.environ.clear()
    os.environb.update(line.split(b"=", 1) for line in lines if line)
