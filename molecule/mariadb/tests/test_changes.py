# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change reaches what it is about; a mistake changes nothing; a secret stays one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

REMOTE = "192.0.2.20"
SECRET, OTHER = "Correct 'horse' \\quagga", "another-one-of-them"
REPORTS = {"name": "reports", "user": "reader", "host": REMOTE}
OPEN = {"mariadb_bind": ["127.0.0.1", REMOTE]}


@pytest.fixture
def reports(varied: Any) -> Any:
    """Add a database for clients from elsewhere."""
    return lambda password, **more: varied(REPORTS | {"password": password} | more, key="mariadb_databases") | OPEN


def test_new_database_is_foreseen_and_made_without_a_restart(
    converge: Any, varied: Any, rows: Any, server: Any
) -> None:
    before, more = server(), varied({"name": "fresh", "user": "stranger"}, key="mariadb_databases")
    foreseen = converge(more, check=True)
    assert rows("root", "SHOW DATABASES LIKE 'fresh'") == []
    outcome = converge(more)
    made = ["database fresh made (utf8mb4)", "account stranger@localhost made"]
    assert outcome.task("Create the databases").result["changes"] == made
    assert foreseen.task("Create the databases").result["changes"] == made
    assert all(sentence in foreseen.output for sentence in made)
    assert rows("stranger", "SELECT DATABASE()", "fresh") == ["fresh"]
    assert server() == before
    assert converge(more).changed == 0


def test_setting_reaches_the_server(converge: Any, rows: Any) -> None:
    assert rows("journal", "SELECT @@max_connections, @@slow_query_log, @@innodb_buffer_pool_size DIV 1048576") == [
        "60\t1\t256"
    ]
    assert converge({"mariadb_settings": {"max-connections": 61}, "mariadb_memory": "128M"}).rc == 0
    assert rows("journal", "SELECT @@max_connections, @@slow_query_log, @@innodb_buffer_pool_size DIV 1048576") == [
        "61\t0\t128"
    ]


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (
            {"mariadb_settings": {"max-connections": 62, "inodb-flush-method": "fsync"}},
            ["unknown variable 'inodb-flush-method=fsync'", "90-barehost.cnf, line"],
        ),
        (
            {"mariadb_settings": {"max-connections": "many"}},
            ["max_connections", "90-barehost.cnf, line"],
        ),
        ({"mariadb_memory": "900G"}, ["mariadb_memory: '900G' is more than 80% of the"]),
        ({"mariadb_databases": [{"name": "journal", "password": SECRET}]}, ["nobody is asked for it"]),
        (
            {"mariadb_databases": [{"name": "journal", "charset": "utf9"}]},
            ["database 'journal': this server has no character set or collation 'utf9'"],
        ),
    ],
)
def test_mistake_changes_nothing(
    converge: Any, host: Host, server: Any, change: dict[str, Any], messages: list[str]
) -> None:
    before, file = server(), host.file("/etc/mysql/mariadb.conf.d/90-barehost.cnf").content_string
    outcome = converge(change)
    assert outcome.rc != 0
    assert [message for message in messages if message not in outcome.output] == []
    assert SECRET not in outcome.output
    assert server() == before
    assert host.file("/etc/mysql/mariadb.conf.d/90-barehost.cnf").content_string == file
    # So there is nothing to converge back.
    converge.differs = False


WATCH = "while :; do cat /proc/[0-9]*/cmdline; done | tr '\\0' ' ' >/run/seen"


