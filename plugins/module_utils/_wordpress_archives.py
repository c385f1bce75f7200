# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Back up and restore WordPresses by the program that the host has for it. This module is private to the collection.

See modules/wordpress_backup.py and modules/wordpress_restore.py.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._host import Answer, HostError

PROGRAM = Path("/usr/local/lib/barehost/wordpress_backup.py")
_SETTINGS = Path("/etc/wordpress")
_WRITTEN = re.compile(r"(?P<name>[a-z][a-z0-9_-]*): (?P<path>/\S+\.tar\.gz) \(.*\)")


class ArchiveError(HostError):
    """What the program said."""


def _ask(*words: str) -> list[str]:
    """Run the program; the lines that it says."""
    done = subprocess.run(
        [str(PROGRAM), *words], capture_output=True, text=True, errors="replace", check=False, stdin=subprocess.DEVNULL
    )
    lines = done.stdout.splitlines()
    if done.returncode:
        so_far = "".join(f"\nDone before that: {line}" for line in lines)
        raise ArchiveError(f"{done.stderr.strip()}{so_far}", lines=lines)
    return lines


def _have_program() -> None:
    if not PROGRAM.exists():
        raise ArchiveError(f"{PROGRAM} is not on this host. Run site.yml first.")


def back_up(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Make an archive of each."""
    names: list[str] = options["names"]
    if check:
        absent = [name for name in names if not (_SETTINGS / f"{name}.cron.json").exists()]
        warnings = [f"'{name}' is not on this host yet." for name in absent]
        return Answer({"changed": bool(names), "archives": [], "lines": [], "names": names}, warnings)
    _have_program()
    lines = _ask("backup", "--", *names)
    found = [match for line in lines if (match := _WRITTEN.fullmatch(line))]
    archives = [{"name": match["name"], "path": match["path"]} for match in found]
    if options["hand_over"]:
        for archive in archives:
            archive["from"] = _handed(archive["path"], Path(options["hand_over"]))
    return Answer({"changed": True, "archives": archives, "lines": lines})


def _handed(path: str, folder: Path) -> str:
    """Give a path where whoever has logged in can fetch an archive, which is root's."""
    owner = folder.stat()
    if owner.st_uid == os.geteuid():
        return path
    copy = folder / Path(path).name
    with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as target:
        with Path(path).open("rb") as source:
            shutil.copyfileobj(source, target)
        os.fchown(target.fileno(), owner.st_uid, owner.st_gid)
    return str(copy)


def restore(options: Mapping[str, Any], *, check: bool) -> Answer:
    """See that all archives are whole and fit, and only then begin with the first."""
    _have_program()
    wanted: list[Mapping[str, str]] = options["restores"]
    flags: Sequence[str] = [
        *(["--from", options["origin"]] if options["origin"] else []),
        *(["--new-address"] if options["new_address"] else []),
    ]
    problems, lines = [], []
    for one in wanted:
        try:
            lines += _ask("restore", "--check", *flags, "--", one["name"], one["archive"])
        except ArchiveError as error:
            problems.append(str(error))
    if problems:
        raise ArchiveError("Nothing was changed:\n" + "\n".join(problems))
    if not check:
        lines = _each_restored(wanted, flags)
    return Answer({"changed": bool(wanted), "lines": lines, "diff": {"prepared": "".join(f"{x}\n" for x in lines)}})


def _each_restored(wanted: Sequence[Mapping[str, str]], flags: Sequence[str]) -> list[str]:
    """Restore one after the other; what was done with those before is part of the complaint about one."""
    lines: list[str] = []
    for one in wanted:
        try:
            lines += _ask("restore", *flags, "--", one["name"], one["archive"])
        except ArchiveError as error:
            so_far = "".join(f"\nDone before that: {line}" for line in lines)
            raise ArchiveError(f"{error}{so_far}") from error
    return lines


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.wordpress_backup, or of barehost.web.wordpress_restore."""
    return restore(options, check=check) if "restores" in options else back_up(options, check=check)
