# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Speak to the MariaDB server of this host, as root over its unix socket. This module is private to the collection."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time

from ansible_collections.barehost.web.plugins.module_utils._host import HostError
from ansible_collections.barehost.web.plugins.module_utils._marks import STATE

UNIT = "mariadb.service"
DATA = "/var/lib/mysql"
_SOCKET = "/run/mysqld/mysqld.sock"
#: Is there from before the first start of a server until it has answered.
FRESH = STATE / "mariadb" / "never-answered"
_HASH = re.compile(r"\*[0-9A-Fa-f]{40}")
_REFUSED = re.compile(r"ERROR (1045|1698)\b")
_SECONDS = 120
_PAUSE = 0.2


class ServerError(HostError):
    """What the server, or its client, said."""


def _client(sql: str) -> subprocess.CompletedProcess[str]:
    """Run the client. What it is to do goes by its standard input, where no list of processes shows it."""
    return subprocess.run(
        [
            # First: what root has in a file of his own says nothing here.
            *("mariadb", "--no-defaults", "--protocol=socket", f"--socket={_SOCKET}", "--user=root"),
            *("--batch", "--raw", "--skip-column-names", "--default-character-set=utf8mb4"),
        ],
        input=sql,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8", "MYSQL_HISTFILE": "/dev/null"},
    )


def query(sql: str) -> list[list[str]]:
    """Have the server do it; the rows of all answers, in order.

    :raises ServerError: with what the server said. Nothing after the statement that failed was done.
    """
    done = _client(f"SET SESSION sql_mode = '';\n{sql}")
    if done.returncode:
        said = _HASH.sub("***", done.stderr.strip())
        raise ServerError(f"MariaDB refuses: {said}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def answers(timeout: float) -> str:
    """Wait until the server answers root; why it does not, empty when it does.

    :raises ServerError: root is not let in, which waiting does not change.
    """
    if shutil.which("mariadb") is None:
        return "MariaDB is not installed"
    until = time.monotonic() + timeout
    while True:
        done = _client("SELECT 1;\n")
        if done.returncode == 0:
            return ""
        if _REFUSED.search(done.stderr):
            raise ServerError(
                f"MariaDB does not let root in over {_SOCKET}: {done.stderr.strip()}\n"
                "Let it in with ALTER USER root@localhost IDENTIFIED VIA unix_socket, and run again."
            )
        if time.monotonic() >= until:
            return done.stderr.strip()
        time.sleep(_PAUSE)


def forget_first_start() -> None:
    """The server has answered: from now on its data is somebody's."""
    FRESH.unlink(missing_ok=True)
