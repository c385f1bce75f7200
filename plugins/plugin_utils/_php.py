# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Constants in a file of PHP: what may be one, and how it is written. Private to the collection.

Source: https://www.php.net/manual/en/language.constants.php and the pages on each type.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, Problem, show

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS = frozenset({"true", "false", "null"})
_LARGEST = 2**63 - 1


def name(text: str) -> Fault | None:
    """Check the name of a constant."""
    if not _NAME.fullmatch(text):
        return Fault(f"{show(text)} is no name of a constant", "use letters, digits and '_', no digit first")
    if text.lower() in _WORDS or text.startswith("__"):
        return Fault(f"{text!r} is a word of PHP itself", "choose another name")
    return None


def value(given: object) -> Fault | None:
    """Check what a constant is to be: a text, a number, true or false, nothing, or a list of such."""
    if isinstance(given, Mapping):
        return Fault("is a mapping", "write a text, a number, true, false, null or a list of them")
    if isinstance(given, str):
        return None if _is_writable(given) else Fault("has a character that no file can hold", "leave it out")
    if isinstance(given, Sequence):
        return next((fault for fault in map(value, given) if fault), None)
    if isinstance(given, float) and not math.isfinite(given):
        return Fault(f"is {given}, which PHP cannot be told", "write a number")
    if isinstance(given, int) and abs(given) > _LARGEST:
        return Fault(f"is {given}, which PHP would round", "write it as a text, or a smaller number")
    return None


def literal(given: object) -> str:
    """Write a value as PHP does; it has been checked."""
    if given is None or isinstance(given, bool):
        return {None: "null", True: "true", False: "false"}[given]
    if isinstance(given, int | float):
        return repr(given)
    if isinstance(given, Sequence) and not isinstance(given, str):
        return f"[{', '.join(map(literal, given))}]"
    # Between single quotes nothing else has a meaning.
    return "'" + str(given).replace("\\", "\\\\").replace("'", "\\'") + "'"


def problems(path: str, constants: Mapping[str, object], taken: Mapping[str, str]) -> Iterator[Problem]:
    """Check constants.

    :param path: where they stand in the model.
    :param taken: names that are defined already, and what to do instead.
    """
    for key, given in constants.items():
        text = str(key)
        fault = name(text) or value(given)
        if fault is None and text in taken:
            fault = Fault("is defined by the role", taken[text])
        if fault is not None:
            yield fault.at(f"{path}.{text if _NAME.fullmatch(text) else show(text)}")


def _is_writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
