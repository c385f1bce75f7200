# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have a program check a staged tree as if it were live, and find out which entry its complaint is about.

This module is private to the collection.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils._publish_plan import Item

#: $1 the live folder, $2 the staged one, $3 the number of scratch folders, then these, then the command.
_IN_NAMESPACE = """
set -e
live=$1 staged=$2 scratch=$3
shift 3
mount --bind "$staged" "$live"
while [ "$scratch" -gt 0 ]; do
  if [ -d "$1" ]; then mount -t tmpfs -o mode=0755 tmpfs "$1"; fi
  scratch=$((scratch - 1))
  shift
done
exec "$@"
"""

#: How programs name a line of a file: "file:12", "line 12 of file", "file, line 12", "file", line 12.
_LINE_AFTER = re.compile(r'^"?(?::|,? line |, on line )(\d+)')
_LINE_BEFORE = re.compile(r"line (\d+) (?:of|in) (?:file )?\"?$")

#: What a program quotes.
_QUOTED = re.compile(r"['`\"]([^'`\"\n]+)['\"]")

_CONTEXT_LINES = 2

#: What the collection makes for web servers beside their own folders, such as certificates.
_OWN = re.compile(r"/etc/barehost/[\w./@+-]*\w")


def find_program(command: Sequence[str]) -> str | None:
    """Where the program of ``command`` is, also in the folders of the administrator's programs."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    return shutil.which(command[0], path=path)


def validate(
    command: Sequence[str], live: Path, staged: Path, *, scratch: Iterable[str] = (), timeout: int = 60
) -> tuple[bool, str]:
    """Run ``command`` in a mount namespace of its own in which ``staged`` stands at ``live``.

    The program reads the very paths it will read later, so nothing has to be rewritten for the check, and its
    messages name the paths that the administrator knows.

    :param command: program and arguments, the program as :func:`find_program` found it.
    :param scratch: folders the program may write to while it checks, such as its logs; what it writes is lost.
    :param timeout: seconds.
    :returns: whether the program accepted the tree, and all that it said.
    """
    scratch = list(scratch)
    arguments = [str(live), str(staged), str(len(scratch)), *scratch, *command]
    inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _IN_NAMESPACE, "validate", *arguments]
    return asked(inside, command, timeout)


def asked(arguments: Sequence[str], command: Sequence[str], timeout: int) -> tuple[bool, str]:
    """Run a program that judges, and give whether it accepts, and all that it said.

    :param arguments: what is run.
    :param command: what it is for people.
    """
    try:
        done = subprocess.run(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        return False, f"{' '.join(command)} did not answer within {timeout} seconds"
    return done.returncode == 0, done.stdout.decode("utf-8", "replace").strip()


def rejected_line(output: str, reject: str) -> str:
    """The first line of ``output`` that the pattern ``reject`` matches; empty where none does or none is given.

    For programs that only warn about what makes a configuration wrong here.
    """
    lines = output.splitlines() if reject else []
    return next((line for line in lines if re.search(reject, line)), "")


def foreseen(output: str) -> str:
    """The first file of the collection's own that ``output`` names and that is not there; empty for none."""
    return next((path for path in _OWN.findall(output) if not os.path.lexists(path)), "")


def _line_of(output: str, path: str) -> int | None:
    """The line of the file ``path`` that ``output`` names; 0 for the file without a line, ``None`` for neither."""
    seen: int | None = None
    for match in re.finditer(re.escape(path) + r"(?![\w.-])", output):
        after = _LINE_AFTER.search(output[match.end() : match.end() + 20])
        before = _LINE_BEFORE.search(output[max(0, match.start() - 40) : match.start()])
        found = after or before
        if found:
            return int(found.group(1))
        seen = 0
    return seen


def blame(output: str, items: Iterable[Item]) -> list[str]:
    """Which published files a checker's ``output`` complains about: entry, path, template and the lines around.

    A file that is read through a published link is recognized by either name. Where no file is named at all, it is the
    one with a setting that the program quotes.
    """
    items = list(items)
    links = {str(Path(item.path).parent / item.target): item.path for item in items if item.kind == "link"}
    links = {os.path.normpath(target): path for target, path in links.items()}
    found = []
    for item in items:
        if item.kind != "file":
            continue
        lines = [_line_of(output, path) for path in (item.path, links.get(item.path)) if path]
        named = [line for line in lines if line is not None]
        if named:
            found.append(_describe(item, max(named)))
    return found or [_describe(item, line) for item in items for line in _quoted_lines(output, item)]


def quoting(output: str, items: Iterable[Item]) -> list[str]:
    """Which published files have a setting whose value is what a checker's ``output`` quotes."""
    quoted = set(_QUOTED.findall(output))
    return [
        _describe(item, number)
        for item in items
        if item.kind == "file"
        for number, line in enumerate(item.content.decode("utf-8", "replace").splitlines(), 1)
        if line.partition("=")[2] in quoted
    ]


def _quoted_lines(output: str, item: Item) -> list[int]:
    """The lines ``name = value`` of a file of which ``output`` quotes the name, or all of it."""
    quoted = {_setting(text) for text in _QUOTED.findall(output)}
    lines = item.content.decode("utf-8", "replace").splitlines() if item.kind == "file" else []
    settings = [(number, _setting(line)) for number, line in enumerate(lines, 1) if line.strip()]
    return [number for number, setting in settings if quoted & {setting, setting.partition("=")[0]}]


def _setting(text: str) -> str:
    """A setting as it is compared: programs take ``-`` for ``_``, and write it without spaces."""
    return re.sub(r"\s*=\s*", "=", text.strip()).replace("_", "-")


def _describe(item: Item, line: int) -> str:
    origin = f"{item.path}" + (f", line {line}" if line else "")
    if item.entry:
        origin = f"entry '{item.entry}': {origin}"
    if item.template:
        origin += f" (from template {item.template})"
    if not line or item.secret:
        return origin
    text = item.content.decode("utf-8", "replace").splitlines()
    first, last = max(1, line - _CONTEXT_LINES), min(len(text), line + _CONTEXT_LINES)
    shown = [f"  {'>' if at == line else ' '} {at:>4} | {text[at - 1]}" for at in range(first, last + 1)]
    return "\n".join([origin, *shown])
