# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make the wanted code the live one, step by step with what WordPress itself has to do. Private to the collection."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _marks
from ansible_collections.barehost.web.plugins.module_utils._lock import units_lock
from ansible_collections.barehost.web.plugins.module_utils._release_user import Account, as_user
from ansible_collections.barehost.web.plugins.module_utils._units import bring
from ansible_collections.barehost.web.plugins.module_utils._units_plan import Wanted
from ansible_collections.barehost.web.plugins.module_utils._wordpress_store import KINDS, SETTINGS, Store


class Live:
    """The live code of one installation.

    :param wanted: the installation, as the role writes it.
    :param note: told of every change.
    :param check: only tell.
    """

    def __init__(self, wanted: Mapping[str, Any], note: Callable[[str], None], *, check: bool) -> None:
        self.store = Store(wanted["name"])
        self.target = self.store.of("wordpress", wanted["digest"])
        self._debian = not wanted["digest"]
        self._added = {kind: self.store.added(kind, wanted["added"][kind]) for kind in KINDS}
        self._note = note
        self._check = check
        self._moved = False

    def is_there(self) -> bool:
        """Tell whether the wanted WordPress is on the host; it need not be in check mode."""
        return self.target.is_dir()

    def settings(self) -> tuple[str, ...]:
        """Give the settings of a unit that runs the wanted WordPress."""
        return (
            (f"BindReadOnlyPaths={SETTINGS}/{self.store.name}.php:{self.target}/wp-config.php",) if self._debian else ()
        )

    def begin(self) -> None:
        """Show WordPress what was added, before it is asked to use it."""
        for kind in KINDS:
            self._show(kind, self._added[kind])
        if self.store.live() is None:
            self._switch()

    def switch(self) -> None:
        """Have visitors see the wanted WordPress, whose tables are ready, and all that comes with it."""
        if self.store.live() != self.target:
            self._switch()
        for kind in KINDS:
            self._show(kind, self._wanted(kind))

    def leaving(self, kind: str) -> list[str]:
        """Name the plugins or themes that go."""
        return [name for name in self.store.linked(kind) if name not in self._wanted(kind)]

    def end(self, who: Account, pages: Path) -> None:
        """Remove what WordPress no longer uses; processes that know old code begin anew, old pages are forgotten."""
        for kind in KINDS:
            for name in self.leaving(kind):
                self._change(f"remove {kind}/{name}", partial(self.store.unlink, kind, name))
        if self._moved:
            self._reload()
            if pages.is_symlink():
                as_user(who, lambda: forget(pages))
        for folder in self.store.unused():
            self._note(f"remove {folder}")
            if not self._check:
                shutil.rmtree(folder)

    def _wanted(self, kind: str) -> dict[str, str]:
        return {**self.store.bundled(kind), **self._added[kind]}

    def _show(self, kind: str, wanted: Mapping[str, str]) -> None:
        there = self.store.linked(kind)
        for name, target in wanted.items():
            if there.get(name) != target:
                self._change(f"show {kind}/{name}", partial(self.store.link, kind, name, target))

    def _switch(self) -> None:
        self._change(f"switch to {self.target}", partial(self.store.switch, self.target))

    def _change(self, what: str, change: Callable[[], object]) -> None:
        self._note(what)
        if not self._check:
            with units_lock(_marks.STATE):
                # Noted first: whoever is killed here has the next run tell the processes.
                _marks.mark(self._unit, "reload")
                change()
            self._moved = True

    @property
    def _unit(self) -> str:
        return f"php_fpm@{self.store.name}.service"

    def _reload(self) -> None:
        """Have the processes of PHP look for files anew, where they remember for minutes what a link led to."""
        done = subprocess.run(["systemctl", "is-active", "--quiet", self._unit], check=False)
        if done.returncode == 0:
            bring([Wanted(self._unit, entry=self.store.name)])
        else:
            with units_lock(_marks.STATE):
                _marks.clear_mark(self._unit)


def forget(link: Path) -> dict[str, Any]:
    """Lead the web server to a new folder of pages, as WordPress itself does when its content changes."""
    new = link.with_name(uuid.uuid4().hex)
    new.mkdir(mode=0o750)
    old = link.parent / link.readlink()
    fresh = link.with_name(f"{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(new.name)
    fresh.replace(link)
    with contextlib.suppress(OSError):
        old.rmdir()
    return {}
