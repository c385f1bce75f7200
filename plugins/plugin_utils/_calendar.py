# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calendar events in systemd's notation (systemd.time(7)). Private to the collection.

systemd itself complains when the timer starts, which is after the host was changed.
"""

from __future__ import annotations

import re
import zoneinfo

from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, show

_WORDS = frozenset(
    ["minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "yearly", "annually"]
)
_DAYS = r"(?:mon(?:day)?|tue(?:sday)?|wed(?:nesday)?|thu(?:rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
_DAY_LIST = re.compile(rf"{_DAYS}(?:\.\.{_DAYS})?(?:,{_DAYS}(?:\.\.{_DAYS})?)*,?", re.IGNORECASE)
_PART = re.compile(r"(?:\*|(?P<first>\d+)(?:\.\.(?P<last>\d+))?)(?:/(?P<step>\d+))?")
_SECONDS = re.compile(r"\.\d{1,6}(?![.\d])")
_WAY_OUT = "write 'daily', 'Mon 04:00' or '*-*-* 02:30:00', as systemd.time(7) says"
# Least and most of years, months and days, of hours, minutes and seconds.
_DATE = ((1970, 2199), (1, 12), (1, 31))
_TIME = ((0, 23), (0, 59), (0, 59))


def calendar(text: str) -> Fault | None:
    """Check a calendar event: a word, or weekday, date and time, of which each may be left out, and a time zone."""
    words = text.split(" ")
    if len(words) > 1 and words[-1] in {"UTC", *zoneinfo.available_timezones()}:
        del words[-1]
    if len(words) == 1 and words[0].lower() in _WORDS:
        return None
    given = len(words)
    for fits in (_DAY_LIST.fullmatch, _is_date, _is_time):
        if words and fits(words[0]):
            del words[0]
    return None if given and not words else Fault(f"{show(text)} is no calendar event", _WAY_OUT)


def _is_date(word: str) -> bool:
    # The days of a month may be counted from its end.
    parts = word.replace("~", "-").split("-")
    limits = _DATE[-len(parts) :]
    return len(parts) in {2, 3} and all(_is_part(part, *limit) for part, limit in zip(parts, limits, strict=True))


def _is_time(word: str) -> bool:
    parts = word.split(":")
    if len(parts) not in {2, 3}:
        return False
    limits = _TIME[: len(parts)]
    plain = [*parts[:2], *(_SECONDS.sub("", part) for part in parts[2:])]
    return all(_is_part(part, *limit) for part, limit in zip(plain, limits, strict=True))


def _is_part(text: str, least: int, most: int) -> bool:
    for piece in text.split(","):
        found = _PART.fullmatch(piece)
        if not found:
            return False
        numbers = [int(number) for number in (found["first"], found["last"]) if number is not None]
        if any(not least <= number <= most for number in numbers) or numbers != sorted(numbers) or found["step"] == "0":
            return False
    return True
