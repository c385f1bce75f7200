# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stage the steps of a publish, then put them in place so that the host has either all or none of them.

This module is private to the collection.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils import _tree
from ansible_collections.barehost.web.plugins.module_utils._publish_plan import Step

#: New files are put in place before links to them, links go before the files they lead to: whatever reads the
#: folders in between finds no dangling link.
_ORDER = ("directory+", "file+", "link+", "link-", "file-", "directory-")


def _rank(step: Step) -> tuple[int, int]:
    sign = "-" if step.change == "remove" else "+"
    depth = step.item.path.count("/")
    return _ORDER.index(step.item.kind + sign), -depth if sign == "-" else depth


def beside(path: Path) -> Path:
    """The name under which something is staged next to ``path``; hidden from include patterns such as ``*``."""
    return path.with_name(f".{path.name}.barehost")


def remove_empty(path: Path) -> None:
    """Remove a folder unless somebody else's file has come since the plan was made."""
    if path.is_dir() and not any(os.scandir(path)):
        path.rmdir()


def _make(step: Step, path: Path) -> None:
    """Bring ``path``, a staged name of the step's item, to what is wanted there."""
    item = step.item
    if step.change == "remove":
        if item.kind == "directory":
            remove_empty(path)
        else:
            _tree.discard(path)
    elif item.kind == "link":
        _tree.make_link(path, item.target)
    elif item.kind == "file":
        _tree.write_file(path, item.content, uid=step.uid, gid=step.gid, mode=item.mode)
    else:
        path.mkdir(mode=0o700, exist_ok=True)
        os.chown(path, step.uid, step.gid)
        path.chmod(item.mode)


class Commit:
    """The steps of one plan on their way into place.

    :param steps: what to do.
    :param tree: the folder that is exchanged as a whole, or ``None``; steps outside it go file by file.
    :param known: every path the set publishes or published; what a killed run staged beside them is cleaned up.
    """

    def __init__(self, steps: Iterable[Step], tree: Path | None, known: Iterable[str] = ()) -> None:
        self._tree = tree
        self._known = {Path(path) for path in known if path != "/"}
        ordered = sorted(steps, key=_rank)
        self._inside = [step for step in ordered if tree and tree in Path(step.item.path).parents]
        self._outside = [step for step in ordered if not (tree and tree in Path(step.item.path).parents)]
        self._undo: list[Callable[[], object]] = []
        self._made: list[Path] = []

    @property
    def staged_tree(self) -> Path | None:
        """Where the new tree stands, complete, before it is live; ``None`` where nothing in it changes."""
        return beside(self._tree) if self._tree and self._inside else None

    def stage(self) -> None:
        """Write everything that is new next to what is live, which is not touched."""
        for step in self._outside:
            if step.item.kind == "directory" and step.change == "create":
                _make(step, Path(step.item.path))
                self._made.append(Path(step.item.path))
            elif step.item.kind != "directory" and step.change != "remove":
                _make(step, beside(Path(step.item.path)))
        if self._tree and self.staged_tree:
            _tree.discard(self.staged_tree)
            if self._tree.exists():
                _tree.twin(self._tree, self.staged_tree)
            else:
                self.staged_tree.mkdir(mode=0o755)
            for step in self._inside:
                _make(step, self.staged_tree / Path(step.item.path).relative_to(self._tree))
            _tree.sync_file_system(self.staged_tree)

    def abandon(self) -> None:
        """Take back what :meth:`stage` and an unfinished :meth:`put` did."""
        while self._undo:
            self._undo.pop()()
        self.clean()
        while self._made:
            self._made.pop().rmdir()

    def clean(self) -> None:
        """Remove what was staged, also what a killed run left."""
        for path in {*self._known, *(Path(step.item.path) for step in [*self._outside, *self._inside])}:
            _tree.discard(beside(path))
        if self._tree:
            _tree.discard(beside(self._tree))

    def put(self) -> None:
        """Make the staged state the live one; on an error everything is as before."""
        try:
            for step in self._outside:
                self._put_one(step, beside(Path(step.item.path)))
            if self._tree and self.staged_tree:
                self._put_tree(self._tree, self.staged_tree)
        except OSError:
            self.abandon()
            raise
        self._undo.clear()
        self._made.clear()
        self.clean()
        for step in [*self._inside, *self._outside]:
            if step.item.kind == "directory" and step.change == "remove":
                remove_empty(Path(step.item.path))

    def _put_tree(self, live: Path, staged: Path) -> None:
        if not live.exists():
            staged.rename(live)
        elif not _tree.exchange(staged, live):
            # No exchange here (a mount point, a lower layer of an overlay): file by file, in a safe order.
            for step in self._inside:
                self._put_one(step, staged / Path(step.item.path).relative_to(live))

    def _put_one(self, step: Step, staged: Path) -> None:
        path = Path(step.item.path)
        if step.item.kind == "directory":
            # Folders go last, when what was moved aside in them is gone.
            if step.change != "remove":
                _make(step, path)
        elif step.change == "remove":
            aside = beside(path)
            path.replace(aside)
            self._undo.append(lambda: aside.replace(path))
        elif step.before is None:
            _bring(staged, path)
            self._undo.append(path.unlink)
        else:
            staged = _same_file_system(staged, path)
            if _tree.exchange(staged, path):
                self._undo.append(lambda: _tree.exchange(staged, path))
            else:
                staged.replace(path)


def _bring(staged: Path, path: Path) -> None:
    _same_file_system(staged, path).replace(path)


def _same_file_system(staged: Path, path: Path) -> Path:
    """The staged file, or a copy of it next to ``path`` where the two are on different file systems."""
    near = beside(path)
    if staged == near:
        return staged
    try:
        staged.replace(near)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _tree.discard(near)
        shutil.copy2(staged, near, follow_symlinks=False)
        info = staged.lstat()
        os.chown(near, info.st_uid, info.st_gid, follow_symlinks=False)
    return near
