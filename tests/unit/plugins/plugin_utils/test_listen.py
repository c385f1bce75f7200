# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses that something listens on, and which of them collide."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils import _listen

SITE = "write a port such as '80', or '127.0.0.1:8080', or '[::1]:8080'"
APP = "write '127.0.0.1:5000', or ':5000' for every address, or leave it out for a unix socket"
ADDRESS = "write 'unix:/run/gunicorn/<name>.sock' or '127.0.0.1:5000'"


@pytest.mark.parametrize(
    ("text", "directives"),
    [
        ("80", ["80", "[::]:80"]),
        ("*:80", ["80"]),
        ("0.0.0.0:80", ["80"]),
        ("[::]:80", ["[::]:80"]),
        ("127.0.0.1:8080", ["127.0.0.1:8080"]),
        ("[0:0:0:0:0:0:0:1]:8080", ["[::1]:8080"]),
    ],
)
def test_where_a_site_listens_is_read(text: str, directives: list[str]) -> None:
    assert _listen.listen(text) is None
    assert [listener.directive for listener in _listen.listeners(text)] == directives


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' is not a port"),
        ("http", "'http' is not a port"),
        ("0", "port 0 is not between 1 and 65535"),
        ("65536", "port 65536 is not between 1 and 65535"),
        ("٣", "'٣' is not a port"),
        (":80", "'' is not an IP address"),
        ("localhost:80", "'localhost' is not an IP address"),
        ("127.0.0.1:", "'' is not a port"),
        ("127.0.0.256:80", "'127.0.0.256' is not an IP address"),
        ("::1:80", "'::1:80' is not an address and a port"),
        ("[::1]", "'[::1]' is not an address and a port"),
        ("[127.0.0.1]:80", "'[127.0.0.1]:80' mixes up the two ways to write an IP address"),
        ("80 ssl", "'80 ssl' is not a port"),
        ("80;", "'80;' is not a port"),
    ],
)
def test_where_no_site_can_listen_has_its_message(text: str, reason: str) -> None:
    assert _listen.listen(text) == (reason, SITE)


@pytest.mark.parametrize(
    ("text", "sockets", "local"),
    [
        (":5000", 2, "127.0.0.1:5000"),
        ("0.0.0.0:5000", 1, "127.0.0.1:5000"),
        ("[::]:5000", 2, "127.0.0.1:5000"),
        ("127.0.0.1:5000", 1, "127.0.0.1:5000"),
        ("192.0.2.1:5000", 1, "192.0.2.1:5000"),
        ("[::1]:5000", 1, "[::1]:5000"),
    ],
)
def test_where_an_app_listens_is_read(text: str, sockets: int, local: str) -> None:
    assert _listen.bind(text) is None
    assert len(_listen.bound(text)) == sockets
    assert _listen.local(text) == local


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "unix:/tmp/a.sock",
            (
                "'unix:/tmp/a.sock' is a path",
                "leave it out: the app then has the unix socket /run/<server>/<name>.sock",
            ),
        ),
        (
            "/tmp/a.sock",
            ("'/tmp/a.sock' is a path", "leave it out: the app then has the unix socket /run/<server>/<name>.sock"),
        ),
        ("5000", ("'5000' is not an address and a port", APP)),
        ("localhost:5000", ("'localhost' is not an IP address", APP)),
        (":99999", ("port 99999 is not between 1 and 65535", APP)),
        ("127.0.0.1:x", ("'x' is not a port", APP)),
    ],
)
def test_where_no_app_can_listen_has_its_message(text: str, fault: tuple[str, str]) -> None:
    assert _listen.bind(text) == fault


@pytest.mark.parametrize("text", ["unix:/run/a/b.sock", "127.0.0.1:5000", "[::1]:5000", "backend.example.test:80"])
def test_where_an_app_is_found_passes(text: str) -> None:
    assert _listen.address(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("unix:relative.sock", "'unix:relative.sock' is not the path of a socket"),
        ("unix:/run/a;b", "'unix:/run/a;b' is not the path of a socket"),
        ("127.0.0.1", "'127.0.0.1' is not a port"),
        ("host name:80", "'host name' is not an IP address"),
        ("a;b:80", "'a;b' is not an IP address"),
        ("", "'' is not a port"),
    ],
)
def test_where_no_app_can_be_found_has_its_message(text: str, reason: str) -> None:
    assert _listen.address(text) == (reason, ADDRESS)


@pytest.mark.parametrize(
    ("app", "site", "meet"),
    [
        (":5000", "5000", True),
        ("127.0.0.1:5000", "5000", True),
        ("127.0.0.1:5000", "127.0.0.1:5000", True),
        (":5000", "127.0.0.1:5000", True),
        ("[::]:5000", "127.0.0.1:5000", True),
        ("127.0.0.1:5000", "[::]:5000", False),
        ("127.0.0.1:5000", "192.0.2.1:5000", False),
        ("127.0.0.1:5000", "5001", False),
    ],
)
def test_sockets_that_cannot_be_open_together_meet(app: str, site: str, meet: bool) -> None:
    assert any(one.meets(other) for one in _listen.bound(app) for other in _listen.listeners(site)) is meet
