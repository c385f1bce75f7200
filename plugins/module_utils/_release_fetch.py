# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring the code of an app into a folder of its user, from wherever it is.

This module is private to the collection.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import socket
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from http.client import HTTPException, HTTPResponse
from netrc import NetrcParseError, netrc
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from urllib.request import Request, build_opener, url2pathname

from ansible_collections.barehost.web.plugins.module_utils._patience import patiently
from ansible_collections.barehost.web.plugins.module_utils._release_manifest import (
    Entry,
    Skip,
    digest_of,
    git_folder,
    nothing,
    scan,
)
from ansible_collections.barehost.web.plugins.module_utils._release_unpack import single_folder, unpack
from ansible_collections.barehost.web.plugins.module_utils._release_user import Account, WorkError, as_user, mask

Times = Callable[[Path, Sequence[Entry]], None]
_CHUNK = 1 << 20
_TIMEOUT = 60
#: Answers of a server, or of one before it, that cannot answer now; RFC 9110, section 15, and RFC 6585.
_BUSY = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Source:
    """Where code comes from, as the entry says it."""

    kind: str
    location: str
    version: str = ""
    subdirectory: str = ""
    #: SHA-256 that an archive must have, or that the manifest of a folder must have.
    digest: str = ""
    #: Whether the controller has it and sends it.
    sent: bool = False
    #: What the controller found in a folder; given in check mode only, where nothing is unpacked.
    listing: tuple[tuple[Any, ...], ...] = ()
    #: Private ssh key for a git repository.
    key: str = field(default="", repr=False)

    def place(self) -> str:
        """The location without secrets."""
        return mask(self.location)

    def label(self) -> str:
        """For people; without secrets."""
        place = f"{self.kind} {self.place()}"
        return f"{place}, version {self.version}" if self.version else place


@dataclass(frozen=True)
class Code:
    """Code that is in its folder, not yet built."""

    #: Top of the source, and the folder in it that becomes the release.
    source: Path
    folder: Path
    entries: tuple[Entry, ...]


@contextlib.contextmanager
def download(url: str, sha256: str, folder: Path) -> Iterator[IO[bytes]]:
    """The content of ``url``, in a file without a name; raises ``WorkError`` for content of another checksum.

    A server that is overloaded or restarts, and a transfer that breaks off, are asked again.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            found = patiently(lambda: _transfer(url, file), _passing)
        except (URLError, HTTPException, OSError, ValueError) as error:
            raise WorkError(f"{mask(url)} cannot be fetched: {mask(str(error))}.") from error
        if found != sha256:
            raise WorkError(
                f"{mask(url)} does not have the checksum of the entry: expected sha256:{sha256}, got "
                f"sha256:{found}. Nothing of it was unpacked."
            )
        file.seek(0)
        yield file


def _transfer(url: str, file: IO[bytes]) -> str:
    """Have what ``url`` has in ``file``, as it is stored there; its SHA-256."""
    file.seek(0)
    file.truncate()
    digest = hashlib.sha256()
    with _opened(url) as (answer, length):
        while chunk := answer.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    # Where the connection closes too soon, http.client takes that for the end.
    if length.isdecimal() and file.tell() < int(length):
        raise HTTPException(f"the transfer broke off after {file.tell()} of {length} bytes")
    return digest.hexdigest()


@contextlib.contextmanager
def _opened(url: str) -> Iterator[tuple[IO[bytes], str]]:
    """Give what an address has, and how long it says that it is; empty where it does not say."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        with Path(url2pathname(parts.path)).open("rb") as file:
            yield file, ""
        return
    with _asked(parts) as answer:
        yield answer, answer.headers.get("Content-Length", "")


def _asked(parts: SplitResult) -> HTTPResponse:
    """Ask a server, with the credentials that stand in the address, or else in root's .netrc."""
    rest = urlunsplit(("", *parts[1:])).lstrip("/").removeprefix(f"{parts.netloc.rpartition('@')[0]}@")
    request = Request(f"https://{rest}") if parts.scheme == "https" else Request(f"http://{rest}")
    request.add_header("User-Agent", "barehost.web")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not user:
        with contextlib.suppress(OSError, NetrcParseError):
            user, _account, password = netrc().authenticators(parts.hostname or "") or ("", "", "")
    if user:
        word = base64.b64encode(f"{user}:{password}".encode()).decode()
        # Not for whoever it sends us on to.
        request.add_unredirected_header("Authorization", f"Basic {word}")
    answer: HTTPResponse = build_opener().open(request, timeout=_TIMEOUT)
    return answer


def _passing(error: Exception) -> bool:
    """Whether it may be over in a moment.

    That there is no such file, or no such server, is the answer; and one that says nothing for a minute hangs.
    """
    if isinstance(error, HTTPError):
        return error.code in _BUSY
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, socket.gaierror):
        return cause.errno == socket.EAI_AGAIN
    return isinstance(cause, (HTTPException, ConnectionError))


@contextlib.contextmanager
def open_sent(bundle: str, name: str) -> Iterator[IO[bytes]]:
    """What the controller sent for app ``name``."""
    with tarfile.open(bundle) as tar:
        content = tar.extractfile(name)
        if content is None:
            raise WorkError("the controller did not send its content.")
        yield content


def unpacked(who: Account, source: Source, stream: IO[bytes], into: Path, times: Times) -> Code:
    """Unpack ``stream`` into the empty folder ``into``, as the app's user."""

    def work() -> dict[str, Any]:
        unpack(stream, into)
        top = into if source.kind == "path" else single_folder(into)
        if source.kind == "path" and digest_of(scan(top)) != source.digest:
            raise WorkError("the folder changed while it was read; run again")
        return _survey(top, source.subdirectory, nothing, times)

    return _code(as_user(who, work))


def surveyed(who: Account, source: Source, folder: Path, times: Times) -> Code:
    """Look at code that git put into ``folder``."""
    return _code(as_user(who, lambda: _survey(folder, source.subdirectory, git_folder, times)))


def _survey(top: Path, subdirectory: str, skip: Skip, times: Times) -> dict[str, Any]:
    folder = top / subdirectory
    if not folder.is_dir() or not folder.resolve().is_relative_to(top.resolve()):
        raise WorkError(f"it has no folder '{subdirectory}' (subdirectory)")
    entries = scan(folder, skip)
    times(folder, entries)
    return {"source": str(top), "folder": str(folder), "entries": [astuple(entry) for entry in entries]}


def _code(answer: dict[str, Any]) -> Code:
    entries = tuple(Entry(*values) for values in answer["entries"])
    return Code(Path(answer["source"]), Path(answer["folder"]), entries)


def keep_times(live: Path | None, before: Sequence[Entry]) -> Times:
    """Give files the time they have in the live release if they are the same there, and the present otherwise.

    Web servers tell a browser whether its copy is fresh by time and size. So a file that changed must have another time
    even if the source says otherwise, and a file that did not should keep its time.
    """
    known = set(before)

    def times(folder: Path, entries: Sequence[Entry]) -> None:
        now = time.time_ns()
        for entry in entries:
            if entry.kind == "file":
                then = _time_of(live / entry.path, now) if live and entry in known else now
                os.utime(folder / entry.path, ns=(then, then))

    return times


def _time_of(path: Path, otherwise: int) -> int:
    try:
        return path.lstat().st_mtime_ns
    except OSError:
        return otherwise
