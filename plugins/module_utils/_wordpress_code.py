# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have the code of all WordPresses on the host, or refuse it before anything is changed; see modules/wordpress_code.py.

Everything is fetched, verified, unpacked beside its place and looked at. Only if there is no objection to any of it, it
is put in its place by renames. Private to the collection.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ansible_collections.barehost.web.plugins.module_utils import _wordpress_room as room
from ansible_collections.barehost.web.plugins.module_utils._host import Answer, HostError
from ansible_collections.barehost.web.plugins.module_utils._lock import lock
from ansible_collections.barehost.web.plugins.module_utils._mariadb import ServerError, query
from ansible_collections.barehost.web.plugins.module_utils._marks import STATE
from ansible_collections.barehost.web.plugins.module_utils._packages import parse_policy
from ansible_collections.barehost.web.plugins.module_utils._release_fetch import Source, download, open_sent
from ansible_collections.barehost.web.plugins.module_utils._release_manifest import scan
from ansible_collections.barehost.web.plugins.module_utils._release_unpack import single_folder, unpack
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError, mask
from ansible_collections.barehost.web.plugins.module_utils._wordpress_read import Version, complaint, version_of
from ansible_collections.barehost.web.plugins.module_utils._wordpress_store import CODE, KINDS, Store, short

_LOCK_SECONDS = 600
_ENGLISH = "en_US"
_ASK = "SELECT option_value FROM wp_options WHERE option_name = 'db_version';"
#: The last one that the role's packages bring.
_DEBIAN_THEME = CODE / "wp-content/themes/twentytwentythree"


class CodeError(HostError):
    """What is wrong with the code that is wanted; nothing was changed."""


@dataclass(frozen=True)
class Piece:
    """A WordPress, a plugin or a theme from an archive."""

    store: Store
    #: Where in its entry it stands.
    path: str
    kind: str
    source: Source

    @property
    def place(self) -> Path:
        """Where it belongs."""
        return self.store.of(self.kind, self.source.digest)

    @property
    def staged(self) -> Path:
        """Where it is unpacked."""
        return self.store.staging / f"{self.kind}-{short(self.source.digest)}"

    def fault(self, reason: str, way_out: str) -> str:
        """Say what is wrong with it."""
        return f"WordPress '{self.store.name}': {self.path}: {self.source.place()!r} {reason}; {way_out}"


class Wanted:
    """What is wanted of the code of one installation."""

    def __init__(self, entry: Mapping[str, Any], home: Path = Path("/srv")) -> None:
        self.name: str = entry["name"]
        self.language: str = entry["language"]
        self.memory_limit: str = entry["memory_limit"]
        self.store = Store(self.name, home)
        self.theme: str = entry["theme"]
        self.names: dict[str, list[str]] = {kind: [item["name"] for item in entry[kind]] for kind in KINDS}
        self.packaged = any(item["package"] for kind in KINDS for item in entry[kind])
        self.brought: dict[str, set[str]] = {
            kind: {item["name"] for item in entry[kind] if item["source"] or item["package"]} for kind in KINDS
        }
        self.core = (
            Piece(self.store, "source.archive", "wordpress", Source(**entry["source"])) if entry["source"] else None
        )
        added = [
            Piece(self.store, f"{kind}[{number}].archive", kind.removesuffix("s"), Source(**item["source"]))
            for kind in KINDS
            for number, item in enumerate(entry[kind])
            if item["source"]
        ]
        self.pieces = [*([self.core] if self.core else []), *added]

    @property
    def target(self) -> Path:
        """The WordPress that is to be live."""
        return self.core.place if self.core else CODE

    def need(self) -> room.Need:
        """Say what it wants of the host."""
        fresh = self.store.live() is None
        return room.Need(self.name, self.memory_limit, fresh, bool(missing(self.pieces)))


