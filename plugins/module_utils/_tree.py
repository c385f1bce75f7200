# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""File system steps of a publish: stage a tree beside the live one, swap it in, or replace file by file.

This module is private to the collection.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
#: Answers of the kernel that mean "not here": another mount, a lower layer of an overlay, an old file system.
_NO_EXCHANGE = {errno.EXDEV, errno.EBUSY, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}

_libc = ctypes.CDLL(None, use_errno=True)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step (renameat2(2), RENAME_EXCHANGE).

    Returns ``False`` where the kernel or the file system cannot, in which case nothing has changed.
    """
    failed: int = _libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if not failed:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(one))


def sync_file_system(path: Path) -> None:
    """Write what is pending on the file system of ``path`` to the disk (syncfs(2)).

    A rename that reaches the disk before the content of the renamed file would leave empty files after a power cut.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        if _libc.syncfs(handle):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(handle)


def _copy_attributes(source: Path, target: Path) -> None:
    info = source.lstat()
    os.chown(target, info.st_uid, info.st_gid, follow_symlinks=False)
    shutil.copystat(source, target, follow_symlinks=False)


def twin(source: Path, target: Path) -> None:
    """Make ``target`` a copy of the folder ``source`` whose files are hard links to the same content.

    Sharing the content keeps owner, attributes and later edits of files that are nobody's business here.
    """
    target.mkdir(mode=0o700)
    for entry in os.scandir(source):
        origin, copy = Path(entry.path), target / entry.name
        if entry.is_dir(follow_symlinks=False):
            twin(origin, copy)
        elif entry.is_symlink():
            copy.symlink_to(origin.readlink())
            _copy_attributes(origin, copy)
        else:
            _share(origin, copy)
    _copy_attributes(source, target)


def _share(origin: Path, copy: Path) -> None:
    """Give the content of ``origin`` a second name, or copy it where it lies on another file system."""
    try:
        copy.hardlink_to(origin)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.copyfile(origin, copy)
        _copy_attributes(origin, copy)


def discard(path: Path) -> None:
    """Remove a file, a link or a whole folder; nothing happens where there is none."""
    try:
        info = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISDIR(info.st_mode):
        shutil.rmtree(path)
    else:
        path.unlink()


def write_file(path: Path, content: bytes, *, uid: int, gid: int, mode: int) -> None:
    """Create ``path`` with its final owner and mode; at no moment is it readable by more than that."""
    discard(path)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fchown(handle, uid, gid)
        os.fchmod(handle, mode)


def make_link(path: Path, target: str) -> None:
    """Create the symbolic link ``path``, in place of a file or link that may be there."""
    discard(path)
    path.symlink_to(target)
