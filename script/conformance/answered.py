# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What clients get: answers with and without a body, pieces as they are produced, and failures."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from itertools import pairwise

from conformance.behaviour import Behaviour, at_root
from conformance.servers import Place
from conformance.speak import Answer, Inside

PAUSE = 0.4
PIECES = 4
#: The route whose answers nginx passes on at once.
UNBUFFERED = "/below/stream"


def bare(method: str, target: str) -> Callable[[Inside, Place], object]:
    """See the status of an answer that has no body, and whether anything follows its head."""

    def see(inside: Inside, place: Place) -> object:
        answer = inside.talk(place.get(target, method=method), method)
        return answer.status, bool(answer.after_head), answer.error

    return see


def empty(inside: Inside, place: Place) -> object:
    """See an answer that could have a body, and has none."""
    answer = inside.talk(place.get("/status?code=404"))
    return answer.status, answer.body, answer.complete


def framing(code: int) -> Callable[[Inside, Place], object]:
    """See whether an answer without a body announces one, and whether its own headers are there."""

    def see(inside: Inside, place: Place) -> object:
        answer = inside.talk(place.get(f"/status?code={code}"))
        lengths = [length for length in answer.headers("Content-Length") if length != "0"]
        return answer.headers("Transfer-Encoding"), lengths, answer.headers("ETag")

    return see


def large(inside: Inside, place: Place) -> object:
    """Have a large header sent, and two of one name."""
    answer = inside.talk(place.get("/headers?size=12000"))
    return answer.status, answer.headers("X-Large") == ["x" * 12000], answer.headers("Set-Cookie")


def paced(inside: Inside, place: Place) -> object:
    """See whether each piece of an answer arrives before the next is produced."""
    answer = inside.talk(place.get(f"/stream?n={PIECES}&pause={PAUSE}", mount=UNBUFFERED))
    times = [seconds for seconds, _heard in answer.arrivals]
    # The head may come with the first piece; an end may come by itself.
    gaps = [later - earlier for earlier, later in pairwise(times)]
    waited = sum(gap > PAUSE / 2 for gap in gaps)
    return answer.complete, len(answer.body), waited >= PIECES - 1


def old(inside: Inside, place: Place) -> object:
    """Ask as a client that does not know chunks."""
    talk = place.talk("/stream")
    request = f"GET {place.mount}/stream HTTP/1.0\r\nHost: {place.domain}\r\n\r\n".encode()
    answer = inside.talk(type(talk)(talk.where).send(request).listen())
    return answer.status, answer.headers("Transfer-Encoding"), answer.body


def logged(inside: Inside, place: Place, text: str) -> bool:
    """Look for a text in the log of an app, for two seconds at the most."""
    deadline = time.monotonic() + 2
    while text not in inside.shell(place.server.log.format(app=place.app)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def failed(inside: Inside, place: Place) -> object:
    """Have the app fail; the client gets 500 and no word of why, the app's log has the traceback, no other log has."""
    marker = f"marker-{secrets.token_hex(8)}"
    answer = inside.talk(place.get(f"/fail?marker={marker}"))
    found = {
        "status": answer.status,
        "client reads why": marker in answer.raw.decode("latin-1"),
        "in its log": logged(inside, place, f"RuntimeError: {marker}") and logged(inside, place, "Traceback"),
    }
    elsewhere = inside.shell(place.neighbour.server.log.format(app=place.neighbour.app))
    return found | {"in another log": marker in elsewhere}


def cut(inside: Inside, place: Place) -> object:
    """Have the app fail in the middle of an answer; the client must not take it for complete."""
    marker = f"marker-{secrets.token_hex(8)}"
    answer: Answer = inside.talk(place.get(f"/fail?late=yes&marker={marker}"))
    return answer.complete, logged(inside, place, f"RuntimeError: {marker}")


FAILED = {"status": 500, "client reads why": False, "in its log": True, "in another log": False}
BEHAVIOURS = [
    Behaviour("answer: HEAD has no body", bare("HEAD", "/environ"), (200, False, "")),
    Behaviour(
        "answer: HEAD has no body, however long the app speaks", bare("HEAD", "/stream"), (200, False, ""), at_root
    ),
    Behaviour("answer: 204 has no body", bare("GET", "/status?code=204"), (204, False, "")),
    Behaviour("answer: 304 has no body", bare("GET", "/status?code=304"), (304, False, "")),
    Behaviour("answer: 204 announces no body", framing(204), ([], [], ['"probe"']), at_root),
    Behaviour("answer: 304 announces no body", framing(304), ([], [], ['"probe"']), at_root),
    Behaviour("answer: an empty body", empty, (404, b"", True), at_root),
    Behaviour("answer: large headers", large, (200, True, ["first=1", "second=2"]), at_root),
    Behaviour("answer: pieces arrive as they are produced", paced, (True, PIECES * 10, True), at_root, waits=True),
    Behaviour("answer: no chunks for HTTP/1.0", old, (200, [], b"x" * 30), at_root),
    Behaviour("failure: 500, and the traceback in the app's own log", failed, FAILED),
    Behaviour("failure: in the middle of an answer, which stays incomplete", cut, (False, True), at_root),
]
