# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How mistakes of a model are worded, found again and put in order. Private to the collection."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_LONGEST = 60
_USERINFO = re.compile(r"//[^/@\s]*@")
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it is, what is wrong, and what to write instead."""

    path: str
    reason: str
    way_out: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" + (f"; {self.way_out}" if self.way_out else "")


class Fault(NamedTuple):
    """A mistake in one value, by whoever does not know where in the model the value stands."""

    reason: str
    way_out: str = ""

    def at(self, path: str) -> Problem:
        """Say where the value stands."""
        return Problem(path, self.reason, self.way_out)


def show(value: object) -> str:
    """Quote a value for a message: short, on one line, without the credentials that a URL may carry."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list"
    if not isinstance(value, str):
        return str(value)
    text = _USERINFO.sub("//***@", value)
    return repr(text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "...")


def meant(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Find the known word that somebody who wrote another one most likely had in mind."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=likeness)
    return by_lower[close[0]] if close else None


def hint(word: str, known: Iterable[str]) -> str:
    """Ask whether a similar known word was meant, or list the known ones."""
    names = sorted(known)
    close = meant(word, names)
    if close is not None:
        return f"did you mean {close!r}?"
    return f"there is {', '.join(repr(name) for name in names)}" if names else "there is none at all"


def ordered(problems: Iterable[Problem]) -> list[Problem]:
    """Sort problems by path, entry 10 after entry 9, and drop repetitions."""
    return sorted(set(problems), key=lambda problem: (_natural(problem.path), problem.reason))


def report(problems: Iterable[Problem]) -> str:
    """Write all problems as one text: a line that counts them, then one line for each."""
    lines = [str(problem) for problem in ordered(problems)]
    count = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    return "\n".join([f"The model has {count}:", *lines])


def _natural(path: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _DIGITS.split(path)]
