# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an app is told about its client and about the path that it is mounted at.

By themselves servers take the web server for the client, and each has its own idea of the path that an app is mounted
at. The web server sends what it knows in headers; this puts them where PEP 3333 has them, so that an app sees the same
under every server. Every configuration in this folder hooks it in. It runs inside the app, on the app's own Python.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import time
import traceback
from contextlib import suppress
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from ipaddress import IPv4Network, IPv6Network
    from typing import Any, Protocol

    Network = IPv4Network | IPv6Network
    Environ = dict[str, Any]
    StartResponse = Callable[..., Any]
    Application = Callable[[Environ, StartResponse], Iterable[bytes]]

    class Body(Protocol):
        """What is used of the body of a request."""

        def read(self, size: int, /) -> bytes:
            """Give some of it, nothing at its end."""

    class Settings(Protocol):
        """What is used of gunicorn's configuration."""

        forwarded_allow_ips: list[str]

    class Worker(Protocol):
        """What is used of gunicorn's workers."""

        cfg: Settings
        wsgi: Application


# Names that only the web server may use. Whatever anybody else says in them is dropped.
FORWARDED = (
    "HTTP_FORWARDED",
    "HTTP_PROXY",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_PROTOCOL",
    "HTTP_X_FORWARDED_SERVER",
    "HTTP_X_FORWARDED_SSL",
    "HTTP_X_REAL_IP",
)
# What a client gets when an app fails, and the answers of an app that cannot fail any more.
FAILED = b"Internal Server Error\n"
SEQUENCES = (list, tuple)
# Seconds for what is left of a request body once the answer was sent.
DRAIN = 5
# The web server on this host tells who the client is; nobody else is believed.
PROXIES = ("127.0.0.1", "::1")


def post_worker_init(worker: Worker) -> None:
    """Put the app of a new worker behind the translation; gunicorn calls this hook when the app is loaded."""
    worker.wsgi = BehindProxy(worker.wsgi, worker.cfg.forwarded_allow_ips)


def application(reference: str, folder: str) -> BehindProxy:
    """Load the app ``module:callable`` whose code is in the folder; for servers that load a script.

    The folder may be a link to the release that is live now: a new worker takes the code that it leads to then,
    whatever the process that it was made from has looked at before.
    """
    os.chdir(folder)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    return BehindProxy(Failsafe(load(reference)), PROXIES)


def load(reference: str) -> Application:
    """Import ``module:callable``; one with parentheses, such as ``wsgi:create_app()``, makes the app."""
    module, _colon, target = reference.partition(":")
    found: Any = importlib.import_module(module)
    for name in target.removesuffix("()").split("."):
        found = getattr(found, name)
    app: Application = found() if target.endswith("()") else found
    return app


class BehindProxy:
    """A WSGI application that corrects the environment of each request for the one it wraps."""

    def __init__(self, app: Application, proxies: Iterable[str]) -> None:
        """Believe the headers of ``proxies``, addresses or networks (``*`` for all), and of unix sockets."""
        self.app = app
        self.anybody = "*" in proxies
        self.proxies = tuple(ip_network(proxy, strict=False) for proxy in proxies if proxy != "*")

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        take_path(environ)
        mount = environ.pop("HTTP_X_SCRIPT_NAME", "")
        # The web server itself tells uWSGI in a name that no client can set: all of theirs begin with HTTP_.
        scheme = environ.pop("BAREHOST_SCHEME", "")
        if scheme:
            take_client(environ, environ["REMOTE_ADDR"], scheme)
            if mount:
                take_mount(environ, mount)
        elif self.trusts(environ.get("REMOTE_ADDR", "")):
            take_client(environ, environ.get("HTTP_X_FORWARDED_FOR", ""), environ.get("HTTP_X_FORWARDED_PROTO", ""))
            if mount:
                take_mount(environ, mount)
        else:
            take_nothing(environ)
        if environ.get("CONTENT_LENGTH", "0") == "0" and "HTTP_TRANSFER_ENCODING" not in environ:
            return self.app(environ, start_response)
        return answer(self.app, environ, start_response)

    def trusts(self, peer: str) -> bool:
        """Tell whether the peer may speak for others; one without an address came through the unix socket."""
        address = plain_address(peer)
        return not address or self.anybody or is_among(address, self.proxies)


