# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask a server again that could not answer for the moment. This module is private to the collection."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

Given = TypeVar("Given")

#: Seconds before each further try.
PAUSES = (1.0, 3.0, 10.0)
#: Seconds after which nothing is begun again: what hangs that long is no matter of a moment.
_LONGEST = 60.0


def patiently(
    work: Callable[[], Given], passing: Callable[[Exception], bool], pauses: Sequence[float] | None = None
) -> Given:
    """What ``work`` returns.

    :param passing: whether what ``work`` raised may be over in a moment; only then it is begun again.
    :param pauses: seconds before each further try, ``PAUSES`` unless told. What the last one raises is raised.
    """
    started = time.monotonic()
    for pause in PAUSES if pauses is None else pauses:
        try:
            return work()
        except Exception as error:
            if not passing(error) or time.monotonic() - started > _LONGEST:
                raise
        time.sleep(pause)
    return work()
