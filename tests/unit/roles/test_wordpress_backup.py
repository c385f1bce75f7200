# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the program that backs up and restores takes for an archive, what it refuses, and what it removes."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

TIMES = ("20261118T020000Z", "20261119T020000Z", "20261120T020000Z")
PROGRAM = Path(__file__).parents[3] / "roles/wordpress/templates/wordpress_backup.py"
KEYS = b"<?php\ndefine('AUTH_KEY', 'a#b');\ndefine('AUTH_SALT', 'c');\n"


def load() -> Any:
    """Import the program."""
    spec = spec_from_file_location("wordpress_backup", PROGRAM)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    sys.modules["wordpress_backup"] = module
    spec.loader.exec_module(module)
    return module


backup = load()
Refused = backup.RefusedError


def manifest(**changes: Any) -> Any:
    given = {
        "name": "blog",
        "address": "https://example.test",
        "wordpress": "6.8.3",
        "tables_version": 60421,
        "host": "web",
        "time": "2026-11-20T22:00:00Z",
        "tables": ["wp_options", "wp_posts"],
    }
    return backup.Manifest(**{**given, **changes})


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """Give uploads of many kinds."""
    top = tmp_path / "live"
    for name, text in {
        "uploads/2026/11/a.png": b"\x89PNG",
        "uploads/ä ö.txt": b"umlauts",
        "uploads/empty": b"",
    }.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(text)
    Path(os.fsdecode(os.fsencode(top) + b"/uploads/latin-\xe4.txt")).write_bytes(b"no UTF-8")
    (top / "uploads/2026/10").mkdir()
    (top / "uploads/run").write_bytes(b"x")
    (top / "uploads/run").chmod(0o4750)
    return top


def archive(media: Path | None = None, extra: Callable[[Any], None] | None = None, **changes: Any) -> io.BytesIO:
    """Write an archive as a backup does."""
    file = io.BytesIO()
    with backup.writing(file, manifest(**changes), backup.Progress("test")) as writer:
        writer.add("database.sql", io.BytesIO(b"SELECT 1;\n"), 10)
        writer.add("secrets/keys.php", io.BytesIO(KEYS), len(KEYS))
        if media:
            backup.add_media(writer, media)
        if extra:
            extra(writer)
    return file


def read(file: io.BytesIO) -> tuple[Any, dict[str, bytes]]:
    found: dict[str, bytes] = {}
    result = backup.read_archive(file, lambda info, source: found.__setitem__(info.name, source.read()))
    return result, found