def missing(pieces: Sequence[Piece]) -> list[Piece]:
    """Give those that are not unpacked yet, each folder once."""
    found = {piece.place: piece for piece in pieces if not piece.place.is_dir()}
    return list(found.values())


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.wordpress_code."""
    wanted = [Wanted(entry) for entry in options["installations"]]
    if check:
        return prepare(wanted, options["bundle"], check=True)
    with lock(STATE / "wordpress-code.lock", _LOCK_SECONDS):
        return prepare(wanted, options["bundle"], check=False)


def prepare(wanted: Sequence[Wanted], bundle: str, *, check: bool) -> Answer:
    """Have the code of all of them, or refuse all of it.

    :param bundle: file with what the controller has sent; empty if it sent nothing.
    """
    coming = missing([piece for one in wanted for piece in one.pieces])
    _refuse(room.shortages([one.need() for one in wanted], room.measure()))
    needed = sorted({piece.source.digest for piece in coming if piece.source.sent})
    if needed and not bundle and not check:
        return Answer({"changed": False, "changes": [], "needed": needed})
    changes = [f"{piece.store.name}: unpack {piece.source.place()}" for piece in coming]
    try:
        if not check:
            _refuse(_stage(coming, bundle))
        _refuse([text for one in wanted for text in _objections(one, check=check)])
        for piece in coming if not check else ():
            piece.store.put(piece.kind, piece.source.digest, piece.staged)
    finally:
        for one in wanted if not check else ():
            one.store.clear()
    for one in wanted:
        live = one.store.live()
        # Debian's WordPress finds the settings of an installation in its pool's own view only, which it has not yet, or
        # no longer when the pools have been told. Everything else is switched when the tables are ready for it.
        if live is None or (live == CODE and one.target != CODE):
            changes.append(f"{one.name}: take {one.target}")
            if not check:
                one.store.switch(one.target)
    diff = {"prepared": "".join(f"{change}\n" for change in changes)}
    return Answer({"changed": bool(changes), "changes": changes, "needed": [], "diff": diff})


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise CodeError("Nothing was changed:\n" + "\n".join(f"- {fault}" for fault in faults))


def _stage(pieces: Sequence[Piece], bundle: str) -> list[str]:
    """Fetch each archive once, and unpack it beside each of its places; what is wrong with them."""
    faults = []
    by_archive: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_archive.setdefault(f"{piece.source.digest} {piece.source.location}", []).append(piece)
    for those in by_archive.values():
        first = those[0]
        for piece in those:
            # What a killed run has left there is of unknown age.
            shutil.rmtree(piece.staged, ignore_errors=True)
            piece.store.staging.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with _opened(first, bundle) as stream:
                faults += [fault for piece in those if (fault := _unpacked(piece, stream))]
        except WorkError as error:
            reason = str(error).replace(first.source.place(), "").strip().rstrip(".")
            faults.append(first.fault(reason, "correct the address or the checksum"))
        except OSError as error:
            reason = f"cannot be unpacked in {first.store.staging}: {error.strerror or error}"
            faults.append(first.fault(reason, "give the disk what it lacks, and run again"))
    return faults


@contextlib.contextmanager
def _opened(piece: Piece, bundle: str) -> Iterator[IO[bytes]]:
    source = piece.source
    content = (
        open_sent(bundle, source.digest)
        if source.sent
        else download(source.location, source.digest, piece.store.staging)
    )
    with content as stream:
        yield stream


def _unpacked(piece: Piece, stream: IO[bytes]) -> str:
    """Unpack an archive; what is wrong with it, or nothing."""
    whole = piece.staged.with_name(f"{piece.staged.name}.whole")
    shutil.rmtree(whole, ignore_errors=True)
    whole.mkdir()
    stream.seek(0)
    try:
        unpack(stream, whole)
        top = single_folder(whole)
        # A link that leads out, and a name that no file should have, are found there.
        scan(top)
    except ValueError as error:
        return piece.fault(f"cannot be used: {mask(str(error))}", "name another archive")
    if top == whole:
        return piece.fault("has more than one folder, or files, at its top", "name an archive with all in one folder")
    reason = complaint(piece.kind, top)
    if reason:
        return piece.fault(reason, f"name the archive of a {'WordPress' if piece.kind == 'wordpress' else piece.kind}")
    top.rename(piece.staged)
    whole.rmdir()
    return ""


def _objections(wanted: Wanted, *, check: bool) -> Iterator[str]:
    """Say what speaks against the code that is wanted, by now unpacked."""
    core = wanted.core
    folder = core.staged if core and core.staged.is_dir() else wanted.target
    if wanted.store.live() != wanted.target:
        yield from _older(wanted, folder)
    if check and not folder.is_dir():
        return
    if core and wanted.language != _ENGLISH and not (folder / f"wp-content/languages/{wanted.language}.mo").is_file():
        yield core.fault(
            f"has no language {wanted.language!r}",
            "name an archive in that language, write 'language: en_US', or leave out 'source' for Debian's languages",
        )
    if wanted.packaged or (core is None and not _DEBIAN_THEME.is_dir()):
        # What packages bring is known when they are there.
        return
    for kind, names in (("plugins", wanted.names["plugins"]), ("themes", [wanted.theme] if wanted.theme else [])):
        for name in names:
            if name not in wanted.brought[kind] and not (folder / "wp-content" / kind / name).is_dir():
                known = sorted(path.name for path in (folder / "wp-content" / kind).glob("*/"))
                yield (
                    f"WordPress '{wanted.name}': {kind if kind == 'plugins' else 'theme'}: there is no {name!r} in its "
                    f"code, which has {', '.join(known) or 'none'}; add an archive or a package that has it"
                )


def _older(wanted: Wanted, folder: Path) -> Iterator[str]:
    """Refuse a WordPress that is older than what is installed, or than the tables."""
    new = version_of(folder) or (None if wanted.core else _candidate())
    if new is None:
        return
    live = wanted.store.live()
    installed = version_of(live) if live else None
    where = f"WordPress '{wanted.name}': source"
    way_out = (
        "name an archive of a version that is not older. To go back, remove the installation with its data, and "
        "restore a backup that was made with the older version"
    )
    if installed and new.is_older(installed):
        yield (
            f"{where}: WordPress {new.text} is older than {installed.text}, which is installed, and would not "
            f"understand its tables; {way_out}"
        )
        return
    tables = _tables(wanted.name)
    if new.tables and tables > new.tables:
        yield (
            f"{where}: the tables in database '{wanted.name}' are those of a newer WordPress (version {tables}; "
            f"WordPress {new.text} has {new.tables}); {way_out}"
        )


def _candidate() -> Version | None:
    """Give the version of Debian's WordPress that would be installed."""
    done = subprocess.run(["apt-cache", "policy", "wordpress"], capture_output=True, text=True, check=False)
    text = parse_policy(done.stdout).get("wordpress", "(none)")
    return None if text == "(none)" else Version(text)


def _tables(name: str) -> int:
    """Give the version of the tables of an installation; 0 where there are none, or nobody can say."""
    if shutil.which("mariadb") is None:
        return 0
    try:
        rows = query(f"USE `{name}`;\n{_ASK}")
    except ServerError:
        return 0
    return int(rows[0][0]) if rows and rows[0] and rows[0][0].isdigit() else 0
