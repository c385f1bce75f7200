# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who is let in, to what, and from where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from testinfra.host import Host

CONNECT = "import socket; socket.create_connection(('127.0.0.1', 3306), 2)"


def test_system_user_writes_rows_without_a_password(rows: Any) -> None:
    rows(
        "journal",
        "CREATE OR REPLACE TABLE notes (text VARCHAR(20)); INSERT INTO notes VALUES ('one'), ('two')",
        "journal",
    )
    assert rows("journal", "SELECT text FROM notes ORDER BY text", "journal") == ["one", "two"]
    assert rows("journal", "SELECT CURRENT_USER()") == ["journal@localhost"]


def test_account_may_be_called_otherwise_than_its_database(rows: Any) -> None:
    rows(
        "shop", "CREATE OR REPLACE TABLE goods (price INT); INSERT INTO goods VALUES (5); DROP TABLE goods", "shop_data"
    )


@pytest.mark.parametrize("user", ["stranger", "shop", "www-data", "nobody"])
def test_nobody_else_is_let_in(sql: Any, user: str) -> None:
    done = sql(user, "SELECT 1", "journal", "--user=journal")
    assert done.rc != 0
    assert "Access denied" in done.stderr


@pytest.mark.parametrize("password", ["", "invalid", "root"])
def test_root_is_let_in_as_root_only(rows: Any, sql: Any, password: str) -> None:
    assert rows("root", "SELECT CURRENT_USER()") == ["root@localhost"]
    done = sql("stranger", "SELECT 1", "", "--user=root", password=password)
    assert "Access denied" in done.stderr


def test_account_of_nobody_lets_nobody_in(sql: Any, rows: Any) -> None:
    assert "Access denied" in sql("stranger", "SELECT 1", "", "--user=whoever").stderr
    assert rows("root", "SELECT User FROM mysql.global_priv WHERE User = ''") == []
    assert rows("root", "SHOW DATABASES LIKE 'test'") == []


def test_account_sees_its_own_database_only(rows: Any, sql: Any) -> None:
    rows("root", "CREATE DATABASE IF NOT EXISTS shopxdata")
    assert sorted(rows("shop", "SHOW DATABASES")) == ["information_schema", "shop_data"]
    for database in ("journal", "mysql", "shopxdata"):
        assert "Access denied" in sql("shop", "SELECT 1", database).stderr, database
    rows("root", "DROP DATABASE shopxdata")


def test_character_set_is_the_one_that_was_asked_for(rows: Any) -> None:
    question = "SELECT @@character_set_database, @@collation_database"
    assert rows("shop", question, "shop_data") == ["latin1\tlatin1_german1_ci"]
    assert rows("journal", question, "journal")[0].startswith("utf8mb4\t")


def listeners(host: Host) -> str:
    """Give what listens on the network."""
    return str(host.check_output("ss --listening --tcp --udp --numeric --no-header"))


@pytest.mark.parametrize("booted", [False, True])
def test_nothing_listens_on_the_network_before_and_after_a_reboot(
    host: Host, rows: Any, reboot: Callable[[], None], booted: bool
) -> None:
    if booted:
        reboot()
    assert rows("journal", "SELECT 1", "journal") == ["1"]
    assert "3306" not in listeners(host)
    assert host.run(f'python3 -c "{CONNECT}"').rc != 0
    assert host.check_output("systemctl --failed --no-legend") == ""
    assert host.run("systemctl start mariadb.socket").rc != 0
