# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTTP/3, where the host's nginx has it: with another site at the same port that has not, and a port of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from testbed.https import ROOT
from testbed.patience import install

if TYPE_CHECKING:
    from collections.abc import Callable

    from testinfra.host import Host

SITE, WITHOUT, ELSEWHERE = "example.test", "both.example.test", "modern.example.test:8443"


@dataclass(frozen=True)
class Asked:
    """What curl has got, and over which version of HTTP."""

    version: str
    status: int
    text: str


@pytest.fixture(scope="session")
def spoken(host: Host) -> bool:
    """Whether the nginx of this Debian can do it."""
    return "--with-http_v3_module" in host.run("nginx -V").stderr


@pytest.fixture(scope="session")
def curl(host: Host, machine: Any) -> Callable[..., Asked]:
    """Ask with a client that knows HTTP/3, as newer ones do."""
    install(machine.container, "curl")

    def ask(address: str, path: str = "/", *options: str) -> Asked:
        name, _colon, port = address.partition(":")
        there = f"{name}:{port or 443}:127.0.0.1"
        words = ["curl", "-s", "--max-time", "5", "--cacert", ROOT, "--resolve", there, *options]
        words += ["-w", "\\n%{http_version} %{http_code}", f"https://{address}{path}"]
        text, _line, last = host.run(" ".join("%s" for _ in words), *words).stdout.rpartition("\n")
        version, status = last.split()
        return Asked(version, int(status), text)

    return ask


def test_clients_are_told_of_http3_by_sites_that_speak_it(https: Callable[..., Any], spoken: bool) -> None:
    told = https(SITE).headers.get("alt-svc")
    assert told == ('h3=":443"; ma=86400' if spoken else None)
    assert "alt-svc" not in https(WITHOUT).headers


def test_http3_is_spoken(curl: Callable[..., Asked], host: Host, spoken: bool) -> None:
    if not spoken:
        assert not host.socket("udp://0.0.0.0:443").is_listening
        return
    assert curl(SITE, "/", "--http3-only").version == "3"
    for address in (SITE, ELSEWHERE):
        answer = curl(address, "/page", "--http3-only")
        assert (answer.version, answer.status) == ("3", 200)
        environ = json.loads(answer.text)["environ"]
        assert environ["HTTP_HOST"] == address
        assert environ["wsgi.url_scheme"] == "https"


def test_who_does_not_speak_it_gets_nobody_elses_answer(curl: Callable[..., Asked], spoken: bool) -> None:
    if spoken:
        for name in (WITHOUT, "unknown.example.test"):
            assert curl(name, "/", "--http3-only").status == 0
    assert curl(WITHOUT).status == 200


def test_http3_is_there_after_a_reload(
    curl: Callable[..., Asked], host: Host, soon: Callable[..., float], *, spoken: bool
) -> None:
    host.check_output("systemctl reload nginx")
    # The processes that are leaving may cut off a connection that has just begun, as the option's description says.
    soon(lambda: curl(SITE, "/", *(["--http3-only"] if spoken else [])).status == 200)
