# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is asked of every server: a behaviour is a request, and the answer that follows from the request alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conformance.servers import Place
from conformance.speak import Inside


def everywhere(_place: Place) -> bool:
    """Hold for every place."""
    return True


def at_root(place: Place) -> bool:
    """Hold for places at ``/``: what does not depend on the path is asked once for each way to an app."""
    return not place.mount


def behind_nginx(place: Place) -> bool:
    """Hold for places behind nginx."""
    return place.proxied


def below(place: Place) -> bool:
    """Hold for places below a prefix."""
    return bool(place.mount)


@dataclass(frozen=True)
class Behaviour:
    """One thing that all servers do alike.

    ``see`` speaks to a place and says what it saw, ``expected`` says what it should have seen, as a value or, where it
    depends on the place, as a function. One that ``waits`` for most of its time is seen at several apps side by side.
    """

    name: str
    see: Callable[[Inside, Place], object]
    expected: Callable[[Place], object] | object
    at: Callable[[Place], bool] = everywhere
    waits: bool = False

    def wanted(self, place: Place) -> object:
        """Say what is expected at a place."""
        return self.expected(place) if callable(self.expected) else self.expected
