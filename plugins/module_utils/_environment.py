# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Environment files as systemd reads them (EnvironmentFile= in systemd.exec(5)).

This module is private to the collection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ASSIGNMENT = re.compile(r'^([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"$', re.MULTILINE)
_SPECIAL = re.compile(r'[\\"`$]')
#: What systemd drops from a value, or refuses: control characters other than tab and line feed.
_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class EnvironmentFileError(Exception):
    """A variable cannot be written; the message names it and never shows its value."""


def environment_line(name: str, value: object) -> str:
    """One assignment, quoted so that systemd reads back exactly ``value``.

    >>> environment_line("GREETING", 'say "hi" for $5')
    'GREETING="say \\\\"hi\\\\" for \\\\$5"'
    """
    if not _NAME.match(name):
        raise EnvironmentFileError(
            f"'{name}' is not a name for an environment variable: letters, digits and '_' only, no digit first"
        )
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise EnvironmentFileError(f"the value of '{name}' is not a text; write it in quotation marks")
    text = str(value)
    if _UNFIT.search(text):
        raise EnvironmentFileError(f"the value of '{name}' has a control character in it")
    quoted = _SPECIAL.sub(r"\\\g<0>", text)
    return f'{name}="{quoted}"'


def environment_values(text: str) -> dict[str, str]:
    """The variables of a file that :func:`environment_text` wrote.

    >>> environment_values('# How to greet\\nGREETING="say \\\\"hi\\\\""\\n')
    {'GREETING': 'say "hi"'}
    """
    return {name: re.sub(r"\\(.)", r"\1", quoted) for name, quoted in _ASSIGNMENT.findall(text)}


def environment_text(variables: Mapping[str, object]) -> str:
    """A whole file, sorted by name."""
    return "".join(f"{environment_line(name, variables[name])}\n" for name in sorted(variables))
