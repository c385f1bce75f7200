#!/usr/bin/python3
# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Back up and restore the WordPresses of this host: database, uploads, keys and the password that was made here.

    wordpress_backup.py backup NAME…       (or --all)
    wordpress_backup.py restore NAME ARCHIVE
    wordpress_backup.py verify ARCHIVE…
    wordpress_backup.py list [NAME…]
    wordpress_backup.py repair [NAME…]     finishes, or takes back, a restore that was killed

An archive is a tar.gz, because gzip is in every Python and opens everywhere. What it holds is listed with checksums in
MANIFEST.json, its last member: an archive without one was never finished. It holds what opens the site (hashes of
passwords, addresses of people, keys), so only root can read it.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import fcntl
import gzip
import hashlib
import json
import os
import pwd
import re
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Protocol

PRODUCT, FORMAT = "WordPress of barehost.web", 1
MANIFEST, DATABASE, MEDIA = "MANIFEST.json", "database.sql", "media"
PASSWORD, KEYS = "secrets/password", "secrets/keys.php"
#: The table that no WordPress is without.
OPTIONS = "wp_options"
SCHEDULED, BEFORE_RESTORE = "scheduled", "before-restore"
SERVER = "/run/mysqld/mysqld.sock"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
_TIME = "%Y%m%dT%H%M%SZ"
_ARCHIVE = re.compile(r"([0-9]{8}T[0-9]{6}Z)(?:-(scheduled|before-restore))?\.tar\.gz")
_UNFINISHED = ".unfinished-"
_KEY_LINE = re.compile(r"define\('[A-Z_]{1,40}', '[^'\\\x00-\x1f]{0,200}'\);")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"\$wp_version\s*=\s*'([^']+)'")
_TABLES_VERSION = re.compile(r"\$wp_db_version\s*=\s*(\d+)")
_CHUNK = 1 << 20
_KIBI = 1024
_LARGEST_MANIFEST = 1 << 29
_LARGEST_SECRET = 1 << 14
_LEVEL = 4
_LOCK_SECONDS = 600
_RENAME_SECONDS = 30
_PAGE_SECONDS = 10.0
_PAGE_LOOK = 0.1
_COMMAND_SECONDS = 300
_PROGRESS_SECONDS = 2.0
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_DAMAGE = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError)


class RefusedError(Exception):
    """Why something is not done, and the way out."""


class Source(Protocol):
    """What bytes are read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Give at most so many, nothing at the end."""


def say(text: str) -> None:
    """Tell the user what was done."""
    sys.stdout.write(text.encode(errors="backslashreplace").decode() + "\n")
    sys.stdout.flush()


def size_of(count: float) -> str:
    """Write a number of bytes for people."""
    units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while count >= _KIBI and len(units) > 1:
        count /= _KIBI
        del units[0]
    return f"{count:.0f} {units[0]}" if units[0] == "bytes" else f"{count:.1f} {units[0]}"


