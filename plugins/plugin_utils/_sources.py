# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where on the control node the code of an app is looked for. Private to the collection."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, show

COLLECTION = Path(__file__).resolve().parents[2]
#: In bytes, of a whole path and of one name in it: PATH_MAX and NAME_MAX of limits.h.
_LONGEST_PATH, _LONGEST_NAME = 4095, 255


def search_folders(playbook_folder: str | None, config_file: str | None) -> list[Path]:
    """Give the folders where a relative path may begin: the playbook's, ansible.cfg's, the collection's."""
    found = [Path(playbook_folder)] if playbook_folder else []
    found += [Path(config_file).parent] if config_file else []
    return list(dict.fromkeys(folder.resolve() for folder in (*found, COLLECTION)))


def find_folder(text: str, folders: Sequence[Path]) -> Path | None:
    """Find the folder that a path source names."""
    candidates = (folder / Path(text).expanduser() for folder in folders)
    return next((path.resolve() for path in candidates if path.is_dir()), None)


def folder_fault(text: str, folders: Sequence[Path]) -> Fault | None:
    """Check that the folder exists. Without folders to look in, nothing is known about it."""
    if not text:
        return Fault("is empty", "name a folder on the control node")
    if fault := _no_path(text):
        return fault
    if not folders or find_folder(text, folders) is not None:
        return None
    if _exists(text, folders):
        return Fault(f"{show(text)} is a file", "name the folder that holds the app")
    return Fault(f"there is no folder {show(text)} on the control node{_places(text, folders)}")


def file_fault(text: str, folders: Sequence[Path]) -> Fault | None:
    """Check that the file exists. Without folders to look in, nothing is known about it."""
    if fault := _no_path(text):
        return fault
    if not folders or (_exists(text, folders) and find_folder(text, folders) is None):
        return None
    return Fault(f"there is no file {show(text)} on the control node{_places(text, folders)}")


def _no_path(text: str) -> Fault | None:
    """Check what the system would not even look for."""
    try:
        name = os.fsencode(text)
        Path(text).expanduser()
    except UnicodeEncodeError:
        name = b"\0"
    except RuntimeError:
        return Fault(f"{show(text)} begins in the home of a user that there is not", "write the path out")
    if b"\0" in name:
        return Fault(f"{show(text)} has a character that no path has", "write the path anew")
    if len(name) > _LONGEST_PATH or any(len(part) > _LONGEST_NAME for part in name.split(b"/")):
        return Fault(f"{show(text)} is too long for a path", "name a file or folder on the control node")
    return None


def read_file(text: str, folders: Sequence[Path]) -> str:
    """Give the content of a file that is there, in UTF-8."""
    candidates = [folder / Path(text).expanduser() for folder in folders]
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), text)
    return found.read_text(encoding="utf-8")


def _exists(text: str, folders: Sequence[Path]) -> bool:
    return any((folder / Path(text).expanduser()).exists() for folder in folders)


def _places(text: str, folders: Sequence[Path]) -> str:
    if Path(text).expanduser().is_absolute():
        return ""
    return f", looked for in {', '.join(str(folder) for folder in folders)}"
