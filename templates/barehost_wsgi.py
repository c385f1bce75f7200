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
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from ipaddress import IPv4Address, IPv6Address
    from typing import Any, Protocol

    Environ = dict[str, Any]
    StartResponse = Callable[..., Any]
    Application = Callable[[Environ, StartResponse], Iterable[bytes]]

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
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)


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
    return BehindProxy(load(reference), PROXIES)


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
        self.proxies = [ip_network(proxy, strict=False) for proxy in proxies if proxy != "*"]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        take_path(environ)
        mount = environ.pop("HTTP_X_SCRIPT_NAME", "")
        peer = parse_address(environ.get("REMOTE_ADDR", ""))
        # A client can set names that begin with HTTP_ only.
        if environ.pop("BAREHOST_WEB_SERVER", "") or self.trusts(peer):
            take_client(environ)
            take_scheme(environ)
            take_mount(environ, mount)
        else:
            environ["REMOTE_ADDR"] = str(peer)
            for name in FORWARDED:
                environ.pop(name, None)
        return self.app(environ, start_response)

    def trusts(self, peer: IPv4Address | IPv6Address | None) -> bool:
        """Tell whether the peer may speak for others; one without an address came through the unix socket."""
        return peer is None or self.anybody or any(peer in proxy for proxy in self.proxies)


@functools.lru_cache(maxsize=1024)
def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, as IPv4 where a socket for both families shows it in IPv6, or nothing for other text."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


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
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "", unquote(path, "latin-1")
    for name in ("CONTENT_LENGTH", "CONTENT_TYPE"):
        if not environ.get(name):
            environ.pop(name, None)


def find_path(target: str) -> str:
    """Cut the path out of what the client has asked for."""
    if not target.startswith("/"):
        return urlsplit(target).path
    # Two slashes at the start would pass for the name of a host.
    return urlsplit(f"//host{target}").path if "#" in target else target.partition("?")[0]


def take_client(environ: Environ) -> None:
    """Name the client where the web server's own address is. No web server means that a local program asks."""
    client = parse_address(environ.get("HTTP_X_REAL_IP", ""))
    if client:
        environ["REMOTE_ADDR"] = str(client)
        environ.pop("REMOTE_PORT", None)
    elif not environ.get("REMOTE_ADDR"):
        environ["REMOTE_ADDR"] = "127.0.0.1"


def take_scheme(environ: Environ) -> None:
    """Take scheme, host and port as the client sees them."""
    scheme = environ.get("HTTP_X_FORWARDED_PROTO")
    if scheme in {"http", "https"}:
        environ["wsgi.url_scheme"] = scheme
    host = environ.get("HTTP_HOST")
    if host:
        name, colon, port = host.rpartition(":")
        if not colon or host.endswith("]"):
            name, port = host, "443" if environ["wsgi.url_scheme"] == "https" else "80"
        environ["SERVER_NAME"], environ["SERVER_PORT"] = name, port


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
