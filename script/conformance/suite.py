# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All behaviours, and the one table of what a server does differently."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from conformance import answered, bodies, clients, told
from conformance.behaviour import Behaviour
from conformance.servers import Place, places

ANSWERS = Behaviour("answers: plain HTTP", lambda inside, place: inside.talk(place.get("/environ")).status, 200)
RELEASES = ("debian12", "debian13")
BEHAVIOURS = [ANSWERS, *told.BEHAVIOURS, *answered.BEHAVIOURS, *bodies.BEHAVIOURS, *clients.BEHAVIOURS]


@dataclass(frozen=True)
class Difference:
    """What a server does instead, and why. ``transport``, ``behaviour`` and ``release`` may have ``*`` in them."""

    server: str
    transport: str
    behaviour: str
    seen: object
    instead: str
    why: str
    release: str = "*"

    def covers(self, place: Place, behaviour: Behaviour, release: str) -> bool:
        """Tell whether it is about this."""
        return (
            place.server.name == self.server
            and fnmatchcase(release, self.release)
            and fnmatchcase(place.transport, self.transport)
            and fnmatchcase(behaviour.name, self.behaviour)
        )


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        server="uwsgi",
        transport="direct-unix",
        behaviour="answers: plain HTTP",
        seen=0,
        instead="hangs up",
        why="It speaks uWSGI's own protocol, to nginx. An app with `protocol: http` answers.",
    ),
    Difference(
        server="uwsgi",
        transport="direct-tcp",
        behaviour="answer: HEAD has no body*",
        seen=(200, True, ""),
        instead="sends the body",
        why="uWSGI sends what the app gives it. nginx leaves the body out.",
    ),
    Difference(
        server="uwsgi",
        transport="nginx-unix",
        behaviour="header: twice the same",
        seen="2",
        instead="hands over the last",
        why="nginx before 1.23 sends each by itself in uWSGI's own protocol, and uWSGI keeps one. "
        "An app with `protocol: http` gets both.",
        release="debian12",
    ),
    Difference(
        server="uwsgi",
        transport="direct-tcp",
        behaviour="body: 1 MB in chunks",
        seen=False,
        instead="hands the app no body",
        why="uWSGI has chunks read by a function of its own, not by `wsgi.input`. nginx sends the length instead.",
    ),
    Difference(
        server="uwsgi",
        transport="direct-tcp",
        behaviour="body: sent when the server asks for it",
        seen=(False, False),
        instead="does not ask for it",
        why="uWSGI does not know `Expect`. nginx does.",
    ),
    Difference(
        server="uwsgi",
        transport="*",
        behaviour="failure: in the middle of an answer, which stays incomplete",
        seen=(True, True),
        instead="ends it as if it were complete",
        why="uWSGI sends no chunks and no length that the app does not give, so the end of the connection is the end.",
    ),
    Difference(
        server="mod_wsgi",
        transport="direct-unix",
        behaviour="answers: plain HTTP",
        seen=0,
        instead="has no unix socket",
        why="Apache listens on TCP only. nginx finds an app without `bind` at a loopback address of its own.",
    ),
    Difference(
        server="mod_wsgi",
        transport="direct-tcp",
        behaviour="path: an encoded zero",
        seen=404,
        instead="answers 404",
        why="Apache takes it for no path, as nginx does.",
    ),
    Difference(
        server="mod_wsgi",
        transport="*",
        behaviour="failure: in the middle of an answer, which stays incomplete",
        seen=(True, True),
        instead="ends it as if it were complete",
        why="Apache sees that an answer ends, not that the app failed. A length that the app gives tells the client.",
    ),
    Difference(
        server="gunicorn",
        transport="*",
        behaviour="*, raw non-ASCII",
        seen=400,
        instead="answers 400",
        why="A target has only ASCII characters (RFC 3986). Browsers encode all others, and those arrive.",
    ),
)


def difference(place: Place, behaviour: Behaviour, release: str) -> Difference | None:
    """Find the one difference that is listed for this on a release of Debian."""
    found = [one for one in DIFFERENCES if one.covers(place, behaviour, release)]
    if len(found) > 1:
        raise ValueError(f"{place}, {behaviour.name}, {release}: {len(found)} differences are listed, one can be true")
    return found[0] if found else None


def answers(place: Place) -> bool:
    """Tell whether a place can be asked in plain HTTP."""
    return all(difference(place, ANSWERS, release) is None for release in RELEASES)


def cases() -> list[tuple[Place, Behaviour]]:
    """List what is asked where. A place that does not answer plain HTTP is asked for that alone."""
    return [
        (place, behaviour)
        for place in places()
        for behaviour in BEHAVIOURS
        if behaviour.at(place) and (behaviour is ANSWERS or answers(place))
    ]
