# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask a server again that could not answer for the moment. This module is private to the collection."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TypeVar

Given = TypeVar("Given")

#: Seconds before each further try.
PAUSES = (1.0, 3.0, 10.0)


def patiently(work: Callable[[], Given], passing: Callable[[Exception], bool], longest: float = math.inf) -> Given:
    """What ``work`` returns. There are as many further tries as pauses; what the last one raises is raised.

    :param passing: whether what ``work`` raised may be over in a moment; only then it is begun again.
    :param longest: seconds after which nothing is begun again.
    """
    started = time.monotonic()
    for pause in PAUSES:
        try:
            return work()
        except Exception as error:
            if not passing(error) or time.monotonic() - started > longest:
                raise
        time.sleep(pause)
    return work()
