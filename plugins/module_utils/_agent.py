# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take an order of the controller on a host, with the code that is kept there.

The controller sends the text of this file in front of an order, so that it costs one start of Python and nothing else.
All other modules are kept on the host, compiled, in a folder that is called after their digest and that root alone can
enter. They are compared with the digest before anything is loaded; where they are missing or differ, the controller is
asked for them. What is loaded is what the controller has, therefore, and a run that is killed leaves nothing half done.
This module is private to the collection.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import importlib
import io
import json
import os
import py_compile
import shutil
import stat
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

#: Stands before the answer; whatever a login says before or after it is no part of that.
MARK = "barehost.web answers: "
#: Where code is kept, each version under its digest.
KEPT = Path("/var/lib/barehost/agent")
PACKAGE = "ansible_collections/barehost/web/plugins/module_utils"
_MODULES = PACKAGE.replace("/", ".")


def digest_of(contents: Mapping[str, bytes]) -> str:
    """Tell one version of the code from another.

    :param contents: content of each file by its name.
    """
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(f"{name}\0{len(contents[name])}\0".encode())
        digest.update(contents[name])
    return digest.hexdigest()


def is_ours(path: Path) -> bool:
    """Tell whether a folder is root's, and nobody else can put anything into it."""
    try:
        info = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & 0o022


def is_sound(tree: Path, digest: str) -> bool:
    """Tell whether a tree is the code of that digest, all of it and nothing else."""
    folder = tree / PACKAGE
    above = [tree.joinpath(*Path(PACKAGE).parts[:depth]) for depth in range(len(Path(PACKAGE).parts))]
    if not all(map(is_ours, (tree.parent.parent, tree.parent, *above, folder, folder / "__pycache__"))):
        return False
    with contextlib.suppress(OSError):
        # Whatever else were there would be found before what Python brings itself.
        if any(len(list(place.iterdir())) != 1 for place in above):
            return False
        names = [entry.name for entry in os.scandir(folder) if entry.name != "__pycache__"]
        return digest_of({name: (folder / name).read_bytes() for name in names}) == digest
    return False


def unpack(packed: bytes, folder: Path) -> None:
    """Write code below a folder, compiled.

    Python compares what it has compiled with its source each time that it loads it: PEP 552, checked hashes.
    """
    target = folder / PACKAGE
    target.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(target)
    for file in list(target.iterdir()):
        compiled = py_compile.compile(
            str(file), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH
        )
        # Nothing compares the content of this one: it has to be whole also where the power fails.
        with Path(str(compiled)).open("rb") as written:
            os.fsync(written.fileno())


def keep(packed: bytes, tree: Path, digest: str) -> None:
    """Have code under its digest; versions that nobody uses any more go."""
    for folder in (tree.parent.parent, tree.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    if not is_ours(tree.parent.parent) or not is_ours(tree.parent):
        raise PermissionError(f"{tree.parent} is not root's alone; remove it, and run again")
    # One at a time: the other run may bring the same code to the same host.
    with _locked(tree.parent, fcntl.LOCK_EX):
        if is_sound(tree, digest):
            return
        for other in tree.parent.iterdir():
            _remove_unused(other, tree)
        new = Path(tempfile.mkdtemp(prefix=".new.", dir=tree.parent))
        try:
            unpack(packed, new)
            new.rename(tree)
        finally:
            shutil.rmtree(new, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def drop() -> None:
    """Remove all code that no run is at work with."""
    with contextlib.suppress(OSError), _locked(KEPT, fcntl.LOCK_EX):
        for path in KEPT.iterdir():
            _remove_unused(path)
        KEPT.rmdir()


def _remove_unused(path: Path, tree: Path | None = None) -> None:
    """Remove a version that no run is at work with, and in any case what stands in place of the code that is wanted."""
    if path == tree or path.is_symlink() or not path.is_dir():
        _remove(path)
        return
    with contextlib.suppress(BlockingIOError), _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


@contextlib.contextmanager
def code(digest: str, packed: bytes | None, *, check: bool) -> Iterator[Path | None]:
    """Give the folder of the code for as long as it is used; None where the controller has to send it."""
    tree = KEPT / digest
    if packed is not None and check and not is_sound(tree, digest):
        # Nothing may stay behind.
        with tempfile.TemporaryDirectory(prefix="barehost-") as folder:
            unpack(packed, Path(folder))
            yield Path(folder)
        return
    if packed is not None and not is_sound(tree, digest):
        keep(packed, tree, digest)
    with contextlib.ExitStack() as used:
        try:
            used.enter_context(_locked(tree, fcntl.LOCK_SH))
        except OSError:
            yield None
        else:
            # Only what is locked stays as it was compared.
            yield tree if is_sound(tree, digest) else None


def answer(message: bytes) -> dict[str, Any]:
    """Do what a message of the controller asks for; give the result of the task.

    :param message: a line of JSON with the ``digest`` of the code and the ``order``, which is zlib-compressed JSON in
        Base64; in a second line the code itself, in Base64, or nothing.
    """
    if os.geteuid() != 0:
        text = "This needs root on the host: log in as root, or set ansible_become to true."
        return {"failed": True, "msg": text}
    os.umask(0o022)
    head, _, rest = message.partition(b"\n")
    wanted = json.loads(head)
    order = json.loads(zlib.decompress(base64.b64decode(wanted["order"])))
    packed = base64.b64decode(rest) if rest.strip() else None
    with code(wanted["digest"], packed, check=order["check"] or order["reads"]) as tree:
        if tree is None:
            return {"needs_code": True}
        sys.path.insert(0, str(tree))
        result = _perform(order)
    if result.pop("leaves_nothing", False):
        drop()
    return result


def _perform(order: Mapping[str, Any]) -> dict[str, Any]:
    works, host = (importlib.import_module(f"{_MODULES}.{name}") for name in ("_works", "_host"))
    try:
        result: dict[str, Any] = works.perform(order)
    except host.HostError as error:
        return {"failed": True, "msg": str(error), **error.details}
    return result


def main() -> None:
    """Answer the message on standard input, whatever it asks for."""
    message = sys.stdin.buffer.read()
    # What a work, or a program that it starts, prints is no answer.
    out = os.dup(1)
    os.dup2(2, 1)
    said = f"\n{MARK}{json.dumps(answer(message))}\n".encode()
    while said:
        said = said[os.write(out, said) :]
