# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What single texts of a site may look like. Private to the collection.

Every check takes a text and returns its fault, or nothing. All of these texts end up in
nginx's configuration: whatever could end a directive, open a block or name a variable there is refused.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote, urlsplit

from ansible_collections.barehost.web.plugins.plugin_utils._listen import address
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, show
from ansible_collections.barehost.web.plugins.plugin_utils._values import folder

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_DOMAIN_LENGTH = 253
_PATH = re.compile(r"(?:[A-Za-z0-9._~!&()*+,=:@/-]|[^\W\d_]|%[0-9A-Fa-f]{2})*")
_ENCODED = re.compile(r"%[0-7][0-9A-Fa-f]")
_TARGET = re.compile(r"[A-Za-z0-9._~!&()*+,=:@/?#%\[\]-]+", re.ASCII)
_NOT_A_HOST = (
    (r"[\s\x00-\x1f\x7f]", "has white space in it", "write every host name as one item of the list"),
    (r"://", "is a URL", "write the host name alone"),
    (r"/", "has a path", "write the host name alone; paths belong to routes"),
    (r":", "has a port", "write the host name alone; ports belong to listen"),
    (r"\.$", "ends in a dot", "leave the dot out"),
)
# Nothing in the first may be served, and the second not as a whole.
_SYSTEM = frozenset({"boot", "dev", "etc", "proc", "root", "run", "sys"})
_SHARED = frozenset({"bin", "home", "lib", "media", "mnt", "opt", "sbin", "srv", "tmp", "usr", "var"})


def domain_key(text: str) -> str:
    """Give the form in which two spellings of one domain are equal."""
    return text.lower().rstrip(".")


def domain(text: str) -> Fault | None:
    """Check a host name of a site."""
    rest = text.lower().removeprefix("*.")
    if (fault := _not_a_bare_host(text, rest)) is not None:
        return fault
    if re.fullmatch(r"[0-9.]+", rest):
        return _ipv4(text)
    if "*" in rest:
        return Fault(f"{show(text)} has a '*' that is not the first label", "write '*.example.test'")
    for label in rest.split("."):
        if not _LABEL.fullmatch(label):
            return Fault(f"{show(text)} is not a host name", _better_label(label))
    return None if len(text) <= _DOMAIN_LENGTH else Fault(f"{show(text)} is longer than {_DOMAIN_LENGTH} characters")


def header(text: str) -> Fault | None:
    """Check what a header of a site is to say."""
    if not text.isascii() or not text.isprintable():
        return Fault(f"{show(text)} has characters that no header may have", "write it as one line of plain text")
    if re.search(r"[$\\]", text):
        return Fault(f"{show(text)} has a '$' or a backslash, which no such header needs", "leave it out")
    return None


def _not_a_bare_host(text: str, rest: str) -> Fault | None:
    if not rest:
        return Fault(f"{show(text)} is no host name", "write one such as 'example.test'")
    for pattern, reason, way_out in _NOT_A_HOST:
        if re.search(pattern, text):
            return Fault(f"{show(text)} {reason}", way_out)
    if text.isascii():
        return None
    try:
        encoded = text.encode("idna").decode("ascii")
    except UnicodeError:
        return Fault(f"{show(text)} is no host name", "write one such as 'example.test'")
    return Fault(f"{show(text)} has letters beyond ASCII", f"write {encoded!r}, as clients do")


def _better_label(label: str) -> str:
    if not label:
        return "two dots follow each other, or one comes first"
    if "_" in label:
        return "'_' is not allowed in host names, '-' is"
    return "each part has letters, digits and '-', and begins and ends with a letter or digit"


def _ipv4(text: str) -> Fault | None:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return Fault(f"{show(text)} is not an IP address")
    return None


def path_key(text: str) -> str:
    """Give the form in which two spellings of one route's path are equal: decoded, no slash at the end."""
    return unquote(text).rstrip("/") or "/"


def path(text: str) -> Fault | None:
    """Check the path of a route."""
    if not text.startswith("/"):
        return Fault(f"{show(text)} does not begin with '/'")
    if "//" in text:
        return Fault(f"{show(text)} has '//' in it", "write one '/'")
    if {".", ".."} & set(text.split("/")):
        return Fault(f"{show(text)} has '.' or '..' in it", "write the path out")
    if "?" in text or "#" in text:
        return Fault(f"{show(text)} has a query or a fragment", "a route stands for a path alone")
    return _characters(text)


