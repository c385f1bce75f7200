# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Clients that are slow, hang up, or come in numbers; and apps that live side by side."""

from __future__ import annotations

import secrets
import time
from statistics import quantiles

from conformance.answered import logged
from conformance.behaviour import Behaviour, at_root
from conformance.bodies import read
from conformance.servers import Place
from conformance.speak import Inside, Talk

SLOW = 200
TIMES = 60
PAUSE = 0.015
SETTLE = 0.5
ROUNDS = 6
LIMIT = 3
#: Seconds: an answer that does not have to wait for anything, the work for one, and two of those side by side.
SOON, WORK, TOGETHER = 2, 2, 3.2


def slow_head(inside: Inside, place: Place) -> object:
    """Send a request a few bytes at a time."""
    words = f"GET {place.mount}/environ HTTP/1.1\r\nHost: {place.domain}\r\nConnection: close\r\n\r\n".encode()
    talk = Talk(place.address)
    for begin in range(0, len(words), 9):
        talk = talk.send(words[begin : begin + 9]).pause(0.03)
    return inside.talk(talk.listen()).status


def slow_body(inside: Inside, place: Place) -> object:
    """Send a body a little at a time."""
    talk = place.talk("/body", "Content-Length: 2510", method="POST")
    for _part in range(10):
        talk = talk.fill(251).pause(0.05)
    return inside.talk(talk.listen()).json()


def slow_reader(inside: Inside, place: Place) -> object:
    """Read a large answer slowly."""
    answer = inside.talk(place.talk("/stream?n=16&size=65536").sip(65536, 0.001))
    return answer.complete, len(answer.body)


def hangs_up(inside: Inside, place: Place) -> object:
    """Leave in the middle of a request, while the app works, and in the middle of an answer; others go on."""
    rude = [
        Talk(place.address).send(b"GET /environ HT"),
        place.talk("/body", "Content-Length: 1000000", method="POST").fill(1000),
        place.talk("/sleep?seconds=0.2").pause(0.05),
        place.talk("/stream?n=100&size=65536").until("x"),
        place.talk("/body", "Transfer-Encoding: chunked", method="POST").send(b"5\r\n123"),
        Talk(place.address),
    ]
    inside.talks(rude)
    answers = [inside.talk(place.get("/environ")) for _time in range(8)]
    return {answer.status for answer in answers}, max(answer.seconds for answer in answers) < SOON


def is_told(inside: Inside, place: Place) -> object:
    """Leave in the middle of an answer; the app stops producing it, and can clean up."""
    marker = secrets.token_hex(8)
    inside.talk(place.talk(f"/stream?n=20&pause=0.1&size=100000&marker={marker}").until("\r\n\r\n").pause(0.1))
    return logged(inside, place, f"stream {marker} was left after")


def together(inside: Inside, place: Place) -> object:
    """Ask twice at once for what takes two seconds."""
    began = time.monotonic()
    answers = inside.talks([place.get(f"/sleep?seconds={WORK}")] * 2)
    return {answer.status for answer in answers}, WORK < time.monotonic() - began < TOGETHER


def apart(inside: Inside, place: Place) -> object:
    """Look at environment and folder of an app while its neighbour's are being changed."""
    changing = place.neighbour.get("/change?seconds=0.3")
    looking = Talk(place.address).pause(0.15)
    own = Talk(place.address, (*looking.steps, *place.get("/environ").steps))
    there, here = (answer.json() for answer in inside.talks([changing, own]))
    return {
        "the neighbour's": [there.get("variables"), there.get("directory")],
        "its own": [here.get("variables"), str(here.get("directory")).startswith(f"/srv/{place.app}/")],
        "one process": there.get("process") == here.get("process"),
    }


def are_apart(place: Place) -> object:
    """Say what two apps see."""
    return {
        "the neighbour's": [{"PROBE_APP": place.neighbour.app, "PROBE_CHANGED": "yes"}, "/"],
        "its own": [{"PROBE_APP": place.app}, True],
        "one process": False,
    }


def root_behind_nginx(place: Place) -> bool:
    """Hold behind nginx: it is what keeps slow clients away, and where all apps can be asked."""
    return at_root(place) and place.proxied


def crowd(place: Place) -> list[dict[str, object]]:
    """Describe the slow clients: a quarter each never ends its headers, its body, its reading, or says nothing."""
    head = f"HTTP/1.1\r\nHost: {place.domain}\r\n"
    words = [
        (f"GET /environ {head}X-Slow: ", True),
        (f"POST /body {head}Content-Length: 100000\r\n\r\n", True),
        (f"GET /stream?n=16&size=65536 {head}\r\n", False),
        ("", False),
    ]
    talks = [Talk(place.address).send(text.encode()).steps[0][1] for text, _talks in words]
    return [
        {"count": SLOW // len(words), "words": sent, "talks": talks_on}
        for sent, (_text, talks_on) in zip(talks, words, strict=True)
    ]


def stays_quick(inside: Inside, place: Place) -> object:
    """Compare the 95th percentile of ordinary requests alone and among slow clients; the best of some rounds counts."""
    seen: dict[str, object] = {}
    for _round in range(ROUNDS):
        alone, _lines = inside.measure(place.get("/environ"), TIMES, PAUSE)
        inside.crowd(place.address, crowd(place))
        # The answers for those that hardly read are produced at once; what counts is how it is when they are attached.
        time.sleep(SETTLE)
        among, lines = inside.measure(place.get("/environ"), TIMES, PAUSE)
        attached = inside.crowd(place.address, [])
        ratio = percentile(among) / percentile(alone)
        seen = {"attached": attached, "answers": sorted(lines), "quick": ratio < LIMIT}
        if seen == STAYS_QUICK:
            break
    return seen


def percentile(seconds: list[float]) -> float:
    """Give the 95th percentile."""
    return quantiles(seconds, n=20)[-1]


STAYS_QUICK = {"attached": SLOW, "answers": ["HTTP/1.1 200 OK"], "quick": True}
BEHAVIOURS = [
    Behaviour("slow client: head", slow_head, 200, at_root, waits=True),
    Behaviour("slow client: body", slow_body, read(2510), at_root, waits=True),
    Behaviour("slow client: reading", slow_reader, (True, 16 * 65536), at_root, waits=True),
    Behaviour("client that hangs up: others are answered", hangs_up, ({200}, True), at_root),
    Behaviour("client that hangs up: the app is told", is_told, True, at_root),
    Behaviour("load: two requests of 2 s together take about 2 s", together, ({200}, True), at_root, waits=True),
    Behaviour("load: 200 slow clients leave ordinary requests quick", stays_quick, STAYS_QUICK, root_behind_nginx),
    Behaviour("side by side: apps share neither environment nor folder", apart, are_apart, root_behind_nginx),
]