class Progress:
    """Says from time to time how far things are, to somebody who watches."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._bytes = self._count = 0
        self._watched = sys.stderr.isatty()
        self._next = time.monotonic() + _PROGRESS_SECONDS

    def more(self, size: int, count: int = 0) -> None:
        """Count what was done."""
        self._bytes += size
        self._count += count
        if self._watched and time.monotonic() >= self._next:
            self._next = time.monotonic() + _PROGRESS_SECONDS
            sys.stderr.write(f"{self._doing}: {self._count} members, {size_of(self._bytes)}\n")


# --- the installation ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """One installation, and where everything of it is."""

    name: str
    root: Path = Path("/")

    @property
    def settings(self) -> Path:
        """What the host was told of it: its address, and the folder of its code."""
        return self.root / "etc/wordpress" / f"{self.name}.cron.json"

    @property
    def keys(self) -> Path:
        """The keys of its cookies, which some plugins also encrypt their settings with."""
        return self.root / "etc/wordpress" / f"{self.name}.keys.php"

    @property
    def password(self) -> Path:
        """The password of the first user, if it was made here."""
        return self.root / "etc/barehost/wordpress" / f"{self.name}.password"

    @property
    def begun(self) -> Path:
        """Is there while an installation is not finished; the next one empties the database then."""
        return self.root / "var/lib/barehost/wordpress" / self.name

    @property
    def journal(self) -> Path:
        """What a restore has got to."""
        return self.root / "var/lib/barehost/restore" / f"{self.name}.json"

    @property
    def home(self) -> Path:
        """The folder of the installation, root's own."""
        return self.root / "srv" / self.name

    @property
    def media(self) -> Path:
        """The uploads."""
        return self.home / "media"

    @property
    def scratch(self) -> Path:
        """Where a restore unpacks, beside what it replaces; nobody else can look inside."""
        return self.home / "restore"

    @property
    def archives(self) -> Path:
        """Where backups are kept."""
        return self.root / "var/backups/barehost" / self.name

    @property
    def incoming(self) -> str:
        """The database that a restore loads into. No entry can have a name with a colon."""
        return f"restore:{self.name}"

    @property
    def replaced(self) -> str:
        """The database that the old tables go to."""
        return f"replaced:{self.name}"

    def about(self) -> dict[str, str]:
        """Read what the host was told of it."""
        try:
            known: dict[str, str] = json.loads(self.settings.read_text(encoding="utf-8"))
        except FileNotFoundError:
            there = ", ".join(names(self.root)) or "none at all"
            raise RefusedError(
                f"there is no WordPress '{self.name}' on this host, there is {there}. "
                "Add it to web_wordpress and run site.yml first."
            ) from None
        return known

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others away: one backup or restore at a time. The kernel frees the lock of a process that dies."""
        self.archives.mkdir(mode=0o700, parents=True, exist_ok=True)
        until = time.monotonic() + _LOCK_SECONDS
        with (self.archives / ".lock").open("a") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= until:
                        minutes = _LOCK_SECONDS // 60
                        raise RefusedError(
                            f"another backup or restore of it has been at work for {minutes} minutes. Wait for its end."
                        ) from None
                    time.sleep(0.2)
            yield


def names(root: Path = Path("/")) -> list[str]:
    """Name the installations of this host."""
    return sorted(path.name.removesuffix(".cron.json") for path in (root / "etc/wordpress").glob("*.cron.json"))


@dataclass(frozen=True)
class Archive:
    """A finished archive of an installation, as its name tells."""

    path: Path
    when: str
    kind: str

    @classmethod
    def at(cls, path: Path) -> Archive | None:
        """Read the name of a file; None if this program gives no such name."""
        found = _ARCHIVE.fullmatch(path.name)
        return cls(path, found[1], found[2] or "by hand") if found else None


def archives(site: Site) -> list[Archive]:
    """List the finished archives of an installation, the oldest first.

    Names are told by the clock of the host. One that lies in the future is of a clock that was ahead: older than now.
    """
    there = site.archives.iterdir() if site.archives.is_dir() else ()
    found = [archive for path in there if path.is_file() and (archive := Archive.at(path))]
    now = time.strftime(_TIME, time.gmtime())
    return sorted(found, key=lambda archive: (archive.when <= now, archive.when, archive.kind))


def choose(site: Site, wanted: str) -> Path:
    """Find the archive that somebody names: `latest`, the name of one that is here, or a path."""
    there = archives(site)
    if wanted == "latest":
        # What a restore has put aside is what was not wanted.
        usual = [archive for archive in there if archive.kind != BEFORE_RESTORE]
        if usual:
            return usual[-1].path
        raise RefusedError(f"{site.archives} has no archive. Make one with 'backup', or name a file.")
    path = Path(wanted) if "/" in wanted else site.archives / wanted
    if path.is_file():
        return path
    known = ", ".join(archive.path.name for archive in there) or "no archive"
    raise RefusedError(f"there is no file {path}. {site.archives} has {known}.")


def surplus(there: Sequence[Archive], keep: int, made: Path | None = None) -> list[Archive]:
    """Choose what goes when so many are kept: the oldest of those that a timer has made, nothing else.

    :param made: what has just been made, which is the newest whatever the clock says.
    """
    scheduled = [archive for archive in there if archive.kind == SCHEDULED and archive.path != made]
    most = max(keep - (made is not None), 0)
    return scheduled[: max(len(scheduled) - most, 0)]


# --- the manifest ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Member:
    """What the manifest says of a file."""

    size: int
    sha256: str


@dataclass
class Manifest:
    """What an archive holds, and of what."""

    name: str
    address: str
    wordpress: str
    tables_version: int
    host: str
    time: str
    tables: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    folders: dict[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """Write it."""
        return json.dumps({"product": PRODUCT, "format": FORMAT, **asdict(self)}, indent=1)

    @property
    def media_size(self) -> int:
        """Bytes of all uploads."""
        return sum(member.size for name, member in self.members.items() if name.startswith(f"{MEDIA}/"))


def read_manifest(text: bytes) -> Manifest:
    """Read a manifest.

    :raises RefusedError: it is none of this program, or of a newer one.
    """
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("product") != PRODUCT:
            raise RefusedError("it is no backup of a WordPress: its manifest is another program's. Name another file.")
        if found["format"] != FORMAT:
            raise RefusedError(
                f"it has format {found['format']}, this program knows {FORMAT}. Update the collection and run site.yml."
            )
        manifest = Manifest(**{key: value for key, value in found.items() if key not in {"product", "format"}})
        members = {name: Member(**member) for name, member in found["members"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RefusedError("its manifest is damaged. Take another archive.") from error
    manifest.members = members
    _check_manifest(manifest)
    return manifest


def _check_manifest(manifest: Manifest) -> None:
    words = [manifest.name, manifest.address, manifest.wordpress, manifest.host, manifest.time]
    lists = [*manifest.tables, *manifest.left_out]
    members = manifest.members.values()
    right = (
        all(isinstance(word, str) for word in [*words, *lists])
        and isinstance(manifest.tables_version, int)
        and all(isinstance(mode, int) for mode in manifest.folders.values())
        and all(isinstance(member.size, int) and member.size >= 0 for member in members)
        and all(isinstance(member.sha256, str) and _SHA256.fullmatch(member.sha256) for member in members)
    )
    if not right:
        raise RefusedError("its manifest is damaged. Take another archive.")


# --- writing an archive ----------------------------------------------------------------------------------------------


class Counted:
    """Reads from a source, and knows the checksum of what went by."""

    def __init__(self, source: Source, tell: Callable[[int], None] = lambda _size: None) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self._tell = tell
        self.size = 0

    def read(self, size: int = -1, /) -> bytes:
        """Give at most so many bytes."""
        piece = self._source.read(size)
        self._digest.update(piece)
        self.size += len(piece)
        self._tell(len(piece))
        return piece

    @property
    def member(self) -> Member:
        """What was read."""
        return Member(self.size, self._digest.hexdigest())


class Writer:
    """Writes an archive, and notes for the manifest what went into it."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest, progress: Progress) -> None:
        self.manifest = manifest
        self._progress = progress
        self._tar = tar

    def add(self, name: str, source: Source, size: int, *, mode: int = 0o600, changed: int = 0) -> None:
        """Add a file; of one that grows meanwhile, what it was."""
        counted = Counted(source, self._progress.more)
        self.put(name, counted, size, mode=mode, changed=changed)
        self.manifest.members[name] = counted.member
        self._progress.more(0, 1)

    def put(self, name: str, source: Source, size: int, *, mode: int, changed: int) -> None:
        """Add a file that the manifest does not know."""
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, mode, changed
        self._tar.addfile(info, source)

    def folder(self, name: str, mode: int) -> None:
        """Add a folder, which may be empty."""
        info = tarfile.TarInfo(name)
        info.type, info.mode = tarfile.DIRTYPE, mode
        self._tar.addfile(info)
        self.manifest.folders[name] = mode


@contextlib.contextmanager
def writing(file: IO[bytes], manifest: Manifest, progress: Progress) -> Iterator[Writer]:
    """Write an archive; its manifest comes last, so that one that breaks off has none."""
    with (
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=_LEVEL) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8") as tar,
    ):
        writer = Writer(tar, manifest, progress)
        yield writer
        text = manifest.text().encode()
        writer.put(MANIFEST, BytesIO(text), len(text), mode=0o600, changed=int(time.time()))