def test_password_account(converge: Any, host: Host, from_afar: Any, reports: Any) -> None:
    """Let clients in from its address alone, follow a change, and leave no trace of the password."""
    host.check_output("systemd-run --unit=watch sh -c %s", WATCH)
    outcome = converge(reports(SECRET), verbose=True)
    host.check_output("systemctl stop watch")
    assert outcome.rc == 0, outcome
    assert from_afar(REMOTE, "reader", SECRET, "reports").stdout.strip() == f"reader@{REMOTE}"
    for address, user, password, database in (
        (REMOTE, "reader", "wrong", "reports"),
        (REMOTE, "reader", "", "reports"),
        (REMOTE, "reader", SECRET, "journal"),
        ("127.0.0.1", "reader", SECRET, "reports"),
        (REMOTE, "journal", "", "journal"),
        ("127.0.0.1", "root", "", ""),
    ):
        done = from_afar(address, user, password, database)
        # One of a host that is nobody's is not even asked who he is.
        assert re.search("Access denied|1130", done.stderr), (address, user, database)
    assert " SSH: EXEC " in outcome.output
    assert "quagga" not in outcome.output
    assert "mariadbd" in host.file("/run/seen").content_string
    assert "quagga" not in host.file("/run/seen").content_string
    assert "quagga" not in host.check_output("journalctl --no-pager")
    assert host.run("grep -rlF quagga /etc /var/lib/barehost /var/lib/mysql /var/log /root /tmp").stdout == ""
    done = host.run("systemd-analyze security --no-pager --threshold=12 mariadb.service")
    assert done.rc == 0, done.stdout
    assert converge(reports(SECRET)).changed == 0
    outcome = converge(reports(OTHER))
    assert outcome.task("Create the databases").result["changes"] == [f"account reader@{REMOTE} has another password"]
    assert OTHER not in outcome.output
    assert "Access denied" in from_afar(REMOTE, "reader", SECRET, "reports").stderr
    assert from_afar(REMOTE, "reader", OTHER, "reports").rc == 0
    outcome = converge(reports(OTHER, host="%"))
    assert outcome.task("Create the databases").result["changes"] == [
        "account reader@% made",
        f"account reader@{REMOTE} removed",
    ]
    assert from_afar("127.0.0.1", "reader", OTHER, "reports").stdout.strip() == "reader@%"


def test_entries_that_leave(converge: Any, varied: Any, rows: Any, sql: Any) -> None:
    """Keep the data of an absent entry, list one that nobody mentions; remove all of both where that is asked for."""
    leaving, lost = {"name": "leaving", "user": "stranger"}, {"name": "lost", "user": "nobody"}
    assert converge(varied(leaving, lost, key="mariadb_databases")).rc == 0
    rows("stranger", "CREATE TABLE kept (n INT); INSERT INTO kept VALUES (7)", "leaving")
    gone = varied(leaving | {"state": "absent"}, key="mariadb_databases")
    assert converge(gone).task("Create the databases").result["changes"] == ["account stranger@localhost removed"]
    assert "Access denied" in sql("stranger", "SELECT n FROM kept", "leaving").stderr
    assert rows("root", "SELECT n FROM kept", "leaving") == ["7"]
    outcome = converge(gone)
    assert outcome.changed == 0
    assert "The accounts of lost stay" in outcome.output
    assert rows("nobody", "SELECT 1", "lost") == ["1"]
    assert converge(gone | {"web_purge": True, "web_remove_data": True}).rc == 0
    assert sql("nobody", "SELECT 1").rc != 0
    assert sorted(rows("root", "SHOW DATABASES LIKE 'l%'")) == []


def test_what_somebody_else_has_given_is_taken_back(converge: Any, rows: Any, sql: Any) -> None:
    rows("root", "GRANT SELECT ON mysql.* TO journal@localhost; CREATE USER ''@localhost; CREATE DATABASE test")
    rows(
        "root", f"ALTER USER root@localhost IDENTIFIED VIA unix_socket OR mysql_native_password AS PASSWORD('{OTHER}')"
    )
    assert sql("journal", "SELECT COUNT(*) FROM mysql.db").rc == 0
    assert sql("stranger", "SELECT 1", "", "--user=root", password=OTHER).rc == 0
    outcome = converge()
    assert outcome.task("Create the databases").result["changes"] == [
        "account journal@localhost has rights on journal only",
        "root is let in by the socket alone",
        "account of anybody@localhost removed",
        "database test removed",
    ]
    assert "denied" in sql("journal", "SELECT COUNT(*) FROM mysql.db").stderr
    assert "denied" in sql("stranger", "SELECT 1", "", "--user=root", password=OTHER).stderr
    assert rows("journal", "SELECT 1", "journal") == ["1"]
