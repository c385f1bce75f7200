# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the machines are started with and what they are told of their surroundings."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from testbed import engine, guard, images, machines, surroundings
from testbed.podman import BedError, last_line

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_tightest_candidate_comes_first() -> None:
    """--privileged is only tried when nothing else works, and limits only when the defaults are refused."""
    found = list(engine.candidates())
    privileged = ["--privileged" in candidate.run for candidate in found]
    assert privileged == sorted(privileged)
    assert "--ulimit" not in found[0].run


@pytest.mark.parametrize(("both", "first"), [(False, ()), (True, ("--runtime", "runc"))])
def test_runc_comes_first_where_both_versions_of_cgroups_are_mounted(
    monkeypatch: pytest.MonkeyPatch, both: bool, first: tuple[str, ...]
) -> None:
    """Elsewhere podman's own choice comes first."""
    monkeypatch.setattr(engine.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(engine, "both_cgroups", lambda: both)
    assert next(iter(engine.candidates())).podman == first


def test_limits_are_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the process may have is refused; unlimited is a number too."""
    hard = {resource.RLIMIT_NOFILE: 1024, resource.RLIMIT_NPROC: resource.RLIM_INFINITY}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (0, hard[kind]))
    assert engine.own_limits() == ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=30000:30000")


@pytest.mark.parametrize(
    ("environment", "has_bundle", "expected"),
    [
        ({"HOME": "/root", "PIP_INDEX_URL": "https://index.example.test/"}, False, {"PIP_INDEX_URL"}),
        ({"PIP_EXTRA_INDEX_URL": "file:///srv/wheels", "http_proxy": ""}, False, set()),
        ({}, True, {"SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "UV_SYSTEM_CERTS"}),
    ],
)
def test_only_what_makes_sense_inside_is_passed_on(
    environment: dict[str, str], has_bundle: bool, expected: set[str]
) -> None:
    """Indexes and proxies by address, certificates where there are any."""
    assert set(surroundings.variables(environment, has_bundle=has_bundle)) == expected


def test_sshd_gets_one_line() -> None:
    """A second SetEnv would not be heeded."""
    assert surroundings.sshd_configuration({"A": "x y", "B": "z"}) == 'SetEnv "A=x y" "B=z"\n'
    assert surroundings.sshd_configuration({}) == ""
    with pytest.raises(BedError, match="environment variable A "):
        surroundings.sshd_configuration({"A": 'x"'})


@pytest.mark.parametrize(
    ("age", "label", "expected"),
    [
        (timedelta(days=1), images.recipe, (True, True)),
        (timedelta(days=8), images.recipe, (True, False)),
        (timedelta(days=1), lambda: "another", (True, False)),
    ],
)
def test_an_image_is_fresh_for_a_week(
    monkeypatch: pytest.MonkeyPatch, age: timedelta, label: Callable[[], str], expected: tuple[bool, bool]
) -> None:
    """An old image and one of another recipe are built again."""
    created = (datetime.now(UTC) - age).isoformat()

    class Inspected:
        returncode = 0
        stdout = f'[{{"Created": "{created}", "Labels": {{"{images.LABEL}": "{label()}"}}}}]'.encode()

    def inspect(*_: Any) -> Inspected:
        return Inspected()

    monkeypatch.setattr(images, "podman", inspect)
    assert images.inspect("image") == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (b"warning: x\nError: runtime says no\ncleaning up\n", "Error: runtime says no"),
        (b"E: no network\n", "E: no network"),
        (b"one\ntwo\n\n", "two"),
        (b"", "no output"),
    ],
)
def test_last_line(output: bytes, expected: str) -> None:
    """Errors come before what follows them."""
    assert last_line(output) == expected


def test_no_guard_outside_of_a_test() -> None:
    """A machine made by hand is kept: nothing above this process is a `molecule test`."""
    assert guard.run_of_molecule(os.getpid()) is None


def test_equal_complaints_are_told_once() -> None:
    """Only the identifier of the container differs between two of them, and a long one is cut."""
    told = {engine.shortened(f"Error: {letter * 64} does not start") for letter in "ab"}
    assert told == {"Error: … does not start"}
    assert len(engine.shortened("x" * 1000)) < 200


@pytest.mark.parametrize(
    ("present", "failures", "tries", "ends_well"),
    [(False, 0, 1, True), (False, 3, 4, True), (False, 4, 4, False), (True, 1, 1, True)],
)
def test_an_image_that_cannot_be_built_for_the_moment_is_built_later(
    monkeypatch: pytest.MonkeyPatch, present: bool, failures: int, tries: int, ends_well: bool
) -> None:
    """Where there is an old one, that will do."""
    tried: list[str] = []

    def build(name: str, _image: str) -> None:
        tried.append(name)
        if len(tried) <= failures:
            raise BedError("no mirror")

    monkeypatch.setattr(images, "build", build)
    monkeypatch.setattr(images, "inspect", lambda _image: (present, False))
    monkeypatch.setattr(images.time, "sleep", lambda _seconds: None)
    with contextlib.nullcontext() if ends_well else pytest.raises(BedError, match="no mirror"):
        assert images.ensure("debian13") == images.reference("debian13")
    assert len(tried) == tries


def test_port_that_somebody_has_bound_is_not_free() -> None:
    with contextlib.ExitStack() as stack:
        first = machines.free_port()
        stack.enter_context(contextlib.closing(bound(first)))
        second = machines.free_port()
        assert second != first
        assert machines.free_port([second]) not in {first, second}


def bound(port: int) -> socket.socket:
    """Bind a port, and do not listen yet."""
    found = socket.socket()
    found.bind(("127.0.0.1", port))
    return found


def test_port_that_is_taken_in_between_is_left_to_whoever_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def start(*given: Any) -> str | None:
        asked.append(given[3][1])
        return "rootlessport listen tcp: address already in use" if len(asked) < 3 else None

    monkeypatch.setattr(machines, "start", start)
    assert machines.start_with_port("one", "debian13", "image", [], 80) is None
    assert len({*asked}) == 3
    monkeypatch.setattr(machines, "start", lambda *_given: "no space left")
    assert machines.start_with_port("one", "debian13", "image", [], 80) == "no space left"
    monkeypatch.setattr(machines, "start", lambda *_given: "address already in use")
    assert machines.start_with_port("one", "debian13", "image", [], 80) == "address already in use"


@pytest.mark.parametrize(
    ("name", "published", "words"),
    [
        ("one", "127.0.0.1:8080\n", ""),
        ("one", "", "port 80 of one is not published: script/machines down one, then script/machines up one --image"),
        ("two", "", "this checkout has no machine two: script/machines list prints"),
    ],
)
def test_address_of_a_machine_without_one_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, published: str, words: str
) -> None:
    said = SimpleNamespace(stdout=published.encode())
    monkeypatch.setattr(machines, "own", lambda: ["one"])
    monkeypatch.setattr(machines, "podman", lambda *_words: said)
    if not words:
        assert machines.address(name, 80) == "127.0.0.1:8080"
        return
    with pytest.raises(BedError, match=words):
        machines.address(name, 80)