class Failsafe:
    """A WSGI application that answers 500 when the one it wraps fails.

    uWSGI writes the traceback into its log, but hangs up on the web server, which tells the client 502.
    """

    def __init__(self, app: Application) -> None:
        """Wrap an app."""
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            pieces = self.app(environ, start_response)
        except BaseException as error:
            # What ends a process is no failure of the app.
            if not isinstance(error, Exception):
                raise
            return rescue(error, environ, start_response)
        # A list cannot fail any more, and a file is for the server to send.
        if isinstance(pieces, SEQUENCES) or is_file(pieces, environ):
            return pieces
        return Rescued(pieces, environ, start_response)


def rescue(error: Exception, environ: Environ, start_response: StartResponse) -> list[bytes]:
    """Log an exception, and give the answer that takes the place of the app's."""
    log = environ["wsgi.errors"]
    traceback.print_exception(error, file=log)
    log.flush()
    length = str(len(FAILED))
    start_response("500 Internal Server Error", [("Content-Type", "text/plain"), ("Content-Length", length)])
    return [FAILED]


class Rescued:
    """The pieces of an answer, or an answer in their place when there is none."""

    __slots__ = ("environ", "pieces", "start_response")

    def __init__(self, pieces: Iterable[bytes], environ: Environ, start_response: StartResponse) -> None:
        """Give out pieces."""
        self.pieces = pieces
        self.environ = environ
        self.start_response = start_response

    def __iter__(self) -> Iterator[bytes]:
        """Give out what the app answers."""
        begun = False
        try:
            for piece in self.pieces:
                begun = begun or bool(piece)
                yield piece
        except Exception as error:
            if begun:
                raise
            yield from rescue(error, self.environ, self.start_response)

    def close(self) -> None:
        """Tell the app that the answer is over."""
        close_pieces(self.pieces)


def close_pieces(pieces: Iterable[bytes]) -> None:
    """Do what a server does with the pieces of an answer when they were sent."""
    close = getattr(pieces, "close", None)
    if close is not None:
        close()


class Answer:
    """What an app answers to a request with a body.

    gunicorn closes the connection after the answer. If the app has left some of the body unread, that resets the
    connection, the answer gets lost on its way, and the web server tells the client 502 instead. So read the rest.
    """

    def __init__(self, pieces: Iterable[bytes], body: Body) -> None:
        """Give out pieces, and read the body to its end after them."""
        self.pieces = pieces
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        """Give out what the app answers."""
        return iter(self.pieces)

    def close(self) -> None:
        """Do what a server does with the pieces when they were sent, then read the rest of the body."""
        try:
            close_pieces(self.pieces)
        finally:
            drain(self.body)