def add_media(writer: Writer, top: Path) -> None:
    """Add the uploads as they are now. What vanishes meanwhile is in no manifest; what is no file is left out.

    Nothing is followed anywhere: whoever owns the uploads could lead root to other people's files.
    """
    for folder, subfolders, files, handle in os.fwalk(top, onerror=_unless_gone):
        inside = os.path.relpath(folder, top)
        prefix = MEDIA if inside == "." else f"{MEDIA}/{inside}"
        writer.folder(prefix, stat.S_IMODE(os.fstat(handle).st_mode) & 0o777)
        subfolders.sort()
        for name in sorted([*files, *_links(subfolders, handle)]):
            _add_upload(writer, f"{prefix}/{name}", name, handle)


def _unless_gone(error: OSError) -> None:
    """A folder that cannot be read must not look like one that is empty."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _links(subfolders: Iterable[str], handle: int) -> list[str]:
    """Give those that are no folders but lead to one."""
    found = []
    for name in subfolders:
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISLNK(os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode):
                found.append(name)
    return found


def _add_upload(writer: Writer, member: str, name: str, handle: int) -> None:
    try:
        # Without waiting for the other end of a pipe.
        opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=handle)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENXIO}:
            raise
        writer.manifest.left_out.append(f"{member}, which is no file")
        return
    with os.fdopen(opened, "rb") as file:
        info = os.fstat(opened)
        if not stat.S_ISREG(info.st_mode):
            writer.manifest.left_out.append(f"{member}, which is no file")
            return
        try:
            writer.add(member, file, info.st_size, mode=info.st_mode & 0o777, changed=int(info.st_mtime))
        except tarfile.ReadError as error:
            raise RefusedError(f"{member} became shorter while it was read. Try again.") from error


# --- reading an archive ----------------------------------------------------------------------------------------------

Receive = Callable[[tarfile.TarInfo, Counted], None]


def drain(source: Counted) -> None:
    """Read a file to its end."""
    while source.read(_CHUNK):
        pass


def inspect(info: tarfile.TarInfo, source: Counted) -> None:
    """Look at what goes live as it is: the keys are PHP, and must not do anything else than define keys."""
    if info.name in {KEYS, PASSWORD}:
        lines = source.read(_LARGEST_SECRET).decode(errors="replace").splitlines()
        right = len(lines) == 1 if info.name == PASSWORD else all(map(_KEY_LINE.fullmatch, lines[1:]))
        if not right or source.read(1) or (info.name == KEYS and lines[:1] != ["<?php"]):
            raise RefusedError(f"{info.name!r} in it is not what this program writes. Take another archive.")


class _Guarded:
    """Reads from an archive; what is wrong with it is a refusal."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, size: int = -1, /) -> bytes:
        """Give at most so many bytes."""
        try:
            return self._source.read(size)
        except _DAMAGE as error:
            raise RefusedError(f"it is damaged ({error}). Take another archive.") from error


def read_archive(file: IO[bytes], receive: Receive = inspect) -> Manifest:
    """Read an archive from its beginning to its end, and hand each file of it to somebody.

    :raises RefusedError: it is damaged, or not one of ours. Whoever has received something has to throw it away.
    """
    file.seek(0)
    found: dict[str, Member] = {}
    folders: dict[str, int] = {}
    text = b""
    packed = gzip.GzipFile(fileobj=file, mode="rb")
    try:
        with tarfile.open(fileobj=packed, mode="r|", encoding="utf-8") as tar:
            while (info := tar.next()) is not None:
                # tarfile would keep all of them.
                vars(tar)["members"].clear()
                if text:
                    raise RefusedError(f"something follows the manifest: {info.name!r}. Take another archive.")
                _check_member(info, folders, found)
                if info.isdir():
                    folders[info.name] = info.mode
                    continue
                counted = Counted(_Guarded(tar.extractfile(info) or BytesIO()))
                if info.name == MANIFEST:
                    text = counted.read(_LARGEST_MANIFEST)
                else:
                    _hand_over(info, counted, receive)
                    found[info.name] = counted.member
        # The checksum of gzip is behind all of it.
        while rest := packed.read(_CHUNK):
            if rest.strip(b"\0"):
                raise RefusedError("it is damaged: there is more after its end. Take another archive.")
    except _DAMAGE as error:
        raise RefusedError(f"it is damaged, or no archive of this program ({error}). Take another one.") from error
    if not text:
        raise RefusedError("it has no manifest: it was cut off, or another program made it. Take another one.")
    manifest = read_manifest(text)
    _compare(manifest, found, folders)
    return manifest


def _hand_over(info: tarfile.TarInfo, source: Counted, receive: Receive) -> None:
    try:
        receive(info, source)
    except OSError as error:
        reason = error.strerror or error
        raise RefusedError(f"{info.name!r} in it cannot be unpacked: {reason}. {_way_out(error)}") from error
    drain(source)


def _check_member(info: tarfile.TarInfo, folders: Mapping[str, int], found: Mapping[str, Member]) -> None:
    """Refuse what this program never writes, before anything is done with it."""
    name = info.name
    if info.type not in {tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE} or info.sparse is not None:
        raise RefusedError(
            f"{name!r} in it is neither a file nor a folder. Take an archive that this program has made."
        )
    parts = name.split("/")
    if "\0" in name or any(part in {"", ".", ".."} for part in parts):
        raise RefusedError(f"{name!r} in it leads elsewhere. Take an archive that this program has made.")
    inside = parts[0] == MEDIA and (info.isdir() or len(parts) > 1)
    if not inside and (info.isdir() or name not in {MANIFEST, DATABASE, PASSWORD, KEYS}):
        raise RefusedError(f"{name!r} in it is not known. Take an archive that this program has made.")
    above = "/".join(parts[:-1])
    if name in found or name in folders or (inside and above and above not in folders):
        raise RefusedError(f"{name!r} in it is there twice, or in no folder. Take another archive.")


