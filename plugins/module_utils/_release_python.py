# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Python that an app runs on: Debian's, another one of the host, or one that uv has fetched.

This module is private to the collection.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils._release_build import (
    DEBIAN,
    PATH,
    TOOLS,
    as_root,
    passed_on,
)

_FETCHING = threading.Lock()
#: What uv has fetched, for all apps of the host.
PYTHONS = TOOLS / "python"


def find_interpreter(python: str, fetched: Path = PYTHONS) -> Path | None:
    """Debian's ``python3``, or ``python<version>``; ``None`` where the host has none."""
    if not python:
        found = shutil.which("python3", path=DEBIAN)
        return Path(found) if found else None
    installed = shutil.which(f"python{python}", path=PATH)
    return Path(installed) if installed else _fetched(python, fetched)


def _fetched(python: str, folder: Path) -> Path | None:
    def patch(program: Path) -> int:
        number = re.match(r"cpython-\d+\.\d+\.(\d+)", program.parents[1].name)
        return int(number[1]) if number else -1

    # uv keeps a link beside each, named without the last number.
    found = (one for one in folder.glob(f"cpython-{python}.*/bin/python{python}") if not one.parents[1].is_symlink())
    return max(found, key=patch, default=None)


def fetch(uv: Callable[[], Path], python: str, folder: Path = PYTHONS) -> Path:
    """Have uv fetch a version of Python, which is root's and can be used by all apps.

    :param uv: Gives uv, and installs it where it is missing.
    """
    settings = {**passed_on(os.environ), "UV_SYSTEM_CERTS": "1", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}
    way_out = (
        f"Install python{python} on the host, choose another 'python', or see that the host reaches where uv gets it "
        "(UV_PYTHON_INSTALL_MIRROR and UV_PYTHON_DOWNLOADS_JSON_URL of the login count)."
    )
    # Several apps may be looked at side by side.
    with _FETCHING:
        if found := _fetched(python, folder):
            return found
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        command = [str(uv()), "python", "install", "--no-bin", "--no-cache", f"--install-dir={folder}", python]
        as_root(command, f"fetching Python {python}", {"PATH": PATH, "HOME": "/root", **settings}, way_out)
    found = _fetched(python, folder)
    if found is None:
        raise FileNotFoundError(2, f"uv says that it has fetched Python {python}, but it is not there", str(folder))
    return found


def tidy(environments: Iterable[Path], folder: Path = PYTHONS) -> bool:
    """Remove what uv has fetched and no environment needs any more.

    :param environments: Every virtual environment of the host's releases.
    """
    if not folder.is_dir():
        return False
    used = {(environment / "bin/python").resolve() for environment in environments}
    needed = {one.name for one in folder.iterdir() for program in used if one.resolve() in program.parents}
    others = [one for one in folder.iterdir() if one.name not in needed]
    pythons = [one for one in others if one.name.startswith("cpython-")]
    for one in pythons if needed else others:
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()
    if not needed:
        folder.rmdir()
    return bool(pythons)
