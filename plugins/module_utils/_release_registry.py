# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which apps were released on a host. This module is private to the collection."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils import _marks


class Registry:
    """Which apps this collection released on the host, and the unit that runs each."""

    def __init__(self, state: Path = _marks.STATE) -> None:
        self._folder = state / "apps"

    def units(self) -> dict[str, str]:
        """The unit of every app; empty for one without a process."""
        if not self._folder.is_dir():
            return {}
        return {path.name: path.read_text(encoding="ascii").strip() for path in sorted(self._folder.iterdir())}

    def add(self, app: str, unit: str) -> None:
        """Remember an app; written before anything is made for it."""
        if self.units().get(app) != unit:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._folder / app).write_text(f"{unit}\n", encoding="ascii")

    def forget(self, app: str) -> None:
        """Forget an app; the last step of its removal."""
        (self._folder / app).unlink(missing_ok=True)