def _characters(text: str) -> Fault | None:
    encoded = _ENCODED.search(text)
    if encoded is not None:
        return Fault(f"{show(text)} has {encoded[0]} in it", "only letters beyond ASCII may be written with '%'")
    good = _PATH.match(text)
    if good is not None and good.end() < len(text):
        return Fault(f"{show(text)} has {show(text[good.end()])} in it", "that character is not safe in a path")
    try:
        printable = unquote(text, errors="strict").isprintable()
    except UnicodeDecodeError:
        printable = False
    return None if printable else Fault(f"{show(text)} is not a readable text once it is decoded")


def request(text: str) -> Fault | None:
    """Check a path, perhaps with a query, that an app is asked for."""
    if re.fullmatch(r"/[!-~]*", text) and "#" not in text:
        return None
    return Fault(f"{show(text)} is not a path", "begin it with '/', without white space")


def static(text: str) -> Fault | None:
    """Check the folder of a static route."""
    if (fault := folder(text)) is not None:
        return fault
    top, *below = text.strip("/").split("/")
    if top in _SYSTEM or (top in _SHARED and not below):
        return Fault(f"{show(text)} is not for publishing", "serve a folder below /srv or /var/www")
    return None


def proxy(text: str) -> Fault | None:
    """Check the address of a proxied route."""
    way_out = "write 'http://127.0.0.1:8080' or 'http://unix:/run/backend.sock'"
    if text.startswith("https://"):
        return Fault("proxying over https is not supported", way_out)
    if not text.startswith("http://"):
        return Fault(f"{show(text)} does not begin with 'http://'", way_out)
    rest = text.removeprefix("http://")
    if rest.startswith("unix:"):
        socket, colon, tail = rest.removeprefix("unix:").partition(":")
        return address(f"unix:{socket}") or (path(tail) if colon else None)
    host, slash, tail = rest.partition("/")
    if "@" in host:
        return Fault(f"{show(text)} has credentials in it", "let the app at the other end trust this host instead")
    fault = address(host if re.search(r":[^\]]*$", host) else f"{host}:80")
    return fault._replace(way_out=way_out) if fault is not None else path(slash + tail) if slash else None


def redirect(text: str) -> Fault | None:
    """Check the target of a redirect."""
    if text.startswith("//") or not re.match(r"https?://[^/?#]|/", text):
        return Fault(
            f"{show(text)} is no target",
            "write 'https://www.example.test' or an absolute path such as '/new'",
        )
    try:
        _ = urlsplit(text).port
    except ValueError:
        return Fault(f"{show(text)} has no valid host and port", "write it as 'https://www.example.test'")
    if not _TARGET.fullmatch(text):
        return Fault(
            f"{show(text)} has a character that is not safe in an address",
            "write it with '%' and its hexadecimal code",
        )
    return None


def file_name(text: str) -> Fault | None:
    """Check the name of an index file."""
    if re.fullmatch(r"[\w.@+~=,-]+", text) and text not in {".", ".."}:
        return None
    return Fault(f"{show(text)} is not the name of a file", "write a name such as 'index.html'")


def host_file(text: str) -> Fault | None:
    """Check the path of a file on the host."""
    if re.fullmatch(r"(/[\w.@+~-]+)+", text, re.ASCII) and not {".", ".."} & set(text.split("/")):
        return None
    return Fault(f"{show(text)} is not the path of a file on the host", "write it out from '/', without white space")


def size(text: str) -> Fault | None:
    """Check a size in nginx's notation."""
    if re.fullmatch(r"\d{1,12}[kKmMgG]?", text, re.ASCII):
        return None
    close = re.fullmatch(r"(\d+) ?([kmg])i?b?", text, re.ASCII | re.IGNORECASE)
    example = f"{close[1]}{close[2].lower()}" if close else "20m"
    return Fault(f"{show(text)} is not a size", f"write a number with k, m or g, such as '{example}'")


def expires(text: str) -> Fault | None:
    """Check how long clients may keep files."""
    if re.fullmatch(r"max|off|epoch|(\d{1,6}(s|m|h|d|w|M|y))+|\d{1,9}", text, re.ASCII):
        return None
    return Fault(f"{show(text)} is not a time", "write 'max', or a number with s, m, h, d, w, M or y, such as '30d'")


def host(text: str) -> Fault | None:
    """Check the host name that a proxied route sends on."""
    name, colon, port = text.partition(":")
    if colon and not (port.isascii() and port.isdigit()):
        return Fault(f"{show(port)} is not a port", "write 'backend.example.test' or 'backend.example.test:8080'")
    return Fault("'*' is for the domains of a site", "write one host name") if "*" in name else domain(name)
