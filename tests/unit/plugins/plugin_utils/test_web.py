# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What single texts of a site may look like."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils import _web
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault

Check = Callable[[str], Fault | None]

GOOD: list[tuple[Check, list[str]]] = [
    (
        _web.domain,
        ["example.test", "www.Example.test", "*.example.test", "localhost", "192.0.2.10", "xn--mnchen-3ya.test"],
    ),
    (_web.path, ["/", "/util", "/util/", "/a/b.c", "/a-b_c~d!e&f(g)h*i+j,k=l:m@n", "/é", "/caf%C3%A9"]),
    (_web.request, ["/", "/health?full=1", "/a%20b"]),
    (_web.static, ["/srv/a", "/var/www/html", "/home/me/public", "/data"]),
    (
        _web.proxy,
        [
            "http://127.0.0.1:8080",
            "http://[::1]:8080/",
            "http://backend.example.test",
            "http://backend/base/",
            "http://unix:/run/backend.sock",
            "http://unix:/run/backend.sock:/base",
        ],
    ),
    (_web.redirect, ["https://www.example.test", "http://a.test:8080/x?y=1#z", "/new", "/new/", "/caf%C3%A9"]),
    (_web.file_name, ["index.html", "a-b_c.txt"]),
    (_web.size, ["0", "512k", "20m", "1G", "1048576"]),
    (_web.expires, ["max", "off", "epoch", "30d", "1h30m", "3600"]),
    (_web.host, ["backend.example.test", "backend:8080", "192.0.2.1"]),
]


@pytest.mark.parametrize(("check", "text"), [(check, text) for check, texts in GOOD for text in texts])
def test_a_good_text_passes(check: Check, text: str) -> None:
    assert check(text) is None


ALONE = "write the host name alone"
LABELS = "each part has letters, digits and '-', and begins and ends with a letter or digit"
ONLY = "only letters beyond ASCII may be written with '%'"
UNSAFE = "that character is not safe in a path"
PROXY = "write 'http://127.0.0.1:8080' or 'http://unix:/run/backend.sock'"
TARGET = "write 'https://www.example.test' or an absolute path such as '/new'"
PUBLIC = "serve a folder below /srv or /var/www"
TIME = "write 'max', or a number with s, m, h, d, w, M or y, such as '30d'"

