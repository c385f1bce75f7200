# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Databases and accounts on a MariaDB server; see modules/databases.py. This module is private to the collection."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _mariadb
from ansible_collections.barehost.web.plugins.module_utils._databases_plan import ROOT, Account, Database, Found, plan
from ansible_collections.barehost.web.plugins.module_utils._host import Answer
from ansible_collections.barehost.web.plugins.module_utils._lock import lock
from ansible_collections.barehost.web.plugins.module_utils._marks import STATE, private_folder

_FOLDER = STATE / "mariadb"
_MEMORY = _FOLDER / "made.json"
_LOCK_SECONDS = 60

_LOOK = """
SELECT 'database', SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA;
SELECT 'account', User, Host,
  JSON_VALUE(Priv, '$.plugin') = 'unix_socket' AND COALESCE(JSON_LENGTH(Priv, '$.auth_or'), 1) = 1
  FROM mysql.global_priv WHERE NOT JSON_EXISTS(Priv, '$.is_role');
SELECT 'anybody', COUNT(*) FROM mysql.db WHERE User = '';
SELECT 'tables', COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'test';
SELECT 'collation', FULL_COLLATION_NAME, CHARACTER_SET_NAME
  FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY;
"""


def _look(asked: Iterable[Account]) -> Found:
    """Ask the server for everything, and for the rights of some accounts."""
    rows: dict[str, list[list[str]]] = {}
    for kind, *row in _mariadb.query(_LOOK):
        rows.setdefault(kind, []).append(row)
    by_socket = {Account(user, host): only == "1" for user, host, only in rows["account"]}
    there = [account for account in asked if account in by_socket]
    rights: dict[Account, list[str]] = {account: [] for account in by_socket}
    if there:
        questions = (f"SELECT {index};\nSHOW GRANTS FOR {account.sql};" for index, account in enumerate(there))
        current = there[0]
        for (line,) in _mariadb.query("\n".join(questions)):
            if line.isdigit():
                current = there[int(line)]
            else:
                rights[current].append(line)
    return Found(
        databases={row[0]: (row[1], row[2]) for row in rows["database"]},
        accounts=rights,
        root_by_socket=by_socket.get(ROOT, True),
        anybody=rows["anybody"] != [["0"]],
        test_tables=int(rows["tables"][0][0]),
        collations={row[0]: row[1] for row in rows["collation"]},
    )


def _read() -> dict[str, dict[str, Any]]:
    """What was made here, by entry."""
    try:
        loaded: dict[str, dict[str, Any]] = json.loads(_MEMORY.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return loaded


def _remember(memory: Mapping[str, Any], path: Path = _MEMORY) -> None:
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(memory, indent=1, sort_keys=True), encoding="utf-8")
    fresh.replace(path)


def _work(options: Mapping[str, Any], *, check: bool) -> Answer:
    wanted = [
        Database(
            name=entry["name"],
            account=Account(entry["user"], entry["host"]),
            present=entry["present"],
            hash=entry["hash"],
            charset=entry["charset"],
            collation=entry["collation"],
        )
        for entry in options["databases"]
    ]
    memory = _read()
    silent = _mariadb.answers(0 if check else options["timeout"])
    if silent and not check:
        raise _mariadb.ServerError(f"MariaDB does not answer: {silent}")
    remembered = [Account(record["user"], record["host"]) for record in memory.values() if record["user"]]
    found = Found() if silent else _look(dict.fromkeys([*(entry.account for entry in wanted), *remembered]))
    work = plan(wanted, found, {} if silent else memory, purge=options["purge"], remove_data=options["remove_data"])
    if work.problems:
        problems = "\n".join(f"- {problem}" for problem in work.problems)
        raise _mariadb.ServerError(f"No database was changed:\n{problems}")
    if not check:
        _mariadb.forget_first_start()
        if work.memory != memory:
            # Until all is done both is ours: a killed run forgets nothing.
            _remember(_both(memory, work.memory))
        if work.statements:
            _mariadb.query("\n".join(work.statements))
        if work.memory != memory:
            _remember(work.memory)
    warnings = [*work.warnings, *([f"{silent}: nothing could be compared."] if silent and memory else [])]
    if work.orphans:
        warnings.append(
            f"The accounts of {', '.join(work.orphans)} stay although no entry names them any more. "
            "Set mariadb_purge: true to remove them."
        )
    diff = {"prepared": "".join(f"{sentence}\n" for sentence in work.sentences)}
    result = {"changed": bool(work.sentences), "changes": work.sentences, "orphans": work.orphans, "diff": diff}
    return Answer(result, warnings)


def _both(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Remember what was made before where an account is about to change: it is the old one that may have to go."""
    return {**after, **before}


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.databases."""
    if check:
        return _work(options, check=True)
    private_folder(_FOLDER)
    with lock(_FOLDER / "databases.lock", _LOCK_SECONDS):
        return _work(options, check=False)
