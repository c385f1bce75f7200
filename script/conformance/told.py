# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the app is told of a request: PEP 3333, and the same behind every server."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote_to_bytes

from conformance.behaviour import Behaviour, at_root, behind_nginx, below
from conformance.servers import MOUNT, Place
from conformance.speak import Inside, Talk

#: Targets below the mount. Each reaches the app as it is written, percent-decoded once, whatever nginx makes of it.
TARGETS: dict[str, bytes] = {
    "a path": b"/environ",
    "the root": b"/",
    "a slash at the end": b"/a/",
    "double slashes": b"/a//b",
    "two slashes first": b"//a",
    "only slashes": b"///",
    "an encoded slash": b"/a%2Fb%2f",
    "blanks and plus": b"/a%20b+c",
    "non-ASCII, encoded": b"/%C3%A9%E2%82%AC",
    "a path, raw non-ASCII": "/é€".encode(),
    "bytes that are not UTF-8": b"/%FF%fe",
    "an encoded question mark": b"/a%3Fb?c=%3F",
    "an encoded hash": b"/a%23b",
    "an encoded percent": b"/a%2525",
    "an encoded line feed": b"/a%0Ab%0d%09",
    "one dot": b"/a/./b",
    "two dots": b"/a/../b",
    "encoded dots": b"/a/%2e%2e/b",
    "punctuation": b"/a;b=c,d:@!$&'()*~",
    "characters to be encoded": b'/a|b^c{}\\"<>`',
    "a URL in the path": b"/http://other.test/x",
    "an empty query": b"/a?",
    "a query": b"/a?b=c&b=d&&e",
    "a query with everything": b"/a?b/c//d?e=%20+%C3%A9;:@",
    "a query, raw non-ASCII": "/a?é".encode(),
}
#: Paths that nginx takes for the mount although they are spelt differently, or not, and how they are split.
SPELLINGS: dict[str, tuple[str, str, str]] = {
    "an encoded letter": ("/below/%70robe/x", MOUNT, "/x"),
    "a double slash": ("//below//probe/x", MOUNT, "/x"),
    "a way round": ("/a/../below/probe/x", MOUNT, "/x"),
    "a way out and in": ("/below/probe/../probe/x", MOUNT, "/x"),
    "a way out": ("/below/probe/../x", "", "/below/probe/../x"),
    "a longer name": ("/below/probes", "", "/below/probes"),
    "the prefix twice": ("/below/probe/below/probe", MOUNT, "/below/probe"),
}
#: What a client may claim of itself, and nobody may believe.
CLAIMS = (
    "X-Script-Name: /spoofed",
    "Script-Name: /spoofed",
    "SCRIPT_NAME: /spoofed",
    "PATH_INFO: /spoofed",
    "REMOTE_ADDR: 203.0.113.66",
    "X-Real-IP: 203.0.113.66",
    "X_Real_IP: 203.0.113.66",
    "X-Forwarded-For: 203.0.113.66",
    "X-Forwarded-For: 203.0.113.67, 203.0.113.66",
    "X-Forwarded-Proto: https",
    "X_Forwarded_Proto: https",
    "X-Forwarded-Ssl: on",
    "X-Forwarded-Protocol: ssl",
    "X-Forwarded-Host: spoofed.test",
    "X-Forwarded-Port: 6666",
    "X-Forwarded-Prefix: /spoofed",
    "Forwarded: for=203.0.113.66;proto=https;host=spoofed.test",
    "Proxy: http://spoofed.test",
)
SPLIT = ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING")
CLIENT = ("wsgi.url_scheme", "HTTP_HOST", "REMOTE_ADDR", "HTTPS")
NGINX_REFUSES = 400
LARGE = tuple(f"X-Large-{number}: {'x' * 15_000}" for number in range(3))


def told(inside: Inside, talk: Talk, *names: str) -> object:
    """Ask, and pick from what the app was told; the status instead, when there was no such answer."""
    answer = inside.talk(talk)
    environ = answer.json().get("environ")
    return {name: environ.get(name, "") for name in names} if environ else answer.status


def split(mount: str, target: bytes) -> dict[str, str]:
    """Split a target as PEP 3333 has it: bytes as latin-1, the path decoded, the query not."""
    path, _, query = target.partition(b"?")
    return {
        "SCRIPT_NAME": mount,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
    }


def of_target(name: str, target: bytes) -> Behaviour:
    """Describe how a target reaches the app."""
    return Behaviour(
        f"path: {name}",
        lambda inside, place: told(inside, place.get(target), *SPLIT),
        lambda place: split(place.mount, target),
    )


def of_spelling(name: str, path: str, mount: str, rest: str) -> Behaviour:
    """Describe how a path reaches the app that is, or is not, the mount spelt differently."""
    return Behaviour(
        f"prefix: {name}",
        lambda inside, place: told(inside, Place(place.server, place.transport).get(path), *SPLIT),
        {"SCRIPT_NAME": mount, "PATH_INFO": rest, "QUERY_STRING": ""},
        below,
    )


def of_client(*headers: str) -> Callable[[Inside, Place], object]:
    """See what the app is told of who asks it for what, whatever the client claims."""
    return lambda inside, place: told(inside, place.get("/environ?a", *headers), *CLIENT, *SPLIT)


def client(place: Place) -> dict[str, str]:
    """Say who asks for what."""
    who = {"wsgi.url_scheme": "http", "HTTP_HOST": place.domain, "REMOTE_ADDR": place.client, "HTTPS": ""}
    return who | split(place.mount, b"/environ?a")


