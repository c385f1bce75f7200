# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Request bodies: none, small, large, in chunks, announced, and not read by the app."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cache

from conformance.behaviour import Behaviour, at_root
from conformance.inside import PATTERN
from conformance.servers import Place
from conformance.speak import Inside

MEGABYTE = 1_000_000
TIMES = 4
#: The route that takes large bodies.
UPLOAD = "/below/upload"


@cache
def read(size: int) -> dict[str, object]:
    """Say what the app reads from a body of this size."""
    whole, rest = divmod(size, len(PATTERN))
    digest = hashlib.sha256()
    for _time in range(whole):
        digest.update(PATTERN)
    digest.update(PATTERN[:rest])
    return {"length": size, "sha256": digest.hexdigest()}


def sized(inside: Inside, place: Place, size: int) -> object:
    """Send a body of a known length."""
    talk = place.talk("/body", f"Content-Length: {size}", method="POST", mount=UPLOAD)
    return inside.talk(talk.fill(size).listen()).json()


def chunked(inside: Inside, place: Place, size: int) -> object:
    """Send a body in chunks, and see whether it arrives whole."""
    talk = place.talk("/body", "Transfer-Encoding: chunked", method="POST", mount=UPLOAD)
    return inside.talk(talk.fill(size, 10_000).listen()).json() == read(size)


def unannounced(inside: Inside, place: Place) -> object:
    """Send a POST without a body, and without saying so."""
    return inside.talk(place.get("/body", method="POST")).json()


def expected(inside: Inside, place: Place) -> object:
    """Send a body only after the server has said that it wants it."""
    talk = place.talk("/body", "Expect: 100-continue", "Content-Length: 5000", method="POST")
    answer = inside.talk(replace(talk, timeout=2).until("\r\n\r\n").fill(5000).listen())
    return answer.continued, answer.json() == read(5000)


def unread(inside: Inside, place: Place, target: str) -> object:
    """Send bodies that the app does not read; an answer must not be lost over it, as it easily is."""
    talk = place.talk(target, f"Content-Length: {MEGABYTE}", method="POST").fill(MEGABYTE).listen()
    return {(answer.status, answer.error) for answer in (inside.talk(talk) for _time in range(TIMES))}


BEHAVIOURS = [
    Behaviour("body: 0 bytes", lambda inside, place: sized(inside, place, 0), read(0)),
    Behaviour("body: none", unannounced, read(0), at_root),
    Behaviour("body: 1 MB", lambda inside, place: sized(inside, place, MEGABYTE), read(MEGABYTE)),
    Behaviour(
        "body: 100 MB", lambda inside, place: sized(inside, place, 100 * MEGABYTE), read(100 * MEGABYTE), at_root
    ),
    Behaviour("body: 1 MB in chunks", lambda inside, place: chunked(inside, place, MEGABYTE), True, at_root),
    Behaviour("body: 0 bytes in chunks", lambda inside, place: chunked(inside, place, 0), True, at_root),
    Behaviour("body: sent when the server asks for it", expected, (True, True), at_root, waits=True),
    Behaviour(
        "body: not read by the app", lambda inside, place: unread(inside, place, "/environ"), {(200, "")}, at_root
    ),
    Behaviour(
        "body: not read by the app, which fails",
        lambda inside, place: unread(inside, place, "/fail"),
        {(500, "")},
        at_root,
    ),
]
