# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What has to be done on a MariaDB server; pure. This module is private to the collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_OWN_DATABASES = frozenset({"information_schema", "mysql", "performance_schema", "sys"})
_LOCAL = "localhost"
#: What an account without any right on the whole server has.
_NO_RIGHT = "GRANT USAGE ON *.* TO "


class Account(NamedTuple):
    """An account, as the server tells one from another."""

    user: str
    host: str

    def __str__(self) -> str:
        return f"{self.user}@{self.host}"

    @property
    def sql(self) -> str:
        """The account in a statement."""
        return f"{text(self.user)}@{text(self.host)}"

    @property
    def shown(self) -> str:
        """The account in the server's own words."""
        return f"{name(self.user)}@{name(self.host)}"


ROOT = Account("root", _LOCAL)


@dataclass(frozen=True)
class Database:
    """What an entry of the model wants."""

    name: str
    account: Account
    present: bool = True
    #: What the server keeps of the password; empty for an account without one.
    hash: str = ""
    charset: str = "utf8mb4"
    collation: str = ""


@dataclass(frozen=True)
class Found:
    """What is on the server."""

    #: Character set and collation of each database.
    databases: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    #: What the server says of the rights of each account; of those that nobody asks for it says nothing.
    accounts: Mapping[Account, Sequence[str]] = field(default_factory=dict)
    #: Whether the socket alone lets root in.
    root_by_socket: bool = True
    #: Whether anybody at all has rights on databases that are called like a test.
    anybody: bool = False
    #: Tables of the database ``test``.
    test_tables: int = 0
    #: The character set of each collation that the server has; none where nobody has asked.
    collations: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Work:
    """What has to be done, and what is to be remembered afterwards."""

    sentences: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    memory: dict[str, dict[str, Any]] = field(default_factory=dict)
    orphans: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def do(self, sentence: str, *statements: str) -> None:
        """Add a change."""
        self.sentences.append(sentence)
        self.statements += statements


def name(word: str) -> str:
    """A name in a statement."""
    return "`" + word.replace("`", "``") + "`"