def leftovers(inside: Inside, place: Place) -> object:
    """See which headers still carry claims, of those that apps and frameworks are known to read."""
    environ = inside.talk(place.get("/environ", *CLAIMS)).json()["environ"]
    read = ("HTTP_X_FORWARDED", "HTTP_X_REAL", "HTTP_FORWARDED", "HTTP_PROXY", "HTTP_X_SCRIPT")
    claimed = re.compile(r"spoofed|203\.0\.113|https|6666|\Aon\Z|ssl")
    return sorted(name for name, value in environ.items() if name.startswith(read) and claimed.search(value))


def program(inside: Inside, place: Place) -> object:
    """Ask as a program of the machine itself does."""
    steps = place.get("/environ?a").steps
    return told(inside, Talk(replace(place.address, source="127.0.0.1"), steps), *CLIENT, *SPLIT)


def of_method(method: str) -> Behaviour:
    """Describe that a method reaches the app."""
    return Behaviour(
        f"method: {method}",
        lambda inside, place: told(inside, place.get("/environ", method=method), "REQUEST_METHOD"),
        {"REQUEST_METHOD": method},
        at_root,
    )


def not_from_the_machine(place: Place) -> bool:
    """Hold where a client from outside may come: whoever opens the unix socket is the web server."""
    return place.transport != "direct-unix"


def absolute(inside: Inside, place: Place) -> object:
    """Ask with a whole URL, as to a proxy."""
    talk = Place(place.server, place.transport).get(f"http://{place.domain}{place.mount}/a%20b?c")
    return told(inside, talk, *SPLIT, "HTTP_HOST")


def posted(inside: Inside, place: Place) -> object:
    """Send a body and its type."""
    talk = place.talk("/environ", "Content-Type: text/x-probe; a=b", "Content-Length: 5", method="POST")
    names = ("CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH")
    return told(inside, talk.send(b"12345").listen(), *names)


def twice(inside: Inside, place: Place) -> object:
    """Send a header twice; it is one value, joined by commas."""
    environ = inside.talk(place.get("/environ", "X-Twice: 1", "X-Twice: 2")).json().get("environ", {})
    return environ.get("HTTP_X_TWICE", "").replace(" ", "")


def of_size(name: str, variable: str, size: int, ask: Callable[[Place], Talk]) -> Behaviour:
    """Describe that something large reaches the app."""

    def see(inside: Inside, place: Place) -> object:
        answer = inside.talk(ask(place))
        environ = answer.json().get("environ", {})
        return answer.status, sum(value.count("x") for key, value in environ.items() if key.startswith(variable))

    return Behaviour(name, see, (200, size))


BEHAVIOURS = [
    *(of_target(name, target) for name, target in TARGETS.items()),
    Behaviour(
        "path: nothing after the prefix",
        lambda inside, place: told(inside, place.get("?a"), *SPLIT),
        split(MOUNT, b"?a"),
        below,
    ),
    Behaviour(
        "path: an encoded zero",
        lambda inside, place: told(inside, place.get("/a%00b"), *SPLIT),
        lambda place: NGINX_REFUSES if place.proxied else split("", b"/a%00b"),
    ),
    Behaviour(
        "path: a whole URL as target",
        absolute,
        lambda place: {"HTTP_HOST": place.domain, **split(place.mount, b"/a b?c")},
    ),
    *(of_spelling(name, *spelling) for name, spelling in SPELLINGS.items()),
    Behaviour("client: scheme, host and address", of_client(), client),
    Behaviour(
        "client: a program of the machine", program, lambda place: client(place) | {"REMOTE_ADDR": "127.0.0.1"}, at_root
    ),
    Behaviour("client: claims are ignored", of_client(*CLAIMS), client, not_from_the_machine),
    Behaviour("client: claims do not reach the app", leftovers, [], not_from_the_machine),
    Behaviour(
        "client: host with a port",
        lambda inside, place: told(inside, place.get("/environ", host=f"{place.domain}:8080"), "HTTP_HOST"),
        lambda place: {"HTTP_HOST": f"{place.domain}:8080"},
        at_root,
    ),
    Behaviour(
        "client: name and port of the server are those of the host",
        lambda inside, place: told(
            inside, place.get("/environ", host=f"{place.domain}:8080"), "SERVER_NAME", "SERVER_PORT"
        ),
        lambda place: {"SERVER_NAME": place.domain, "SERVER_PORT": "8080"},
        behind_nginx,
    ),
    *(of_method(method) for method in ("OPTIONS", "PATCH", "DELETE", "PROPFIND")),
    Behaviour(
        "header: type and length of the body",
        posted,
        {
            "CONTENT_TYPE": "text/x-probe; a=b",
            "CONTENT_LENGTH": "5",
            "HTTP_CONTENT_TYPE": "",
            "HTTP_CONTENT_LENGTH": "",
        },
        at_root,
    ),
    Behaviour("header: twice the same", twice, "1,2", at_root),
    Behaviour(
        "header: not ASCII",
        lambda inside, place: told(inside, place.get("/environ", "X-Name: J\xe9r\xf4me"), "HTTP_X_NAME"),
        {"HTTP_X_NAME": "J\xe9r\xf4me"},
        at_root,
    ),
    of_size("header: 15 KB", "HTTP_X_LARGE", 15_000, lambda place: place.get("/environ", LARGE[0])),
    of_size("header: 45 KB in all", "HTTP_X_LARGE", 45_000, lambda place: place.get("/environ", *LARGE)),
    of_size("path: 8000 bytes of query", "QUERY_STRING", 8000, lambda place: place.get(f"/environ?{'x' * 8000}")),
]
