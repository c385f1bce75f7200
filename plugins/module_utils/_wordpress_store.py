# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The code of one WordPress on its host: which is live, what was added to it, and what nobody needs any more.

C(/srv/<name>/code) is root's:

  current            the live WordPress: Debian's, or one of the folders beside it
  <checksum>         a WordPress that was unpacked; its wp-config.php is a link to the settings of this installation,
                     which is why no other one can share it
  plugin-<checksum>, theme-<checksum>
                     a plugin or a theme that was unpacked
  plugins, themes    links to those that come with WordPress, and to those that were added

Private to the collection.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

CODE = Path("/usr/share/wordpress")
SETTINGS = Path("/etc/wordpress")
KINDS = ("plugins", "themes")
_UNPACKED = re.compile(r"((plugin|theme)-)?[0-9a-f]{12}")
_STAGING = ".staging"


def short(digest: str) -> str:
    """Give the name of a folder of code by its checksum."""
    return digest[:12]


class Store:
    """The folder of the code of one installation."""

    def __init__(self, name: str, home: Path = Path("/srv")) -> None:
        self.name = name
        self.home = home / name
        self.code = self.home / "code"
        self.current = self.code / "current"
        self.staging = self.code / _STAGING

    def of(self, kind: str, digest: str) -> Path:
        """Give the folder of what is unpacked; without a checksum that of Debian's WordPress."""
        if kind == "wordpress":
            return self.code / short(digest) if digest else CODE
        return self.code / f"{kind}-{short(digest)}"

    def live(self) -> Path | None:
        """Give the folder of the live WordPress; nothing before there was one."""
        try:
            return self.code / self.current.readlink()
        except OSError:
            return None

    def switch(self, target: Path) -> bool:
        """Make a WordPress the live one, in one step; whether it was another one."""
        if self.live() == target:
            return False
        self.code.mkdir(parents=True, exist_ok=True)
        _link(self.current, Path(target.name) if target.parent == self.code else target)
        return True

    def put(self, kind: str, digest: str, folder: Path) -> None:
        """Put an unpacked folder in its place."""
        place = self.of(kind, digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        if kind == "wordpress":
            config = folder / "wp-config.php"
            config.unlink(missing_ok=True)
            config.symlink_to(SETTINGS / f"{self.name}.php")
        folder.rename(place)

    def clear(self) -> None:
        """Remove what was staged, and the folders if there is nothing else in them."""
        if self.staging.is_dir():
            shutil.rmtree(self.staging)
        for folder in (self.code, self.home):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def added(self, kind: str, wanted: Mapping[str, str]) -> dict[str, str]:
        """Give the links to what was added.

        :param wanted: the checksum of each, by name; empty for one that a package of Debian has.
        """
        return {
            name: f"../{kind.removesuffix('s')}-{short(digest)}" if digest else str(CODE / "wp-content" / kind / name)
            for name, digest in wanted.items()
        }

    def bundled(self, kind: str) -> dict[str, str]:
        """Give the links to what comes with the live WordPress."""
        try:
            names = sorted(path.name for path in (self.current / "wp-content" / kind).iterdir())
        except OSError:
            return {}
        return {name: f"../current/wp-content/{kind}/{name}" for name in names}

    def linked(self, kind: str) -> dict[str, str]:
        """Give the links that are there."""
        folder = self.code / kind
        if not folder.is_dir():
            return {}
        return {path.name: str(path.readlink()) for path in sorted(folder.iterdir()) if path.is_symlink()}

    def link(self, kind: str, name: str, target: str) -> None:
        """Make a link, or lead it elsewhere, in one step."""
        (self.code / kind).mkdir(parents=True, exist_ok=True)
        _link(self.code / kind / name, Path(target))

    def unlink(self, kind: str, name: str) -> None:
        """Remove a link."""
        (self.code / kind / name).unlink()

    def unused(self) -> list[Path]:
        """Give the folders that nothing leads to."""
        folders = [self.staging] if self.staging.is_dir() else []
        used = {self.live(), *(self.code / kind / target for kind in KINDS for target in self.linked(kind).values())}
        kept = {Path(os.path.normpath(path)) for path in used if path is not None}
        if self.code.is_dir():
            folders += [path for path in sorted(self.code.iterdir()) if _UNPACKED.fullmatch(path.name)]
        return [folder for folder in folders if folder not in kept]


def _link(path: Path, target: Path) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(path)
