# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who has a port, asked of the kernel of the machine that runs the tests."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _ports
from ansible_collections.barehost.web.plugins.module_utils._host import HostError
from ansible_collections.barehost.web.plugins.module_utils._ports import Port, Verdict, address_of, judge, parse_local

UNIT = "nginx.service"
EVERY = IPv4Address(0)


@pytest.fixture
def port() -> Iterator[int]:
    """Listen at 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every process for one of the unit."""
    monkeypatch.setattr(_ports, "_unit", lambda _process: UNIT)


def wanted(*addresses: str) -> list[Port]:
    return [Port(address_of(address), UNIT, "shop") for address in addresses]


@pytest.mark.parametrize("text", ["80", "localhost:80", "127.0.0.1:http"])
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(HostError, match=f"listen: '{text}' is not an address and a port; write"):
        address_of(text)


def test_free_ports_are_nobodys_business() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    assert judge(wanted(f"127.0.0.1:{free}", f"{EVERY}:{free}", f"[::]:{free}")) == Verdict()


@pytest.mark.parametrize("host", ["127.0.0.1", str(EVERY)])
def test_who_has_a_port_is_told(port: int, host: str) -> None:
    (problem,) = judge(wanted(f"{host}:{port}")).problems
    assert problem.startswith(f"entry 'shop': {host}:{port} is taken by py")
    assert problem.endswith(". End that, or listen at another port.")


def test_a_port_is_asked_for_once(port: int) -> None:
    assert len(judge(wanted(f"127.0.0.1:{port}", f"127.0.0.1:{port}", f"{EVERY}:{port}")).problems) == 1


@pytest.mark.usefixtures("own")
def test_what_a_unit_has_it_keeps(port: int) -> None:
    assert judge(wanted(f"127.0.0.1:{port}")) == Verdict()


@pytest.mark.usefixtures("own")
def test_what_a_unit_has_to_close_first_takes_a_restart(port: int) -> None:
    assert judge(wanted(f"{EVERY}:{port}", f"127.0.0.1:{port}")) == Verdict(restart=[UNIT])


@pytest.mark.usefixtures("own")
def test_one_socket_may_serve_both_versions() -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        both = server.getsockname()[1]
        assert judge(wanted(f"{EVERY}:{both}", f"[::]:{both}")) == Verdict()
        assert judge(wanted(f"127.0.0.1:{both}")) == Verdict(restart=[UNIT])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0100007F:1F90", "127.0.0.1:8080"),
        ("00000000:0050", f"{EVERY}:80"),
        ("00000000000000000000000000000000:01BB", "[::]:443"),
        ("B80D01200000000000000000010000FE:0050", "[2001:db8::fe00:1]:80"),
        ("0000000000000000FFFF00000100007F:0050", "127.0.0.1:80"),
    ],
)
def test_the_words_of_the_kernel_are_read(text: str, expected: str) -> None:
    assert str(parse_local(text)) == expected
