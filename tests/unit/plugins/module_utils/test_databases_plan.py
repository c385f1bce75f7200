# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is to be done on a database server."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils._databases_plan import (
    Account,
    Database,
    Found,
    Work,
    plan,
    rights,
)

UTIL, SHOP, READER = Account("util", "localhost"), Account("shop", "localhost"), Account("reader", "192.0.2.20")
HASH = "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7"
COLLATIONS = {"utf8mb4_general_ci": "utf8mb4", "utf8mb4_bin": "utf8mb4", "latin1_bin": "latin1"}
RECORD = {"util": {"user": "util", "host": "localhost", "made": True}}
ROOT = Account("root", "localhost")


def util(**changes: Any) -> Database:
    return Database(**{"name": "util", "account": UTIL, **changes})


def found(*names: str, **accounts: list[str]) -> Found:
    """Give a server with databases, and accounts of this host with the rights that are given."""
    return Found(
        databases=dict.fromkeys(names, ("utf8mb4", "utf8mb4_general_ci")),
        accounts={Account(user, "localhost"): grants for user, grants in accounts.items()},
        collations=COLLATIONS,
    )


GOOD = rights(UTIL, "", ["util"])


def test_what_the_server_says_of_an_account() -> None:
    assert rights(SHOP, "", ["shop_data"]) == [
        "GRANT USAGE ON *.* TO `shop`@`localhost` IDENTIFIED VIA unix_socket",
        "GRANT ALL PRIVILEGES ON `shop\\_data`.* TO `shop`@`localhost`",
    ]
    assert rights(READER, HASH, []) == [
        f"GRANT USAGE ON *.* TO `reader`@`192.0.2.20` IDENTIFIED BY PASSWORD '{HASH}'",
    ]


def test_nothing_there_is_all_made() -> None:
    work = plan([util(collation="utf8mb4_bin")], Found(), {})
    assert work.sentences == ["database util made (utf8mb4, utf8mb4_bin)", "account util@localhost made"]
    assert work.statements == [
        "CREATE DATABASE `util` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;",
        "CREATE OR REPLACE USER 'util'@'localhost' IDENTIFIED VIA unix_socket;",
        "GRANT ALL PRIVILEGES ON `util`.* TO `util`@`localhost`;",
    ]
    assert work.memory == RECORD


def test_nothing_is_done_where_all_is_well() -> None:
    work = plan([util()], found("util", util=GOOD[::-1]), RECORD)
    assert (work.sentences, work.statements, work.memory) == ([], [], RECORD)


@pytest.mark.parametrize(
    ("entry", "server", "sentence"),
    [
        (util(charset="latin1"), found("util", util=GOOD), "new tables of database util get latin1"),
        (
            util(collation="utf8mb4_bin"),
            found("util", util=GOOD),
            "new tables of database util get utf8mb4, utf8mb4_bin",
        ),
        (util(), found("util", util=GOOD[:1]), "account util@localhost has rights on util only"),
        (
            util(),
            found("util", util=[*GOOD, "GRANT SELECT ON `mysql`.* TO `util`@`localhost`"]),
            "account util@localhost has rights on util only",
        ),
        (
            util(),
            found("util", util=["GRANT USAGE ON *.* TO `util`@`localhost` IDENTIFIED BY PASSWORD 'x'", GOOD[1]]),
            "account util@localhost is let in as the system user of that name",
        ),
        (
            util(hash=HASH),
            found("util", util=["GRANT USAGE ON *.* TO `util`@`localhost` IDENTIFIED BY PASSWORD 'x'", GOOD[1]]),
            "account util@localhost has another password",
        ),
    ],
)
def test_what_differs_is_changed(entry: Database, server: Found, sentence: str) -> None:
    assert plan([entry], server, RECORD).sentences == [sentence]


def test_no_sentence_has_a_password_or_its_hash() -> None:
    work = plan([util(hash=HASH)], found("util", util=GOOD), RECORD)
    assert HASH not in "".join(work.sentences)
    assert HASH in "".join(work.statements)