def _compare(manifest: Manifest, found: Mapping[str, Member], folders: Mapping[str, int]) -> None:
    missing = sorted({*manifest.members, *manifest.folders} - {*found, *folders})
    more = sorted({*found, *folders} - {*manifest.members, *manifest.folders})
    wrong = sorted(name for name, member in found.items() if manifest.members.get(name, member) != member)
    for names_of, what in ((missing, "is missing"), (more, "is not in the manifest"), (wrong, "is not what it was")):
        if names_of:
            count = f" (and {len(names_of) - 1} more)" if len(names_of) > 1 else ""
            raise RefusedError(f"{names_of[0]!r} in it {what}{count}. Take another archive.")
    if DATABASE not in found:
        raise RefusedError("it holds no database. Take another archive.")


# --- the database ----------------------------------------------------------------------------------------------------


def name_of(word: str) -> str:
    """Write a name in a statement."""
    return "`" + word.replace("`", "``") + "`"


def text_of(word: str) -> str:
    """Write a text in a statement."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def account_of(user: str) -> str:
    """Write an account of this host in a statement."""
    return f"{text_of(user)}@'localhost'"


def renames(site: Site, old: Sequence[str], new: Sequence[str], there: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """Say which tables still have to move so that the new ones are live and the old ones are put aside.

    :param there: the tables that each of the three databases has now, wherever a killed restore has got to.
    """
    live, waiting = there[site.name], there[site.incoming]
    moves = []
    for table in sorted({*old, *new}):
        if table in live and (table in waiting or table not in new):
            moves.append((f"{name_of(site.name)}.{name_of(table)}", f"{name_of(site.replaced)}.{name_of(table)}"))
        if table in waiting:
            moves.append((f"{name_of(site.incoming)}.{name_of(table)}", f"{name_of(site.name)}.{name_of(table)}"))
    return moves


class Database:
    """The MariaDB server of this host, as root over its socket."""

    _OPTIONS = ("--no-defaults", "--protocol=socket", f"--socket={SERVER}", "--default-character-set=utf8mb4")

    def query(self, sql: str, **words: str) -> list[list[str]]:
        """Have the server do it; the rows of all answers. What it is to do is in no list of processes.

        :param words: texts that the statement calls ``@`` and their name; ``use`` is the database that it is about.
        """
        given = "".join(f"SET @{name} = {text_of(word)};\n" for name, word in words.items() if name != "use")
        given += f"USE {name_of(words['use'])};\n" if "use" in words else ""
        command = ["mariadb", *self._OPTIONS, "--user=root", "--batch", "--raw", "--skip-column-names"]
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "MYSQL_HISTFILE": "/dev/null"}
        script = f"SET SESSION sql_mode = '';\n{given}{sql}"
        try:
            done = subprocess.run(command, input=script, capture_output=True, text=True, check=False, env=environment)
        except FileNotFoundError as error:
            raise RefusedError(f"{error.filename} is not installed. Run site.yml first.") from error
        if done.returncode:
            raise RefusedError(f"MariaDB refuses: {done.stderr.strip()}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    def tables(self, database: str) -> dict[str, str]:
        """List what a database has, and of which kind each is."""
        sql = "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = @name;"
        return {row[0]: row[1] for row in self.query(sql, name=database)}

    def triggers(self, database: str) -> list[str]:
        """List the triggers of a database; tables that have some cannot move to another."""
        sql = "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = @name;"
        return [row[0] for row in self.query(sql, name=database)]

    def routines(self, database: str) -> list[str]:
        """List functions, procedures and events of a database."""
        sql = """
            SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = @name;
            SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = @name;
        """
        return [row[0] for row in self.query(sql, name=database)]

    def size(self, database: str) -> int:
        """Tell how many bytes the tables of a database take."""
        sql = """
            SELECT COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) FROM information_schema.TABLES
            WHERE TABLE_SCHEMA = @name;
        """
        return int(self.query(sql, name=database)[0][0])

    def version(self, database: str) -> int:
        """Tell which version of WordPress's tables a database has; 0 for none."""
        sql = "SELECT option_value FROM wp_options WHERE option_name = 'db_version';"
        rows = self.query(sql, use=database)
        return int(rows[0][0]) if rows and rows[0][0].isdigit() else 0

    def charset(self, database: str) -> tuple[str, str]:
        """Tell the character set and the collation of a database.

        :raises RefusedError: there is no such database.
        """
        sql = """
            SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA
            WHERE SCHEMA_NAME = @name;
        """
        rows = self.query(sql, name=database)
        if not rows:
            raise RefusedError("it has no database. Run site.yml first.")
        return rows[0][0], rows[0][1]

    def has_account(self, user: str) -> bool:
        """Tell whether there is an account for this host."""
        sql = "SELECT User FROM mysql.global_priv WHERE User = @name AND Host = 'localhost';"
        return bool(self.query(sql, name=user))

    def connections(self, user: str) -> int:
        """Count the connections of a user."""
        sql = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = @name;"
        return int(self.query(sql, name=user)[0][0])

    def dump(self, database: str, tables: Sequence[str], file: IO[bytes]) -> None:
        """Write tables of a database as they all are at one moment."""
        done = subprocess.run(
            [
                *("mariadb-dump", *self._OPTIONS, "--user=root", "--single-transaction", "--quick", "--hex-blob"),
                *("--skip-triggers", "--skip-dump-date", "--max-allowed-packet=1G", database, *tables),
            ],
            stdout=file,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode:
            raise RefusedError(f"mariadb-dump failed: {done.stderr.decode(errors='replace').strip()}")

    def load(self, site: Site, password: str, source: Source, who: pwd.struct_passwd) -> None:
        """Load a dump, with rights on its own database only: whatever it says cannot reach anything else."""
        with tempfile.TemporaryFile() as errors:
            loading = subprocess.Popen(
                # In binary mode the client takes nothing of its input for a command to itself, such as one of a shell.
                [
                    *("mariadb", *self._OPTIONS, f"--user={site.incoming}", "--batch", "--binary-mode"),
                    *("--max-allowed-packet=1G", site.incoming),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "MYSQL_PWD": password},
                user=who.pw_uid,
                group=who.pw_gid,
                extra_groups=[],
                cwd="/",
            )
            with loading:
                if loading.stdin is None:
                    raise RefusedError("mariadb takes no input")
                # It has ended; its exit status and what it said tell why.
                with contextlib.suppress(BrokenPipeError), loading.stdin:
                    shutil.copyfileobj(source, loading.stdin, _CHUNK)
            errors.seek(0)
            if loading.returncode:
                said = errors.read().decode(errors="replace").strip()
                raise RefusedError(f"MariaDB does not take its database: {said}")


# --- backup ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Content:
    """What goes into an archive, and where it is now."""

    database: str
    media: Path
    password: Path
    keys: Path


def code_version(site: Site) -> tuple[str, int]:
    """Read the version of the code, and that of the tables it is for."""
    code = site.root / site.about()["code"].lstrip("/") / "wp-includes/version.php"
    text = code.read_text(encoding="utf-8", errors="replace") if code.is_file() else ""
    version, tables = _VERSION.search(text), _TABLES_VERSION.search(text)
    if not version or not tables:
        raise RefusedError(f"there is no code of WordPress ({code}). Run site.yml first.")
    return version[1], int(tables[1])


def describe(site: Site, database: Database, content: Content) -> Manifest:
    """Begin the manifest of an archive."""
    there = database.tables(content.database)
    tables = sorted(table for table, kind in there.items() if kind == "BASE TABLE")
    others = sorted({*there} - {*tables})
    left_out = [*others, *database.triggers(content.database), *database.routines(content.database)]
    return Manifest(
        name=site.name,
        address=site.about()["url"],
        wordpress=code_version(site)[0],
        tables_version=database.version(content.database) if OPTIONS in tables else 0,
        host=socket.gethostname(),
        time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        tables=tables,
        left_out=[f"{name} of the database, which is no table" for name in left_out],
    )


def free_name(site: Site, kind: str) -> Path:
    """Find a name that no archive has: two of one second would be one."""
    tail = f"-{kind}" if kind else ""
    while True:
        path = site.archives / f"{time.strftime(_TIME, time.gmtime())}{tail}.tar.gz"
        if not path.exists():
            return path
        time.sleep(0.1)


def write_archive(site: Site, database: Database, content: Content, path: Path) -> Manifest:
    """Write an archive under another name, read all of it again, and only then give it its name."""
    for left in site.archives.glob(f"{_UNFINISHED}*"):
        left.unlink()
    progress = Progress(f"{site.name}: writing {path.name}")
    manifest = describe(site, database, content)
    unfinished = path.with_name(f"{_UNFINISHED}{path.name}")
    try:
        with (
            os.fdopen(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file,
            # It has no name: nobody finds it, and it goes with this process.
            tempfile.TemporaryFile(dir=site.archives) as dump,
        ):
            # The database first: each file that it speaks of is there, or was removed by somebody meanwhile.
            database.dump(content.database, manifest.tables, dump)
            size = dump.tell() or os.fstat(dump.fileno()).st_size
            dump.seek(0)
            with writing(file, manifest, progress) as writer:
                writer.add(DATABASE, dump, size, changed=int(time.time()))
                for name, secret in ((PASSWORD, content.password), (KEYS, content.keys)):
                    if secret.is_file():
                        text = secret.read_bytes()
                        writer.add(name, BytesIO(text), len(text))
                if content.media.is_dir():
                    add_media(writer, content.media)
            file.flush()
            os.fsync(file.fileno())
            read_archive(file)
        unfinished.rename(path)
        sync(path.parent)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise RefusedError(f"{path} cannot be written: {error.strerror or error}{where}. {_way_out(error)}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return manifest


def _way_out(error: OSError) -> str:
    return "Free some space." if error.errno in {errno.ENOSPC, errno.EDQUOT} else "Repair this and run again."


def sync(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def back_up(site: Site, database: Database, kind: str = "", keep: int = 0) -> tuple[Path, Manifest]:
    """Make an archive of what there is now; afterwards remove those of a timer that are more than wanted."""
    with site.locked():
        if site.journal.exists():
            if kind == SCHEDULED:
                raise RefusedError(
                    f"a restore of it was killed. Finish it: {Path(sys.argv[0]).name} repair {site.name}"
                )
            repair(site, database)
        if OPTIONS not in database.tables(site.name):
            raise RefusedError("its database has no tables: it is not installed yet. Run site.yml first.")
        content = Content(site.name, site.media, site.password, site.keys)
        path = free_name(site, kind)
        manifest = write_archive(site, database, content, path)
        for archive in surplus(archives(site), keep, path) if keep else ():
            archive.path.unlink()
        return path, manifest


# --- restore ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """What somebody has said about a restore."""

    origin: str = ""
    new_address: bool = False


def version_of(text: str) -> tuple[int, ...]:
    """Make versions comparable."""
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("-")[0]))


def check_fits(site: Site, manifest: Manifest, wanted: Wanted) -> None:
    """Refuse an archive that is whole, but not for this installation."""
    if OPTIONS not in manifest.tables:
        raise RefusedError("WordPress was not installed when it was made. Take another archive.")
    if manifest.name != (wanted.origin or site.name):
        raise RefusedError(
            f"it is a backup of '{manifest.name}', not of '{wanted.origin or site.name}'. "
            f"If '{site.name}' is to become what '{manifest.name}' was, say --from {manifest.name} "
            f"(-e from={manifest.name})."
        )
    code, tables = code_version(site)
    if version_of(manifest.wordpress) > version_of(code) or manifest.tables_version > tables:
        raise RefusedError(
            f"it is of WordPress {manifest.wordpress} (tables {manifest.tables_version}), which is newer than the code "
            f"here, {code} (tables {tables}). Update WordPress on this host first, or take an older archive."
        )
    address = site.about()["url"]
    if manifest.address != address and not wanted.new_address:
        raise RefusedError(
            f"its address is {manifest.address}, that of the entry is {address}. If the entry's is to win, say "
            "--new-address (-e new_address=true): WordPress then answers there, but addresses inside of posts stay as "
            "they were written."
        )


def check_host(site: Site, database: Database, manifest: Manifest) -> pwd.struct_passwd:
    """Refuse what this host could not do to its end."""
    try:
        who = pwd.getpwnam(site.name)
    except KeyError:
        raise RefusedError(f"there is no user '{site.name}'. Run site.yml first.") from None
    database.charset(site.name)
    if not database.has_account(site.name):
        raise RefusedError("its database knows no such account. Run site.yml first.")
    if site.media.is_symlink() or (site.media.exists() and site.media.stat().st_dev != site.home.stat().st_dev):
        raise RefusedError(
            f"{site.media} is a link or a file system of its own, which cannot be exchanged in one step."
        )
    triggers = database.triggers(site.name)
    if triggers:
        raise RefusedError(f"tables with triggers cannot be exchanged: {', '.join(triggers)}. Drop them first.")
    check_space(site, database, manifest)
    return who


def check_space(site: Site, database: Database, manifest: Manifest) -> None:
    """Add up what all of it takes, by file system."""
    live = sum(path.lstat().st_size for path in site.media.rglob("*") if path.is_file()) if site.media.is_dir() else 0
    data = site.root / "var/lib/mysql"
    needs: dict[int, tuple[Path, int]] = {}
    for folder, size in (
        (site.home, manifest.media_size),
        # Indexes come on top of what a dump holds.
        (data, 2 * manifest.members[DATABASE].size),
        # The folder of an installation is made with its first archive.
        (site.archives.parent, live + database.size(site.name)),
    ):
        device = folder.stat().st_dev
        needs[device] = (folder, needs.get(device, (folder, 0))[1] + size)
    for folder, size in needs.values():
        free = shutil.disk_usage(folder).free
        if size > free:
            raise RefusedError(
                f"it takes about {size_of(size)} at {folder}, with what is there now kept beside it, and "
                f"{size_of(free)} are free. Free some space."
            )


class Journal:
    """What a restore has got to, on the disk before it goes on."""

    def __init__(self, site: Site) -> None:
        self._path = site.journal

    def read(self) -> dict[str, Any]:
        """Give what was written last; nothing if there is no restore to repair."""
        try:
            found: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def write(self, **state: object) -> None:
        """Note where the restore is now."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self._path)
        sync(self._path.parent)

    def forget(self) -> None:
        """The restore is over."""
        self._path.unlink(missing_ok=True)


class Stage:
    """Unpacks an archive where nobody sees it yet."""

    def __init__(self, site: Site, database: Database, who: pwd.struct_passwd) -> None:
        self._site = site
        self._database = database
        self._who = who
        self._password = secrets.token_urlsafe(24)
        self._progress = Progress(f"{site.name}: unpacking")

    def prepare(self) -> None:
        """Have an empty folder, empty databases and an account that can reach one of them."""
        site = self._site
        site.scratch.mkdir(mode=0o700)
        account, incoming = account_of(site.incoming), name_of(site.incoming)
        charset, collation = self._database.charset(site.name)
        like = f"CHARACTER SET {charset} COLLATE {collation}"
        pattern = name_of(site.incoming.replace("_", "\\_"))
        self._database.query(
            f"CREATE DATABASE {incoming} {like}; CREATE DATABASE {name_of(site.replaced)} {like};\n"
            f"CREATE USER {account} IDENTIFIED BY {text_of(self._password)}; GRANT ALL ON {pattern}.* TO {account};"
        )

    def receive(self, info: tarfile.TarInfo, source: Counted) -> None:
        """Take one file of the archive."""
        if info.name == DATABASE:
            self._database.load(self._site, self._password, source, self._who)
        else:
            self._write(self._site.scratch / info.name, info, source)
        self._progress.more(info.size, 1)

    def _write(self, path: Path, info: tarfile.TarInfo, source: Counted) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            shutil.copyfileobj(source, file, _CHUNK)
            if info.name.startswith(f"{MEDIA}/"):
                os.fchown(file.fileno(), self._who.pw_uid, self._who.pw_gid)
                os.fchmod(file.fileno(), info.mode & 0o777)
        os.utime(path, (info.mtime, info.mtime))

    def complete(self, manifest: Manifest) -> None:
        """Make the folders what they were, keep the secrets of now, and see that all tables have come."""
        site, top = self._site, self._site.scratch / MEDIA
        top.mkdir(mode=0o700, exist_ok=True)
        for folder, mode in manifest.folders.items():
            path = site.scratch / folder
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.chown(path, self._who.pw_uid, self._who.pw_gid)
            path.chmod(mode & 0o777)
        # The web server goes through it, as role wordpress has it.
        web = site.media.stat().st_gid if site.media.is_dir() else self._who.pw_gid
        os.chown(top, self._who.pw_uid, web)
        top.chmod(0o750)
        kept = site.scratch / "replaced"
        kept.mkdir(mode=0o700)
        for secret in (site.password, site.keys):
            if secret.is_file():
                shutil.copyfile(secret, kept / secret.name)
        come = sorted(self._database.tables(site.incoming))
        if come != manifest.tables:
            lacking = ", ".join(sorted({*manifest.tables} ^ {*come}))
            raise RefusedError(
                f"its database has other tables than its manifest says: {lacking}. Take another archive."
            )
        os.sync()


def systemctl(*arguments: str) -> None:
    """Tell systemd; what it cannot do is no reason to leave a restore half done."""
    command = ["systemctl", "--quiet", "--no-ask-password", *arguments]
    with contextlib.suppress(FileNotFoundError, subprocess.TimeoutExpired):
        subprocess.run(command, capture_output=True, check=False, timeout=_COMMAND_SECONDS)


def close(site: Site, database: Database) -> None:
    """Let nobody in: the database lets the installation's account wait outside, so that visitors get a plain 503."""
    systemctl("stop", f"wordpress-cron@{site.name}.timer", f"wordpress-cron@{site.name}.service")
    systemctl("reset-failed", f"wordpress-cron@{site.name}.service")
    account = account_of(site.name)
    database.query(f"ALTER USER {account} ACCOUNT LOCK;")
    # Pages that are being made are finished: WordPress tries five seconds long to have a lost connection back, for each
    # further query, and keeps its visitor and the restart of PHP waiting.
    until = time.monotonic() + _PAGE_SECONDS
    while database.connections(site.name) and time.monotonic() < until:
        time.sleep(_PAGE_LOOK)
    database.query(f"KILL HARD CONNECTION USER {account};")


def let_in(site: Site, database: Database) -> None:
    """Let everybody in again, with processes of PHP that know nothing of before."""
    systemctl("try-restart", f"php_fpm@{site.name}.service")
    database.query(f"ALTER USER {account_of(site.name)} ACCOUNT UNLOCK;")
    if (site.root / f"etc/systemd/system/timers.target.wants/wordpress-cron@{site.name}.timer").is_symlink():
        systemctl("start", f"wordpress-cron@{site.name}.timer")


def swap_tables(site: Site, database: Database, state: Mapping[str, Any]) -> None:
    """Put the new tables in the place of the old ones, in one statement."""
    there = {name: {*database.tables(name)} for name in (site.name, site.incoming, site.replaced)}
    moves = renames(site, state["old"], state["new"], there)
    if moves:
        statement = ", ".join(f"{old} TO {new}" for old, new in moves)
        database.query(f"SET SESSION lock_wait_timeout = {_RENAME_SECONDS}; RENAME TABLE {statement};")


def swap_media(site: Site, inode: int) -> None:
    """Put the new uploads in the place of the old ones."""
    staged, aside = site.scratch / MEDIA, site.scratch / "old-media"
    if site.media.exists() and site.media.stat().st_ino == inode:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    one, other = os.fsencode(staged), os.fsencode(site.media)
    if site.media.exists() and libc.renameat2(_AT_FDCWD, one, _AT_FDCWD, other, _RENAME_EXCHANGE):
        # A file system that cannot exchange: for a moment there are no uploads.
        site.media.rename(aside)
    if not site.media.exists():
        staged.rename(site.media)


def place_secrets(site: Site) -> None:
    """Put keys and password in their places, each in one step."""
    gid = pwd.getpwnam(site.name).pw_gid
    for name, path, group, mode in ((KEYS, site.keys, gid, 0o640), (PASSWORD, site.password, 0, 0o600)):
        staged = site.scratch / name
        if staged.is_file():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            new = path.with_name(f".{path.name}.new")
            new.unlink(missing_ok=True)
            new.touch(mode=0o600)
            new.write_bytes(staged.read_bytes())
            os.chown(new, 0, group)
            new.chmod(mode)
            new.rename(path)


def forget_pages(site: Site) -> None:
    """Have nginx forget the pages that it keeps: their names come from the folder that this link leads to."""
    cache = site.home / "cache"
    if not (cache / "pages").is_symlink():
        return
    handle = os.open(cache, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fresh = secrets.token_hex(8)
        os.mkdir(fresh, 0o750, dir_fd=handle)
        os.symlink(fresh, f"{fresh}.link", dir_fd=handle)
        os.rename(f"{fresh}.link", "pages", src_dir_fd=handle, dst_dir_fd=handle)
    finally:
        os.close(handle)


def restore(site: Site, database: Database, file: IO[bytes], wanted: Wanted) -> tuple[Manifest, Path]:
    """Bring an installation to what an archive holds; gives its manifest, and the archive of what was there before."""
    with site.locked():
        manifest, who = check(site, database, file, wanted)
        repair(site, database)
        journal = Journal(site)
        journal.write(phase="staging")
        try:
            stage = Stage(site, database, who)
            stage.prepare()
            read_archive(file, stage.receive)
            stage.complete(manifest)
        except BaseException:
            clean(site, database)
            raise
        journal.write(
            phase="swapping",
            old=sorted(table for table, kind in database.tables(site.name).items() if kind == "BASE TABLE"),
            new=manifest.tables,
            inode=(site.scratch / MEDIA).stat().st_ino,
            archive=free_name(site, BEFORE_RESTORE).name,
        )
        return manifest, finish(site, database)


def check(site: Site, database: Database, file: IO[bytes], wanted: Wanted) -> tuple[Manifest, pwd.struct_passwd]:
    """Find all that speaks against a restore, without touching anything."""
    site.about()
    manifest = read_archive(file)
    check_fits(site, manifest, wanted)
    return manifest, check_host(site, database, manifest)


def finish(site: Site, database: Database) -> Path:
    """Go on with a restore from where its journal says that it is; each step may be done again."""
    journal = Journal(site)
    state = journal.read()
    if state["phase"] == "swapping":
        close(site, database)
        try:
            swap_tables(site, database, state)
        except RefusedError as error:
            if {*state["new"]} <= {*database.tables(site.incoming)} and not database.tables(site.replaced):
                let_in(site, database)
                clean(site, database)
                raise RefusedError(f"its tables are in use, nothing was changed: {error}. Try again.") from error
            raise
        swap_media(site, state["inode"])
        place_secrets(site)
        site.begun.unlink(missing_ok=True)
        forget_pages(site)
        let_in(site, database)
        state["phase"] = "keeping"
        journal.write(**state)
    kept: Path = site.archives / state["archive"]
    if state["phase"] == "keeping":
        keep_replaced(site, database, kept)
        state["phase"] = "cleaning"
        journal.write(**state)
    clean(site, database)
    return kept


def keep_replaced(site: Site, database: Database, path: Path) -> None:
    """Make an archive of what was there before."""
    aside, secret = site.scratch / "old-media", site.scratch / "replaced"
    media = aside if aside.exists() else site.scratch / MEDIA
    content = Content(site.replaced, media, secret / site.password.name, secret / site.keys.name)
    try:
        write_archive(site, database, content, path)
    except RefusedError as error:
        raise RefusedError(
            f"it is restored, but what was there before is in no archive yet: {error} "
            f"Until then it is in database {name_of(site.replaced)} and in {media}. "
            f"Then: {Path(sys.argv[0]).name} repair {site.name}"
        ) from error


def clean(site: Site, database: Database) -> None:
    """Remove all that a restore needed for itself."""
    account = account_of(site.incoming)
    if database.has_account(site.incoming):
        # What a killed run has sent may still be at work.
        database.query(f"ALTER USER {account} ACCOUNT LOCK; KILL HARD CONNECTION USER {account};")
    for name in (site.incoming, site.replaced):
        database.query(f"DROP DATABASE IF EXISTS {name_of(name)};")
    database.query(f"DROP USER IF EXISTS {account};")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(site.scratch)
    Journal(site).forget()


def repair(site: Site, database: Database) -> str:
    """Finish a restore that was killed, or take it back where nothing of it is live; gives what was done."""
    state = Journal(site).read()
    if not state:
        return ""
    if state["phase"] == "staging":
        clean(site, database)
        return "took back a restore that was killed before it had changed anything"
    return f"finished a restore that was killed; what was there before is in {finish(site, database)}"


# --- the command -----------------------------------------------------------------------------------------------------


def meant(wanted: Sequence[str]) -> list[Site]:
    """Give the installations that are meant: all of this host if none is named."""
    for name in wanted:
        if not _NAME.fullmatch(name):
            raise RefusedError(f"{name!r} is no name of a WordPress; there is {', '.join(names()) or 'none at all'}.")
    return [Site(name) for name in wanted or names()]


def each(sites: Iterable[Site], work: Callable[[Site], None]) -> None:
    """Do the work for each, also when it failed for another one.

    :raises RefusedError: with what went wrong, all of it.
    """
    problems = []
    for site in sites:
        try:
            work(site)
        except RefusedError as error:
            problems.append(f"{site.name}: {error}")
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            problems.append(f"{site.name}: {error.strerror or error}{where}. {_way_out(error)}")
    if problems:
        raise RefusedError("\n".join(problems))


def do_backup(given: argparse.Namespace) -> None:
    """Back up."""
    if not given.names and not given.all:
        raise RefusedError("name what is to be backed up, or say --all")
    database = Database()

    def work(site: Site) -> None:
        path, manifest = back_up(site, database, SCHEDULED if given.scheduled else "", given.keep)
        files = len(manifest.members) - 1
        say(f"{site.name}: {path} ({size_of(path.stat().st_size)}, {len(manifest.tables)} tables, {files} files)")
        for what in manifest.left_out:
            say(f"{site.name}: left out: {what}")

    each(meant(given.names), work)


def do_restore(given: argparse.Namespace) -> None:
    """Restore, or only see whether it could be done."""
    database = Database()
    wanted = Wanted(given.origin, given.new_address)

    def work(site: Site) -> None:
        site.about()
        path = choose(site, given.archive)
        with path.open("rb") as file:
            try:
                if given.check:
                    manifest, _who = check(site, database, file, wanted)
                    say(f"{site.name}: '{manifest.name}' as of {manifest.time} would be restored")
                    return
                manifest, kept = restore(site, database, file, wanted)
            except RefusedError as error:
                raise RefusedError(f"{path}: {error}") from error
        say(f"{site.name}: '{manifest.name}' as of {manifest.time} is restored; what was there before is in {kept}")

    each(meant([given.name]), work)


def do_verify(given: argparse.Namespace) -> None:
    """Read archives from beginning to end."""
    problems = []
    for path in given.archives:
        try:
            with path.open("rb") as file:
                manifest = read_archive(file)
        except (RefusedError, OSError) as error:
            problems.append(f"{path}: {error}")
            continue
        files = len(manifest.members) - 1
        tables = len(manifest.tables)
        say(f"{path}: whole; {manifest.name} ({manifest.address}) of {manifest.time}, {tables} tables, {files} files")
    if problems:
        raise RefusedError("\n".join(problems))


def do_list(given: argparse.Namespace) -> None:
    """List the archives of this host."""
    for site in meant(given.names):
        for archive in archives(site):
            say(f"{site.name}: {archive.path} ({size_of(archive.path.stat().st_size)}, {archive.kind})")


def do_repair(given: argparse.Namespace) -> None:
    """Finish what was killed."""
    database = Database()

    def work(site: Site) -> None:
        with site.locked():
            done = repair(site, database)
        if done:
            say(f"{site.name}: {done}")

    each([site for site in meant(given.names) if site.journal.exists()], work)


def arguments() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True, metavar="backup|restore|verify|list|repair")
    backup = verbs.add_parser("backup", help="make an archive of each")
    backup.add_argument("names", nargs="*", metavar="NAME")
    backup.add_argument("--all", action="store_true", help="each installation of this host")
    backup.add_argument("--scheduled", action="store_true", help="this is the timer")
    backup.add_argument("--keep", type=int, default=0, help="of the archives of a timer, keep so many; 0 for all")
    backup.set_defaults(work=do_backup)
    back = verbs.add_parser("restore", help="bring one to what an archive holds")
    back.add_argument("name", metavar="NAME")
    back.add_argument("archive", metavar="ARCHIVE", nargs="?", default="latest", help="a path, a name, or 'latest'")
    back.add_argument(
        "--from", dest="origin", default="", metavar="NAME", help="the archive is one of this installation"
    )
    back.add_argument("--new-address", action="store_true", help="the address of the entry wins over the archive's")
    back.add_argument("--check", action="store_true", help="only see whether it could be done")
    back.set_defaults(work=do_restore)
    verify = verbs.add_parser("verify", help="see whether archives are whole")
    verify.add_argument("archives", nargs="+", type=Path, metavar="ARCHIVE")
    verify.set_defaults(work=do_verify)
    for verb, work, text in (("list", do_list, "list the archives"), ("repair", do_repair, "repair a killed restore")):
        other = verbs.add_parser(verb, help=text)
        other.add_argument("names", nargs="*", metavar="NAME")
        other.set_defaults(work=work)
    return parser


def main() -> int:
    """Do what is asked for."""
    given = arguments().parse_args()
    if os.geteuid():
        sys.stderr.write("this needs root\n")
        return 1
    os.umask(0o077)
    try:
        given.work(given)
    except RefusedError as error:
        sys.stderr.write(f"{error}\n".encode(errors="backslashreplace").decode())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
