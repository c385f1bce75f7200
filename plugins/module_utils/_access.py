# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rights of one more user, in the access lists of files and folders (acl(5)), without any program for it.

What owner, group and others may do stays as it is. Nothing is followed: a link has no list.

This module is private to the collection.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Mapping
from pathlib import Path

READ, ENTER = 4, 1
_NOW, _LATER = "system.posix_acl_access", "system.posix_acl_default"
_VERSION = struct.pack("<I", 2)
_ENTRY = struct.Struct("<HHI")
_OWNER, _USER, _GROUP, _OTHER_GROUP, _MASK, _OTHERS = 1, 2, 4, 8, 16, 32
_NOBODY = 0xFFFFFFFF
#: No list, or no file system that knows any.
_NONE = {errno.ENODATA, errno.EOPNOTSUPP}


def rights(path: Path, uid: int) -> int | None:
    """What ``uid`` may do with a file or folder by its list; ``None`` where it is not in it."""
    return _read(path, _NOW).get((_USER, uid))


def is_inherited(path: Path, uid: int) -> bool:
    """Whether what comes to be in a folder is for ``uid`` as well."""
    return (_USER, uid) in _read(path, _LATER)


def let(path: Path, uid: int, may: int, *, inherited: bool = False) -> None:
    """Let ``uid`` do something with a file or folder; ``inherited`` with all that comes to be in the folder, too."""
    plain = _of_mode(path)
    entries = {**plain, **_read(path, _NOW)}
    _write(path, _NOW, {**entries, (_USER, uid): may})
    if inherited:
        _write(path, _LATER, {**{key: entries[key] for key in plain}, **_read(path, _LATER), (_USER, uid): may})


def take(path: Path, uid: int) -> None:
    """Take away what :func:`let` gave."""
    for kind in (_NOW, _LATER):
        entries = _read(path, kind)
        if entries.pop((_USER, uid), None) is None:
            continue
        if any(tag in {_USER, _OTHER_GROUP} for tag, _who in entries):
            _write(path, kind, entries)
        else:
            os.removexattr(path, kind, follow_symlinks=False)


def _read(path: Path, kind: str) -> dict[tuple[int, int], int]:
    try:
        data = os.getxattr(path, kind, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NONE:
            return {}
        raise
    return {(tag, who): may for tag, may, who in _ENTRY.iter_unpack(data[len(_VERSION) :])}


def _write(path: Path, kind: str, entries: Mapping[tuple[int, int], int]) -> None:
    """Set a list. No entry but that of the owner and of others can give more than the mask, which is all of them."""
    given = {key: may for key, may in entries.items() if key[0] != _MASK}
    mask = 0
    for (tag, _who), may in given.items():
        mask |= may if tag in {_USER, _GROUP, _OTHER_GROUP} else 0
    given[_MASK, _NOBODY] = mask
    data = b"".join(_ENTRY.pack(tag, may, who) for (tag, who), may in sorted(given.items()))
    os.setxattr(path, kind, _VERSION + data, follow_symlinks=False)


def _of_mode(path: Path) -> dict[tuple[int, int], int]:
    """The list that is the same as the mode of a file without one."""
    mode = path.lstat().st_mode
    return {
        (_OWNER, _NOBODY): mode >> 6 & 7,
        (_GROUP, _NOBODY): mode >> 3 & 7,
        (_OTHERS, _NOBODY): mode & 7,
    }