BAD: list[tuple[Check, str, str, str]] = [
    (_web.domain, "", "'' is no host name", "write one such as 'example.test'"),
    (_web.domain, "a_b.test", "'a_b.test' is not a host name", "'_' is not allowed in host names, '-' is"),
    (_web.domain, "a b.test", "'a b.test' has white space in it", "write every host name as one item of the list"),
    (_web.domain, "a.test\n", r"'a.test\n' has white space in it", "write every host name as one item of the list"),
    (_web.domain, "https://a.test", "'https://a.test' is a URL", ALONE),
    (_web.domain, "a.test/b", "'a.test/b' has a path", f"{ALONE}; paths belong to routes"),
    (_web.domain, "a.test:80", "'a.test:80' has a port", f"{ALONE}; ports belong to listen"),
    (_web.domain, "a.test.", "'a.test.' ends in a dot", "leave the dot out"),
    (_web.domain, "a..test", "'a..test' is not a host name", "two dots follow each other, or one comes first"),
    (_web.domain, ".a.test", "'.a.test' is not a host name", "two dots follow each other, or one comes first"),
    (_web.domain, "-a.test", "'-a.test' is not a host name", LABELS),
    (_web.domain, "a.test;", "'a.test;' is not a host name", LABELS),
    (_web.domain, "$host", "'$host' is not a host name", LABELS),
    (_web.domain, "~^a", "'~^a' is not a host name", LABELS),
    (_web.domain, f"{'a' * 64}.test", f"'{'a' * 57}...' is not a host name", LABELS),
    (_web.domain, ".".join(["a" * 60] * 5), f"'{'a' * 57}...' is longer than 253 characters", ""),
    (_web.domain, "*", "'*' has a '*' that is not the first label", "write '*.example.test'"),
    (_web.domain, "www.*", "'www.*' has a '*' that is not the first label", "write '*.example.test'"),
    (_web.domain, "192.0.2.256", "'192.0.2.256' is not an IP address", ""),
    (_web.domain, "1.2.3", "'1.2.3' is not an IP address", ""),
    (
        _web.domain,
        "münchen.test",
        "'münchen.test' has letters beyond ASCII",
        "write 'xn--mnchen-3ya.test', as clients do",
    ),
    (_web.domain, "é..test", "'é..test' is no host name", "write one such as 'example.test'"),
    (_web.path, "", "'' does not begin with '/'", ""),
    (_web.path, "util", "'util' does not begin with '/'", ""),
    (_web.path, "/a/../b", "'/a/../b' has '.' or '..' in it", "write the path out"),
    (_web.path, "/a/./b", "'/a/./b' has '.' or '..' in it", "write the path out"),
    (_web.path, "//a", "'//a' has '//' in it", "write one '/'"),
    (_web.path, "/a?b=1", "'/a?b=1' has a query or a fragment", "a route stands for a path alone"),
    (_web.path, "/a#b", "'/a#b' has a query or a fragment", "a route stands for a path alone"),
    (_web.path, "/a%2Fb", "'/a%2Fb' has %2F in it", ONLY),
    (_web.path, "/a%00", "'/a%00' has %00 in it", ONLY),
    (_web.path, "/a%20b", "'/a%20b' has %20 in it", ONLY),
    (_web.path, "/a%C3", "'/a%C3' is not a readable text once it is decoded", ""),
    (_web.path, "/a%C2%80", "'/a%C2%80' is not a readable text once it is decoded", ""),
    (_web.path, "/a%", "'/a%' has '%' in it", UNSAFE),
    (_web.request, "health", "'health' is not a path", "begin it with '/', without white space"),
    (_web.request, "/a b", "'/a b' is not a path", "begin it with '/', without white space"),
    (_web.static, "files", "'files' is not absolute", "begin it with '/'"),
    (_web.static, "/srv/a/../b", "'/srv/a/../b' has '.' or '..' in it", "write the path out"),
    (_web.static, "/", "'/' is the whole machine", "name a folder in it"),
    (_web.static, "/etc/ssl", "'/etc/ssl' is not for publishing", PUBLIC),
    (_web.static, "/srv", "'/srv' is not for publishing", PUBLIC),
    (_web.proxy, "127.0.0.1:8080", "'127.0.0.1:8080' does not begin with 'http://'", PROXY),
    (_web.proxy, "https://a.test", "proxying over https is not supported", PROXY),
    (_web.proxy, "http://", "'' is not an IP address", PROXY),
    (_web.proxy, "http://a.test:x", "'x' is not a port", PROXY),
    (_web.proxy, "http://a.test:99999", "port 99999 is not between 1 and 65535", PROXY),
    (_web.proxy, "http://$host", "'$host' is not an IP address", PROXY),
    (_web.proxy, "http://a;b", "'a;b' is not an IP address", PROXY),
    (_web.proxy, "http://a.test/b;c", "'/b;c' has ';' in it", UNSAFE),
    (_web.proxy, "http://a.test/b?c", "'/b?c' has a query or a fragment", "a route stands for a path alone"),
    (
        _web.proxy,
        "http://me:hush@a.test",
        "'http://***@a.test' has credentials in it",
        "let the app at the other end trust this host instead",
    ),
    (
        _web.proxy,
        "http://unix:run/a.sock",
        "'unix:run/a.sock' is not the path of a socket",
        "write 'unix:/run/gunicorn/<name>.sock' or '127.0.0.1:5000'",
    ),
    (_web.redirect, "new", "'new' is no target", TARGET),
    (_web.redirect, "//a.test", "'//a.test' is no target", TARGET),
    (_web.redirect, "ftp://a.test", "'ftp://a.test' is no target", TARGET),
    (_web.redirect, "javascript:x", "'javascript:x' is no target", TARGET),
    (
        _web.redirect,
        "http://a.test:99999/",
        "'http://a.test:99999/' has no valid host and port",
        "write it as 'https://www.example.test'",
    ),
    (_web.file_name, "a/b.html", "'a/b.html' is not the name of a file", "write a name such as 'index.html'"),
    (_web.file_name, "..", "'..' is not the name of a file", "write a name such as 'index.html'"),
    (_web.file_name, "a b", "'a b' is not the name of a file", "write a name such as 'index.html'"),
    (_web.size, "20 MB", "'20 MB' is not a size", "write a number with k, m or g, such as '20m'"),
    (_web.size, "8GiB", "'8GiB' is not a size", "write a number with k, m or g, such as '8g'"),
    (_web.size, "big", "'big' is not a size", "write a number with k, m or g, such as '20m'"),
    (_web.size, "1m;", "'1m;' is not a size", "write a number with k, m or g, such as '20m'"),
    (_web.expires, "30 days", "'30 days' is not a time", TIME),
    (_web.expires, "1d;", "'1d;' is not a time", TIME),
    (_web.host, "a.test:x", "'x' is not a port", "write 'backend.example.test' or 'backend.example.test:8080'"),
    (_web.host, "*.a.test", "'*' is for the domains of a site", "write one host name"),
    (_web.host, "$http_host", "'$http_host' is not a host name", "'_' is not allowed in host names, '-' is"),
]


@pytest.mark.parametrize(("check", "text", "reason", "way_out"), BAD)
def test_a_bad_text_has_its_message(check: Check, text: str, reason: str, way_out: str) -> None:
    assert check(text) == Fault(reason, way_out)


@pytest.mark.parametrize("check", [_web.path, _web.static, _web.redirect])
@pytest.mark.parametrize(
    "special", [" ", "\n", "\r", "\t", "\0", "\x1b", "\u2028", ";", "{", "}", '"', "'", "\\", "$", "`"]
)
def test_what_nginx_would_take_for_syntax_is_refused(check: Check, special: str) -> None:
    assert check(f"/srv/a{special}b") is not None


@pytest.mark.parametrize("check", [_web.domain, _web.proxy, _web.file_name, _web.size, _web.expires, _web.host])
@pytest.mark.parametrize("special", [" ", "\n", "\0", ";", "{", "}", '"', "'", "\\", "$", "#"])
@pytest.mark.parametrize("good", ["a.test", "http://a.test", "1"])
def test_a_text_that_is_put_into_a_directive_cannot_end_it(check: Check, good: str, special: str) -> None:
    assert check(f"{good}{special}") is not None
    assert check(f"{special}{good}") is not None


@pytest.mark.parametrize(
    ("one", "other"), [("/a", "/a/"), ("/", "/"), ("/caf%C3%A9", "/caf%c3%a9"), ("/café", "/caf%C3%A9/")]
)
def test_two_spellings_of_a_path_have_one_key(one: str, other: str) -> None:
    assert _web.path_key(one) == _web.path_key(other)


def test_two_spellings_of_a_domain_have_one_key() -> None:
    assert _web.domain_key("WWW.Example.test.") == "www.example.test"