def text(word: str) -> str:
    """A text in a statement."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def pattern(database: str) -> str:
    """A database in a grant, where ``_`` stands for any character unless it says otherwise."""
    return name(database.replace("_", "\\_"))


def rights(account: Account, password_hash: str, databases: Iterable[str]) -> list[str]:
    """What the server says of an account that is as it is wanted."""
    by = f"BY PASSWORD '{password_hash}'" if password_hash else "VIA unix_socket"
    whole = f"{_NO_RIGHT}{account.shown} IDENTIFIED {by}"
    return [whole, *(f"GRANT ALL PRIVILEGES ON {pattern(one)}.* TO {account.shown}" for one in sorted(databases))]


def _remembered(memory: Mapping[str, Mapping[str, Any]], entry: str) -> Account | None:
    record = memory.get(entry)
    return Account(record["user"], record["host"]) if record and record["user"] else None


def plan(
    wanted: Sequence[Database],
    found: Found,
    memory: Mapping[str, Mapping[str, Any]],
    *,
    purge: bool = False,
    remove_data: bool = False,
) -> Work:
    """Compare what is wanted with what is there.

    :param memory: by entry, the account that was made for it, and whether the database was.
    """
    work = Work()
    present = [entry for entry in wanted if entry.present]
    for entry in present:
        _database(entry, found, work)
        made = entry.name not in found.databases or bool(memory.get(entry.name, {}).get("made"))
        work.memory[entry.name] = {"user": entry.account.user, "host": entry.account.host, "made": made}
    _accounts(present, found, memory, work)
    _house(found, work)
    kept = {entry.account for entry in present}
    leaving = {entry.name: entry.account for entry in wanted if not entry.present}
    gone: dict[Account, None] = {}
    for entry in present:
        if (before := _remembered(memory, entry.name)) and before != entry.account:
            gone[before] = None
    for entry_name, account in leaving.items():
        gone[_remembered(memory, entry_name) or account] = None
        _leave(entry_name, found, memory, work, drop=remove_data)
    for entry_name in sorted({*memory} - {entry.name for entry in wanted}):
        orphan = _remembered(memory, entry_name)
        if not purge:
            work.memory[entry_name] = dict(memory[entry_name])
            kept |= {orphan} if orphan else set()
            work.orphans += [entry_name] if orphan in found.accounts else []
            continue
        gone |= {orphan: None} if orphan else {}
        _leave(entry_name, found, memory, work, drop=remove_data and bool(memory[entry_name]["made"]))
    ours = {_remembered(memory, entry_name) for entry_name in memory}
    for account in gone:
        if account in found.accounts and account not in kept and (account in ours or _harmless(account, found)):
            work.do(f"account {account} removed", f"DROP USER {account.sql};")
    return work


def _database(entry: Database, found: Found, work: Work) -> None:
    if found.collations and not _known(entry, found):
        wrong = entry.collation or entry.charset
        work.problems.append(f"database '{entry.name}': this server has no character set or collation '{wrong}'.")
    collate = f" COLLATE {entry.collation}" if entry.collation else ""
    described = f"{entry.charset}, {entry.collation}" if entry.collation else entry.charset
    there = found.databases.get(entry.name)
    tail = f"{name(entry.name)} CHARACTER SET {entry.charset}{collate};"
    if there is None:
        work.do(f"database {entry.name} made ({described})", f"CREATE DATABASE {tail}")
    elif there[0] != entry.charset or (entry.collation and there[1] != entry.collation):
        work.do(f"new tables of database {entry.name} get {described}", f"ALTER DATABASE {tail}")


def _known(entry: Database, found: Found) -> bool:
    if entry.collation:
        return found.collations.get(entry.collation) == entry.charset
    return entry.charset in found.collations.values()


def _accounts(present: Sequence[Database], found: Found, memory: Mapping[str, Mapping[str, Any]], work: Work) -> None:
    ours = {_remembered(memory, entry) for entry in memory}
    by_account: dict[Account, list[Database]] = {}
    for entry in present:
        by_account.setdefault(entry.account, []).append(entry)
    for account, entries in by_account.items():
        want = rights(account, entries[0].hash, [entry.name for entry in entries])
        there = found.accounts.get(account)
        if there is None:
            work.do(f"account {account} made", *_make(account, want))
        elif sorted(there) == sorted(want):
            continue
        elif account not in ours and not _harmless(account, found):
            work.problems.append(
                f"database '{entries[0].name}': the server has an account {account} with rights on the whole server, "
                "which this collection did not make. Give the entry another 'user'."
            )
        elif there[:1] != want[:1]:
            how = "has another password" if entries[0].hash else "is let in as the system user of that name"
            work.do(f"account {account} {how}", *_make(account, want))
        else:
            work.do(f"account {account} has rights on {', '.join(e.name for e in entries)} only", *_make(account, want))


def _make(account: Account, want: Sequence[str]) -> list[str]:
    """Make an account from the server's own words for it; one that is there is replaced with all its rights."""
    how = want[0].rpartition(" IDENTIFIED ")[2]
    return [f"CREATE OR REPLACE USER {account.sql} IDENTIFIED {how};", *(f"{grant};" for grant in want[1:])]


def _harmless(account: Account, found: Found) -> bool:
    """Tell whether an account has no right on the whole server."""
    return not any(" ON *.* " in grant and not grant.startswith(_NO_RIGHT) for grant in found.accounts[account])


def _house(found: Found, work: Work) -> None:
    """What no server should have."""
    if not found.root_by_socket:
        work.do("root is let in by the socket alone", f"ALTER USER {ROOT.sql} IDENTIFIED VIA unix_socket;")
    for account in found.accounts:
        if not account.user or (account.user == ROOT.user and account != ROOT):
            work.do(f"account {account.user or 'of anybody'}@{account.host} removed", f"DROP USER {account.sql};")
    if found.anybody:
        work.do("rights of anybody removed", "DELETE FROM mysql.db WHERE User = '';", "FLUSH PRIVILEGES;")
    if "test" in found.databases and not found.test_tables:
        work.do("database test removed", "DROP DATABASE test;")
    elif "test" in found.databases:
        work.warnings.append("The database test has tables, and stays. Move them to another one, and drop it.")


def _leave(entry: str, found: Found, memory: Mapping[str, Mapping[str, Any]], work: Work, *, drop: bool) -> None:
    """Remove the database of an entry, or remember that it stays."""
    if entry in found.databases and entry not in _OWN_DATABASES and drop:
        work.do(f"database {entry} removed with all its data", f"DROP DATABASE {name(entry)};")
    elif entry in found.databases and entry in memory and memory[entry]["made"]:
        work.memory[entry] = {"user": "", "host": "", "made": True}