def test_shared_account_has_rights_on_all_its_databases() -> None:
    work = plan([util(), util(name="more")], found("util", "more", util=GOOD), RECORD)
    assert work.sentences == ["account util@localhost has rights on util, more only"]
    assert len(work.statements) == 3


def test_account_of_an_administrator_is_not_taken_over() -> None:
    strong = ["GRANT ALL PRIVILEGES ON *.* TO `util`@`localhost` IDENTIFIED VIA unix_socket WITH GRANT OPTION"]
    (problem,) = plan([util()], found("util", util=strong), {}).problems
    assert problem.startswith("database 'util': the server has an account util@localhost with rights on the whole serv")
    assert plan([util(present=False)], found("util", util=strong), {}).statements == []
    assert plan([util()], found("util", util=strong), RECORD).problems == []


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        (util(charset="utf9"), "utf9"),
        (util(collation="utf8mb4_bit"), "utf8mb4_bit"),
        (util(collation="latin1_bin"), "latin1_bin"),
    ],
)
def test_collation_that_the_server_has_not_got(entry: Database, wrong: str) -> None:
    (problem,) = plan([entry], found(), {}).problems
    assert problem == f"database 'util': this server has no character set or collation '{wrong}'."


@pytest.mark.parametrize(
    ("remove_data", "sentences", "memory"),
    [
        (False, ["account util@localhost removed"], {"util": {"user": "", "host": "", "made": True}}),
        (True, ["database util removed with all its data", "account util@localhost removed"], {}),
    ],
)
def test_absent_entry(remove_data: bool, sentences: list[str], memory: dict[str, Any]) -> None:
    work = plan([util(present=False)], found("util", util=GOOD), RECORD, remove_data=remove_data)
    assert (work.sentences, work.memory) == (sentences, memory)


def test_absent_entry_that_is_gone() -> None:
    assert plan([util(present=False)], found(), {}, remove_data=True) == Work()


def test_entry_with_another_account_leaves_the_former_one() -> None:
    server = Found(databases={"util": ("utf8mb4", "")}, accounts={UTIL: GOOD}, collations=COLLATIONS)
    work = plan([util(account=READER, hash=HASH)], server, RECORD)
    assert work.sentences == ["account reader@192.0.2.20 made", "account util@localhost removed"]
    assert work.memory["util"]["user"] == "reader"


def test_account_stays_while_another_entry_needs_it() -> None:
    server = found("util", "more", util=rights(UTIL, "", ["util", "more"]))
    work = plan([util(present=False), util(name="more")], server, RECORD)
    assert work.sentences == ["account util@localhost has rights on more only"]


@pytest.mark.parametrize(
    ("purge", "remove_data", "sentences", "orphans"),
    [
        (False, False, [], ["util"]),
        (False, True, [], ["util"]),
        (True, False, ["account util@localhost removed"], []),
        (True, True, ["database util removed with all its data", "account util@localhost removed"], []),
    ],
)
def test_entry_that_nobody_mentions(purge: bool, remove_data: bool, sentences: list[str], orphans: list[str]) -> None:
    work = plan([], found("util", util=GOOD), RECORD, purge=purge, remove_data=remove_data)
    assert (work.sentences, work.orphans) == (sentences, orphans)


def test_database_that_was_there_before_is_not_purged() -> None:
    taken = plan([util()], found("util"), {}).memory
    work = plan([], found("util", util=GOOD), taken, purge=True, remove_data=True)
    assert work.sentences == ["account util@localhost removed"]


def test_house_is_kept() -> None:
    server = Found(
        databases={"test": ("utf8mb4", "")},
        accounts=dict.fromkeys((ROOT, Account("root", "%"), Account("", "localhost"), UTIL), ()),
        root_by_socket=False,
        anybody=True,
    )
    assert plan([], server, {}).sentences == [
        "root is let in by the socket alone",
        "account root@% removed",
        "account of anybody@localhost removed",
        "rights of anybody removed",
        "database test removed",
    ]


def test_database_test_with_tables_stays() -> None:
    work = plan([], Found(databases={"test": ("", "")}, test_tables=1), {})
    assert work.statements == []
    assert len(work.warnings) == 1
