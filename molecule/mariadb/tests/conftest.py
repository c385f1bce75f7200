# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients of the database server."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

REMOTE = "192.0.2.20"


@pytest.fixture(scope="session", autouse=True)
def people(host: Host) -> None:
    """Have system users, as apps have them."""
    for name in ("journal", "shop", "stranger"):
        host.check_output(f"id {name} || useradd --system --shell /usr/sbin/nologin {name}")


@pytest.fixture
def sql(host: Host) -> Any:
    """Run statements as a system user, on a database, perhaps with a name or a way in that is not the user's own."""

    def run(user: str, statements: str, database: str = "", *options: str, password: str = "") -> Any:
        words = ["mariadb", "--batch", "--skip-column-names", *options, f"--execute={statements}", database]
        secret = f"MYSQL_PWD={shlex.quote(password)} " if password else ""
        return host.run(f"cd / && {secret}runuser -u {user} -- {shlex.join(word for word in words if word)}")

    return run


@pytest.fixture
def rows(sql: Any) -> Any:
    """Run statements that must succeed, and give the rows of the answer."""

    def run(*arguments: str, **options: str) -> list[str]:
        done = sql(*arguments, **options)
        assert done.rc == 0, done.stderr
        return [*done.stdout.splitlines()]

    return run


@pytest.fixture
def from_afar(host: Host, sql: Any) -> Any:
    """Come in over the network, from an address that is the same as the one that is asked."""
    host.check_output(f"ip address replace {REMOTE}/32 dev lo")

    def run(address: str, user: str, password: str, database: str = "") -> Any:
        way = ("--protocol=tcp", f"--host={address}", f"--user={user}")
        return sql("stranger", "SELECT CURRENT_USER()", database, *way, password=password)

    return run


@pytest.fixture
def server(host: Host) -> Any:
    """Find the process of the server."""
    return lambda: int(host.check_output("systemctl show --property=MainPID --value mariadb.service"))