def answer(app: Application, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Have the app answer, and the body of the request read to its end."""
    body = environ["wsgi.input"]
    try:
        pieces = app(environ, start_response)
    except BaseException:
        drain(body)
        raise
    if not is_file(pieces, environ):
        return Answer(pieces, body)
    drain(body)
    return pieces


def is_file(pieces: Iterable[bytes], environ: Environ) -> bool:
    """Tell whether the kernel may send an answer. gunicorn knows that by its class, uWSGI by the file itself."""
    return hasattr(pieces, "read") or type(pieces) is environ.get("wsgi.file_wrapper")


def drain(body: Body) -> None:
    """Read a request body to its end, unless that takes too long or the client has gone."""
    deadline = time.monotonic() + DRAIN
    with suppress(OSError):
        while time.monotonic() < deadline and body.read(8192):
            pass


@functools.lru_cache(maxsize=1024)
def plain_address(text: str) -> str:
    """Return the address, as IPv4 where a socket for both families shows it in IPv6; nothing for other text."""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


@functools.lru_cache(maxsize=1024)
def is_among(address: str, networks: tuple[Network, ...]) -> bool:
    """Tell whether one of the networks has an address."""
    return any(ip_address(address) in network for network in networks)


def take_path(environ: Environ) -> None:
    """Take the path as the client wrote it.

    gunicorn does, except that releases before 22 believe a header ``SCRIPT_NAME`` from anybody. uWSGI and mod_wsgi hand
    over what the web server made of it, without double slashes and with ``..`` resolved.
    """
    if "RAW_URI" in environ:
        believed = environ.get("SCRIPT_NAME", "")
        if not believed or not environ.get("HTTP_SCRIPT_NAME", "").endswith(believed):
            return
    target = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if target:
        path = find_path(target)
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "", unquote(path, "latin-1") if "%" in path else path
    for name in ("CONTENT_LENGTH", "CONTENT_TYPE"):
        if environ.get(name) == "":
            del environ[name]


def find_path(target: str) -> str:
    """Cut the path out of what the client has asked for."""
    if not target.startswith("/"):
        return urlsplit(target).path
    # Two slashes at the start would pass for the name of a host.
    return urlsplit(f"//host{target}").path if "#" in target else target.partition("?")[0]


def take_client(environ: Environ, forwarded: str, scheme: str) -> None:
    """Name the client where the web server's own address is, and what it has asked for.

    No web server means that a local program asks.
    """
    names = told(forwarded, scheme, environ.get("HTTP_HOST", ""), environ["wsgi.url_scheme"])
    environ.update(names)
    if "REMOTE_ADDR" in names:
        environ.pop("REMOTE_PORT", None)
    else:
        environ["REMOTE_ADDR"] = plain_address(environ.get("REMOTE_ADDR", "")) or "127.0.0.1"


# As many as the clients of a moment; a client chooses how long what it says is.
@functools.lru_cache(maxsize=256)
def told(forwarded: str, scheme: str, host: str, otherwise: str) -> Mapping[str, str]:
    """Tell the client, the scheme, and host and port as the client sees them.

    Headers that are asked for most often besides are filled in here: on the way, each costs a server more time than
    all of this.
    """
    names = {}
    # Only what the last one says is known to be so.
    client = plain_address(forwarded.rpartition(",")[2].strip())
    if client:
        names["REMOTE_ADDR"] = names["HTTP_X_REAL_IP"] = client
        names["HTTP_X_FORWARDED_FOR"] = forwarded
    if scheme in {"http", "https"}:
        otherwise = names["wsgi.url_scheme"] = names["HTTP_X_FORWARDED_PROTO"] = scheme
    if host:
        name, port = name_and_port(host, otherwise)
        names["SERVER_NAME"], names["SERVER_PORT"] = name, port
        if scheme:
            names["HTTP_X_FORWARDED_HOST"], names["HTTP_X_FORWARDED_PORT"] = host, port
    return names


def name_and_port(host: str, scheme: str) -> tuple[str, str]:
    """Split what the client calls the server; the port follows from the scheme if it says none."""
    name, colon, port = host.rpartition(":")
    return (name, port) if colon and not host.endswith("]") else (host, "443" if scheme == "https" else "80")


def take_nothing(environ: Environ) -> None:
    """Drop what somebody who is not to be believed says of others."""
    environ["REMOTE_ADDR"] = plain_address(environ["REMOTE_ADDR"])
    if "RAW_URI" not in environ:
        # gunicorn knows better; uWSGI believes a header that anybody can send.
        environ["wsgi.url_scheme"] = "https" if environ.get("HTTPS") in {"on", "1"} else "http"
    for name in FORWARDED:
        environ.pop(name, None)


def take_mount(environ: Environ, mount: str) -> None:
    """Split the path into the part that the app is mounted at and the rest."""
    path = environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"]
    end = find_end(path, mount)
    if end:
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = mount.rstrip("/"), path[end:]


def find_end(path: str, mount: str) -> int:
    """Find where ``mount`` ends in ``path``, or 0 if the path does not lie below it.

    The web server chooses the app by the plain form of the path, without double slashes and with ``..`` resolved,
    but passes the path on as the client wrote it. So follow the segments, and cut after the one that enters the
    mount for the last time: ``/a/..//util/b`` is ``/b`` below ``/util``. The rest stays as it was written.
    """
    wanted = mount.strip("/").split("/")
    entered: list[str] = []
    end, found = -1, 0
    for segment in path.split("/"):
        end += 1 + len(segment)
        if segment == "..":
            del entered[-1:]
        elif segment not in {"", "."}:
            entered.append(segment)
        if len(entered) < len(wanted):
            found = 0
        elif not found and entered == wanted:
            found = end
    return found