def raw(*members: tuple[tarfile.TarInfo, bytes], tail: bytes = b"") -> io.BytesIO:
    """Write an archive of any kind."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return io.BytesIO(gzip.compress(plain.getvalue()) + tail)


def member(
    name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, **more: Any
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in more.items():
        setattr(info, key, value)
    return info, content if kind == tarfile.REGTYPE else b""


def test_what_is_backed_up_is_what_comes_back(media: Path) -> None:
    result, found = read(archive(media))
    wanted = {f"media/{path.relative_to(media)}": path.read_bytes() for path in media.rglob("*") if path.is_file()}
    assert found == {**wanted, "database.sql": b"SELECT 1;\n", "secrets/keys.php": KEYS}
    assert {*result.folders} == {
        "media",
        "media/uploads",
        "media/uploads/2026",
        "media/uploads/2026/10",
        "media/uploads/2026/11",
    }
    assert {name: part.size for name, part in result.members.items()} == {
        name: len(text) for name, text in found.items()
    }
    assert (result.name, result.tables, result.left_out) == ("blog", ["wp_options", "wp_posts"], [])


def test_rights_of_files_come_back_but_no_special_ones(media: Path) -> None:
    modes: dict[str, int] = {}
    backup.read_archive(archive(media), lambda info, _source: modes.__setitem__(info.name, info.mode))
    assert modes["media/uploads/run"] == 0o750


def test_nothing_is_followed_out_of_the_uploads(media: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/shadow").write_text("root:hash")
    (media / "uploads/link").symlink_to(tmp_path / "secret/shadow")
    (media / "uploads/folder").symlink_to(tmp_path / "secret")
    os.mkfifo(media / "uploads/pipe")
    result, found = read(archive(media))
    assert b"root:hash" not in b"".join(found.values())
    assert result.left_out == [f"media/uploads/{name}, which is no file" for name in ("folder", "link", "pipe")]


def test_folder_that_cannot_be_read_is_not_taken_for_an_empty_one(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = os.open

    def refuse(path: Any, *arguments: Any, **options: Any) -> int:
        if path == "2026":
            raise PermissionError(13, "Permission denied", path)
        return plain(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError):
        archive(media)


def test_file_that_vanishes_is_no_error(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = os.open

    def gone(path: Any, *arguments: Any, **options: Any) -> int:
        if path == "empty":
            raise FileNotFoundError(path)
        return plain(path, *arguments, **options)

    monkeypatch.setattr(os, "open", gone)
    _result, found = read(archive(media))
    assert "media/uploads/empty" not in found
    assert "media/uploads/2026/11/a.png" in found


def test_a_byte_that_is_another_is_found_wherever_it_is(media: Path) -> None:
    text = archive(media).getvalue()
    plain = gzip.decompress(text)
    unnoticed = []
    for position in range(len(text)):
        damaged = bytearray(text)
        damaged[position] ^= 0x10
        try:
            backup.read_archive(io.BytesIO(bytes(damaged)))
        except Refused:
            continue
        unnoticed.append(position)
        # A few bits say nothing of the content, such as those of a date.
        assert gzip.decompress(bytes(damaged)) == plain, position
    assert len(unnoticed) < len(text) / 20


def test_archive_that_was_cut_off_is_found_wherever_that_was(media: Path) -> None:
    text = archive(media).getvalue()
    for end in range(0, len(text), 7):
        with pytest.raises(Refused):
            backup.read_archive(io.BytesIO(text[:end]))


def good(**members: bytes) -> bytes:
    """Write a manifest that fits these members."""
    noted = {
        name.replace("__", "/").replace("_sql", ".sql"): {
            "size": len(text),
            "sha256": backup.hashlib.sha256(text).hexdigest(),
        }
        for name, text in members.items()
    }
    return json.dumps({**json.loads(manifest().text()), "members": noted, "folders": {"media": 493}}).encode()


# As many lines as the program looks at.
LONG = b"<?php\n" + 100 * (b"define('A', '" + 146 * b"x" + b"');\n") + b"define('B', '" + 61 * b"x" + b"');\n"
DUMP = member("database.sql", b"SELECT 1;")
FOLDER = member("media", kind=tarfile.DIRTYPE)


def test_archive_of_the_right_kind_is_taken() -> None:
    backup.read_archive(
        raw(DUMP, FOLDER, member("media/a"), member("MANIFEST.json", good(database_sql=b"SELECT 1;", media__a=b"x")))
    )


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (member("media/../../etc/passwd"), "leads elsewhere"),
        (member("../x"), "leads elsewhere"),
        (member("/etc/passwd"), "leads elsewhere"),
        (member("media//x"), "leads elsewhere"),
        (member("media/./x"), "leads elsewhere"),
        (member("media/x", kind=tarfile.SYMTYPE, linkname="/etc/shadow"), "neither a file nor a folder"),
        (member("media/x", kind=tarfile.LNKTYPE, linkname="database.sql"), "neither a file nor a folder"),
        (member("media/x", kind=tarfile.FIFOTYPE), "neither a file nor a folder"),
        (member("media/x", kind=tarfile.CHRTYPE), "neither a file nor a folder"),
        (member("etc/passwd"), "is not known"),
        (member("secrets/more"), "is not known"),
        (member("secrets/password", kind=tarfile.DIRTYPE), "is not known"),
        (member("media"), "is not known"),
        (member("media/a"), "is there twice"),
        (member("media/b/c"), "in no folder"),
        (member("media/a/c"), "in no folder"),
        (member("media/b"), "is not in the manifest"),
        (member("media/c", kind=tarfile.DIRTYPE), "is not in the manifest"),
        (member("secrets/keys.php", b"<?php\nsystem('id');\n"), "is not what this program writes"),
        (member("secrets/keys.php", b"<?php\ndefine('A', 'b'); system('id');\n"), "is not what this program writes"),
        (member("secrets/keys.php", b"#!/bin/sh\n"), "is not what this program writes"),
        (member("secrets/keys.php", LONG + b"system('id');\n"), "is not what this program writes"),
        (member("secrets/password", b"one\ntwo\n"), "is not what this program writes"),
    ],
    ids=lambda value: value[0].name if isinstance(value, tuple) else value,
)
def test_member_that_no_backup_has_is_refused(extra: Any, reason: str) -> None:
    text = good(database_sql=b"SELECT 1;", media__a=b"x")
    with pytest.raises(Refused, match=reason):
        backup.read_archive(raw(DUMP, FOLDER, member("media/a"), extra, member("MANIFEST.json", text)))


def changed(**changes: Any) -> bytes:
    """Write a manifest with something else in it."""
    return json.dumps({**json.loads(good(database_sql=b"SELECT 1;")), "folders": {}, **changes}).encode()


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (io.BytesIO(b""), "damaged"),
        (io.BytesIO(b"PK\x03\x04 some zip"), "damaged"),
        (io.BytesIO(gzip.compress(b"no tar at all")), "damaged"),
        (raw(DUMP), "no manifest"),
        (raw(DUMP, member("MANIFEST.json", b"{}")), "no backup of a WordPress"),
        (raw(DUMP, member("MANIFEST.json", b"[]")), "no backup of a WordPress"),
        (raw(DUMP, member("MANIFEST.json", b"nothing")), "manifest is damaged"),
        (raw(DUMP, member("MANIFEST.json", changed(format=2))), "has format 2"),
        (raw(DUMP, member("MANIFEST.json", changed(name=7))), "manifest is damaged"),
        (raw(DUMP, member("MANIFEST.json", changed(members={"database.sql": {"size": 1}}))), "manifest is damaged"),
        (raw(DUMP, member("MANIFEST.json", changed(more=1))), "manifest is damaged"),
        (raw(DUMP, member("MANIFEST.json", good(database_sql=b"SELECT 2;"))), "missing"),
        (raw(DUMP, FOLDER, member("MANIFEST.json", good(database_sql=b"SELECT 2;"))), "is not what it was"),
        (raw(member("MANIFEST.json", changed(members={}))), "no database"),
        (raw(DUMP, member("MANIFEST.json", changed()), DUMP), "follows the manifest"),
        (raw(DUMP, member("MANIFEST.json", changed()), tail=gzip.compress(b"more")), "more after its end"),
        (raw(DUMP, member("MANIFEST.json", changed()), tail=b"more"), "damaged"),
    ],
)
def test_file_that_is_no_archive_is_refused(file: io.BytesIO, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        backup.read_archive(file)


@pytest.fixture
def site(tmp_path: Path) -> Any:
    """Give an installation of WordPress 6.8.3."""
    (tmp_path / "etc/wordpress").mkdir(parents=True)
    told = {"code": "/usr/share/wordpress", "url": "https://example.test", "check": False}
    (tmp_path / "etc/wordpress/blog.cron.json").write_text(json.dumps(told))
    code = tmp_path / "usr/share/wordpress/wp-includes/version.php"
    code.parent.mkdir(parents=True)
    code.write_text("<?php\n$wp_version = '6.8.3';\n$wp_db_version = 60421;\n")
    return backup.Site("blog", tmp_path)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, {}),
        ({"wordpress": "6.1.6", "tables_version": 53496}, {}),
        ({"name": "old"}, {"origin": "old"}),
        ({"address": "http://old.test"}, {"new_address": True}),
    ],
)
def test_archive_that_fits_is_taken(site: Any, changes: dict[str, Any], wanted: dict[str, Any]) -> None:
    backup.check_fits(site, manifest(**changes), backup.Wanted(**wanted))


@pytest.mark.parametrize(
    ("changes", "wanted", "reason"),
    [
        ({"name": "old"}, {}, "it is a backup of 'old', not of 'blog'.*--from old"),
        ({}, {"origin": "old"}, "it is a backup of 'blog', not of 'old'"),
        ({"wordpress": "6.8.4"}, {}, "6.8.4 .* newer than the code here, 6.8.3"),
        ({"wordpress": "6.10"}, {}, "newer than the code"),
        ({"tables_version": 60422}, {}, "newer than the code"),
        ({"address": "http://old.test"}, {}, "http://old.test.*https://example.test.*--new-address"),
        ({"tables": ["wp_posts"]}, {}, "not installed"),
    ],
)
def test_archive_that_does_not_fit_is_refused(
    site: Any, changes: dict[str, Any], wanted: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        backup.check_fits(site, manifest(**changes), backup.Wanted(**wanted))


class Server:
    """A database server of which little is asked."""

    def size(self, _database: str) -> int:
        return 700

    def tables(self, _database: str) -> dict[str, str]:
        return {"wp_options": "BASE TABLE", "wp_posts": "BASE TABLE", "wp_view": "VIEW"}

    def triggers(self, _database: str) -> list[str]:
        return ["wp_trigger"]

    def routines(self, _database: str) -> list[str]:
        return []

    def version(self, _database: str) -> int:
        return 60421

    def dump(self, _database: str, tables: list[str], file: Any) -> None:
        file.write(f"-- {tables}\n".encode())


def write(site: Any, media: Path) -> Any:
    site.archives.mkdir(parents=True)
    content = backup.Content("blog", media, site.password, site.keys)
    return backup.write_archive(site, Server(), content, site.archives / f"{TIMES[0]}.tar.gz")


def test_archive_holds_tables_and_says_what_it_leaves_out(site: Any, media: Path) -> None:
    write(site, media)
    with (site.archives / f"{TIMES[0]}.tar.gz").open("rb") as file:
        found = backup.read_archive(file)
    assert (found.name, found.address, found.wordpress) == ("blog", "https://example.test", "6.8.3")
    assert found.tables == ["wp_options", "wp_posts"]
    assert found.left_out == [f"{name} of the database, which is no table" for name in ("wp_view", "wp_trigger")]
    assert (site.archives / f"{TIMES[0]}.tar.gz").stat().st_mode & 0o777 == 0o600


def test_archive_that_cannot_be_read_again_is_none(site: Any, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = backup.Writer.add

    def wrong(writer: Any, name: str, *arguments: Any, **options: Any) -> None:
        plain(writer, name, *arguments, **options)
        writer.manifest.members[name] = backup.Member(writer.manifest.members[name].size, "0" * 64)

    monkeypatch.setattr(backup.Writer, "add", wrong)
    with pytest.raises(Refused, match="is not what it was"):
        write(site, media)
    assert [*site.archives.iterdir()] == []


def test_disk_that_is_full_leaves_nothing(site: Any, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup.Writer, "add", full)
    with pytest.raises(Refused, match=r"cannot be written: No space left on device\. Free some space"):
        write(site, media)
    assert [*site.archives.iterdir()] == []


@pytest.mark.parametrize(("free", "fits"), [(2099, False), (2100, True)])
def test_archive_that_would_fill_the_disk_is_refused(
    site: Any, monkeypatch: pytest.MonkeyPatch, *, free: int, fits: bool
) -> None:
    for folder in (site.media, site.archives.parent, site.root / "var/lib/mysql"):
        folder.mkdir(parents=True)
    (site.media / "file").write_bytes(400 * b"x")
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    members = {"database.sql": backup.Member(300, ""), "media/a": backup.Member(400, "")}
    # New files, twice the dump, and what is there now.
    wanted = manifest(members=members)
    if fits:
        backup.check_space(site, Server(), wanted)
    else:
        with pytest.raises(Refused, match=r"takes about 2\.1 KiB .* 2\.0 KiB are free. Free some space"):
            backup.check_space(site, Server(), wanted)


def test_unknown_installation_is_named_with_those_that_there_are(site: Any) -> None:
    with pytest.raises(Refused, match="no WordPress 'blgo' on this host, there is blog"):
        replace(site, name="blgo").about()


def made(site: Any, *names: str) -> None:
    site.archives.mkdir(parents=True, exist_ok=True)
    for name in names:
        (site.archives / name).touch()


def test_only_the_oldest_of_the_timer_go(site: Any) -> None:
    made(site, *(f"{when}-scheduled.tar.gz" for when in TIMES), "20261101T020000Z.tar.gz", "mine.tar.gz", "notes.txt")
    made(site, "20261101T030000Z-before-restore.tar.gz", ".unfinished-20261101T020000Z-scheduled.tar.gz")
    gone = [archive.path.name for archive in backup.surplus(backup.archives(site), 2)]
    assert gone == ["20261118T020000Z-scheduled.tar.gz"]
    assert backup.surplus(backup.archives(site), 3) == []


@pytest.mark.parametrize(("keep", "left"), [(1, 0), (2, 1), (3, 2), (4, 2)])
def test_what_was_just_made_stays_after_a_clock_that_was_ahead(site: Any, keep: int, left: int) -> None:
    ahead = [f"{year}1230T000000Z-scheduled.tar.gz" for year in (2998, 2999)]
    made(site, *ahead, f"{TIMES[0]}-scheduled.tar.gz")
    new = site.archives / f"{TIMES[0]}-scheduled.tar.gz"
    assert [archive.path.name for archive in backup.archives(site)] == [*ahead, new.name], "the future is past"
    gone = [archive.path.name for archive in backup.surplus(backup.archives(site), keep, new)]
    assert gone == ahead[: len(ahead) - left]
    assert backup.choose(site, "latest") == new


def test_latest_is_the_newest_but_not_what_a_restore_put_aside(site: Any) -> None:
    made(site, f"{TIMES[0]}-scheduled.tar.gz", f"{TIMES[1]}.tar.gz", f"{TIMES[2]}-before-restore.tar.gz")
    assert backup.choose(site, "latest").name == f"{TIMES[1]}.tar.gz"
    assert backup.choose(site, f"{TIMES[2]}-before-restore.tar.gz").parent == site.archives
    assert backup.choose(site, str(site.archives / f"{TIMES[0]}-scheduled.tar.gz")).is_file()


def test_archive_that_is_not_there_is_named_with_those_that_are(site: Any) -> None:
    with pytest.raises(Refused, match="has no archive"):
        backup.choose(site, "latest")
    made(site, f"{TIMES[0]}.tar.gz")
    with pytest.raises(Refused, match=f"no file .*nothing.tar.gz.* has {TIMES[0]}.tar.gz"):
        backup.choose(site, "nothing.tar.gz")


LIVE, IN, OUT = "`blog`", "`restore:blog`", "`replaced:blog`"


@pytest.mark.parametrize(
    ("live", "incoming", "replaced", "moves"),
    [
        # Nothing has moved yet: both has wp_a, only the old one wp_x, only the new one wp_n.
        ("ax", "an", "", [(LIVE, "a", OUT), (IN, "a", LIVE), (IN, "n", LIVE), (LIVE, "x", OUT)]),
        # The server was killed between two tables.
        ("x", "an", "a", [(IN, "a", LIVE), (IN, "n", LIVE), (LIVE, "x", OUT)]),
        ("ax", "n", "a", [(IN, "n", LIVE), (LIVE, "x", OUT)]),
        ("anx", "", "a", [(LIVE, "x", OUT)]),
        ("an", "", "ax", []),
    ],
)
def test_tables_move_on_from_wherever_they_are(
    site: Any, live: str, incoming: str, replaced: str, moves: list[tuple[str, str, str]]
) -> None:
    there = {"blog": {*live}, "restore:blog": {*incoming}, "replaced:blog": {*replaced}}
    wanted = [(f"{source}.`{table}`", f"{target}.`{table}`") for source, table, target in moves]
    assert backup.renames(site, ["a", "x"], ["a", "n"], there) == wanted


def test_uploads_are_exchanged_once(site: Any) -> None:
    for folder, text in ((site.media, "old"), (site.scratch / "media", "new")):
        folder.mkdir(parents=True)
        (folder / "file").write_text(text)
    inode = (site.scratch / "media").stat().st_ino
    for _time in range(2):
        backup.swap_media(site, inode)
        assert (site.media / "file").read_text() == "new"
        assert (site.scratch / "media/file").read_text() == "old"


def test_journal_is_what_was_written_last(site: Any) -> None:
    journal = backup.Journal(site)
    assert journal.read() == {}
    journal.write(phase="staging")
    journal.write(phase="swapping", old=["a"])
    assert journal.read() == {"phase": "swapping", "old": ["a"]}
    journal.forget()
    assert journal.read() == {}


def test_failure_of_one_keeps_nobody_else_from_it(site: Any) -> None:
    done = []

    def work(one: Any) -> None:
        if one.name == "blog":
            raise Refused("it is broken")
        if one.name == "shop":
            raise OSError(28, "No space left on device", "/var/backups")
        done.append(one.name)

    with pytest.raises(Refused) as caught:
        backup.each([site, replace(site, name="shop"), replace(site, name="notes")], work)
    assert done == ["notes"]
    assert str(caught.value).splitlines() == [
        "blog: it is broken",
        "shop: No space left on device (/var/backups). Free some space.",
    ]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (1 << 40, "1.0 TiB")]
)
def test_sizes_are_for_people(count: int, text: str) -> None:
    assert backup.size_of(count) == text


def test_it_is_no_template() -> None:
    text = PROGRAM.read_text(encoding="utf-8")
    assert [mark for mark in ("{{", "{%", "{#") if mark in text] == []
