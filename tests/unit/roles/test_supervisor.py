# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The two programs that start apps under supervisord, and keep their sockets."""

from __future__ import annotations

import json
import os
import pwd
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils._environment import environment_text

TEMPLATES = Path(__file__).parents[3] / "roles/supervisor/templates"


def load(name: str) -> Any:
    """Import one of the programs."""
    spec = spec_from_file_location(name, TEMPLATES / f"{name}.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    # A dataclass looks its own module up.

    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


RUN, SOCKETS = load("barehost_run"), load("barehost_sockets")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain",
        "two words",
        'a "b" \\ $HOME `id`',
        "it's 100%",
        "ünïcode\ttab",
        "two\nlines",
        "#no comment;",
        "\\n",
        "a=b",
    ],
)
def test_environment_comes_back_as_role_app_has_written_it(value: str) -> None:
    variables = {"FIRST": "1", "VALUE": value, "last": "z"}
    assert RUN.variables_of("# a comment\n" + environment_text(variables)) == variables


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("X=plain", "plain"),
        ("X=two words  ", "two words"),
        ("  X=1", "1"),
        ("X='single \"$5\" \\n'", 'single "$5" \\n'),
        ("X='a'\"b\"c", "abc"),
        ("X=a\\ b", "a b"),
        ('X="go\\\non"', "goon"),
        ('X="\\x"', "\\x"),
    ],
)
def test_files_that_others_have_written_are_read_as_systemd_does(line: str, value: str) -> None:
    assert RUN.variables_of(f"; comment\n{line}\n\n#Y=1\nnonsense\n") == {"X": value}


def test_app_gets_its_own_environment_and_nothing_of_supervisord(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPERVISOR_SERVER_URL", "unix:///x")
    who = pwd.getpwuid(os.getuid())
    assert RUN.environment(tmp_path / "none", who)["USER"] == who.pw_name
    (tmp_path / "a.env").write_text('A="1"\nLANG=de_DE.UTF-8\n')
    found = RUN.environment(tmp_path / "a.env", who)
    assert (found["A"], found["LANG"], found["PYTHONUNBUFFERED"]) == ("1", "de_DE.UTF-8", "1")
    assert "SUPERVISOR_SERVER_URL" not in found


def test_socket_stays_the_same_and_names_the_process_before(tmp_path: Path) -> None:
    sockets = SOCKETS.Sockets()
    address = f"unix:{tmp_path}/run/a.sock"
    first, nobody = sockets.give("a", address, 11)
    again, before = sockets.give("a", address, 12)
    assert (nobody, before) == (0, 11)
    assert again is first
    sockets.drop("a")
    assert first.fileno() == -1
    assert not (tmp_path / "run/a.sock").exists()
    sockets.drop("a")


def test_path_is_for_the_web_server_only(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    path.write_text("left behind")
    with SOCKETS.open_unix(path, "no such group"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with SOCKETS.open_unix(path, "root"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize(
    ("address", "reached", "unreached"),
    [
        ("127.0.0.1:{}", ["127.0.0.1"], ["127.0.0.2", "::1"]),
        ("[::1]:{}", ["::1"], ["127.0.0.1"]),
        (":{}", ["127.0.0.1", "127.0.0.2", "::1"], []),
    ],
)
def test_port_is_open_where_it_is_asked_for(address: str, reached: list[str], unreached: list[str]) -> None:
    port = free_port()
    with SOCKETS.open_address(address.format(port)):
        for host in reached:
            socket.create_connection((host, port), 1).close()
        for host in unreached:
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((host, port), 1)


@pytest.fixture
def keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A keeper that answers, as the program does it."""
    control = tmp_path / "control"
    monkeypatch.setattr(RUN, "CONTROL", str(control))
    sockets = SOCKETS.Sockets()

    def serve() -> None:
        # Until the listener is closed.
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    sockets.answer(connection)

    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(control))
        listener.listen()
        threading.Thread(target=serve, daemon=True).start()
        yield sockets


def test_app_is_handed_its_socket(keeper: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RUN, "FIRST", os.dup(0))
    assert RUN.take_socket("a", f"unix:{tmp_path}/a.sock") == 0
    with socket.socket(fileno=RUN.FIRST) as handed:
        assert handed.getsockname() == f"{tmp_path}/a.sock"
        assert os.get_inheritable(handed.fileno())
    assert keeper.kept["a"].process == os.getpid()


def test_socket_that_cannot_be_had_is_told(keeper: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SystemExit, match=f"no socket for the app: {address}: Address already in use"):
            RUN.take_socket("a", address)
    assert keeper.kept == {}


def test_keeper_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RUN, "CONTROL", str(tmp_path / "none"))
    monkeypatch.setattr(RUN, "PATIENCE", 0.2)
    with pytest.raises(SystemExit, match="keeper of the sockets"):
        RUN.take_socket("a", "127.0.0.1:1")


def test_socket_is_closed_on_demand(keeper: Any, tmp_path: Path) -> None:
    keeper.give("a", f"unix:{tmp_path}/a.sock", 1)
    with RUN.connect(0) as connection:
        connection.sendall(json.dumps({"name": "a", "address": ""}).encode())
        assert connection.recv(10) == b"{}"
    assert keeper.kept == {}
