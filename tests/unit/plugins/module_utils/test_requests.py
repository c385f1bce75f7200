# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host keeps of what it was asked for, and what of it is still so."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _certificates, _publish, _requests, _works
from ansible_collections.barehost.web.plugins.module_utils._host import Answer, HostError
from ansible_collections.barehost.web.plugins.module_utils._requests import Key, Requests, Work, is_secret

KEY = Key("site", "units", "nginx")


class Host:
    """A host with one value."""

    def __init__(self) -> None:
        self.value = ""
        self.looks = 0

    def run(self, options: Mapping[str, Any], *, check: bool) -> Answer:
        self.looks += check
        changed = self.value != options["value"]
        if options["value"] == "bad":
            raise HostError("there is no such value")
        if not check:
            self.value = options["value"]
        return Answer({"changed": changed}, [f"it is {self.value}"])


def snapshot(requests: Requests, host: Host) -> dict[str, Any]:
    return requests.snapshot("site", lambda _name: Work(host.run))


@pytest.fixture
def requests(tmp_path: Path) -> Requests:
    return Requests(tmp_path)


@pytest.fixture
def host() -> Host:
    return Host()


def ask(requests: Requests, host: Host, value: str, key: Key = KEY) -> None:
    """Do a work, and keep the request."""
    with requests.begun(key.work):
        host.run({"value": value}, check=False)
    requests.keep(key, f"digest of {value}", Work(host.run), {"value": value})


def test_kept_request_is_compared_with_the_host(requests: Requests, host: Host) -> None:
    ask(requests, host, "one")
    assert snapshot(requests, host) == {
        "units.nginx": {"digest": "digest of one", "result": {"changed": False}, "warnings": ["it is one"]}
    }
    host.value = "edited"
    assert snapshot(requests, host) == {}
    assert host.looks == 2
    assert requests.snapshot("deploy", lambda _name: Work(host.run)) == {}


def test_only_the_last_request_for_something_is_kept(requests: Requests, host: Host) -> None:
    ask(requests, host, "one")
    ask(requests, host, "two")
    assert snapshot(requests, host)["units.nginx"]["digest"] == "digest of two"


@pytest.mark.parametrize("fault", [HostError("no"), OSError("no"), KeyError("value")])
def test_what_cannot_be_compared_is_not_fulfilled(requests: Requests, host: Host, fault: Exception) -> None:
    ask(requests, host, "one")

    def fails(*_options: object, **_check: object) -> Answer:
        raise fault

    assert requests.snapshot("site", lambda _name: Work(fails)) == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"digest": "x"}'])
def test_damaged_memory_is_not_believed(requests: Requests, host: Host, tmp_path: Path, text: str) -> None:
    ask(requests, host, "one")
    (tmp_path / "requests/site/units.nginx").write_text(text, encoding="utf-8")
    assert snapshot(requests, host) == {}


ANOTHER = """
import sys
from pathlib import Path
from ansible_collections.barehost.web.plugins.module_utils._requests import Requests
with Requests(Path(sys.argv[1])).begun("units"):
    print("at work", flush=True)
    sys.stdin.readline()
"""


@contextlib.contextmanager
def another(state: Path) -> Iterator[subprocess.Popen[str]]:
    """Have another run at work on the host."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", ANOTHER, str(state)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        yield process


def test_work_of_a_killed_run_is_asked_for_again(requests: Requests, host: Host, tmp_path: Path) -> None:
    ask(requests, host, "one")
    with another(tmp_path) as process:
        process.kill()
    assert snapshot(requests, host) == {}, "it may have left something behind, whatever it was about"
    ask(requests, host, "other", Key("site", "packages", "nginx"))
    assert "units.nginx" not in snapshot(requests, host)
    ask(requests, host, "one")
    assert "units.nginx" in snapshot(requests, host)
    assert not (tmp_path / "begun").exists()


def test_work_that_is_being_done_is_not_taken_for_done(requests: Requests, host: Host, tmp_path: Path) -> None:
    ask(requests, host, "one")
    with another(tmp_path) as process:
        assert snapshot(requests, host) == {}
        ask(requests, host, "one")
        assert snapshot(requests, host) == {}, "the other run goes on"
        process.communicate("\n")
    assert "units.nginx" in snapshot(requests, host)


def test_refused_work_leaves_the_request_before_it(requests: Requests, host: Host) -> None:
    ask(requests, host, "one")
    with contextlib.suppress(HostError):
        ask(requests, host, "bad")
    assert snapshot(requests, host)["units.nginx"]["digest"] == "digest of one"


def test_memory_is_for_root_only_and_does_not_grow_for_ever(requests: Requests, host: Host, tmp_path: Path) -> None:
    for number in range(_requests.MOST + 5):
        ask(requests, host, "one", Key("site", "units", f"n{number}"))
        os.utime(tmp_path / f"requests/site/units.n{number}", ns=(number, number))
    ask(requests, host, "one")
    assert len(snapshot(requests, host)) == _requests.MOST
    assert "units.n0" not in snapshot(requests, host)
    paths = [tmp_path / "requests", *(tmp_path / "requests").rglob("*")]
    assert {path.stat().st_mode & 0o077 for path in paths} == {0}
    requests.forget()
    assert not (tmp_path / "requests").exists()


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "a.b"])
def test_name_of_a_request_is_that_of_a_file(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a request"):
        Key("site", "units", name)


@pytest.mark.parametrize(
    ("options", "secret"),
    [
        ({"admin": {"password": "x"}}, True),
        ({"admin": {"password": ""}}, False),
        ({"sites": [{"eab": {"hmac_key": "x"}}]}, True),
        ({"dns": {"credentials": "x"}}, True),
        ({"index": {"url": "https://me:word@index.example.test/"}}, True),
        ({"index": {"url": "https://index.example.test/a:b@c"}}, False),
        ({"files": [{"secret": True, "digest": "x"}]}, False),
    ],
)
def test_what_is_for_nobodys_eyes_is_not_kept(
    requests: Requests, host: Host, options: dict[str, Any], *, secret: bool
) -> None:
    assert is_secret(options) is secret
    ask(requests, host, "one")
    requests.keep(KEY, "digest", Work(lambda *_given, **_more: Answer({"changed": False})), options)
    assert (
        bool(requests.snapshot("site", lambda _name: Work(lambda *_a, **_b: Answer({"changed": False})))) is not secret
    )


def test_contents_of_files_are_kept_as_digests(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("hush", encoding="utf-8")
    path.chmod(0o640)
    owner = {"owner": path.owner(), "group": path.group(), "mode": "0640"}
    lists = dict.fromkeys(("reload", "restart", "stop", "traces"), ())
    file = {"dest": str(path), "content": "hush", "entry": "", "template": "", "secret": True, **owner, **lists}
    empty = dict.fromkeys(
        ("links", "directories", "entries", "remove", "reload", "restart", "units", "validations"), ()
    )
    options = {"set": "test", "files": [file], "tree": "", "validate": None, "purge": False, "lock_timeout": 1, **empty}
    kept = _publish.kept(options)
    assert "hush" not in json.dumps(kept, default=str)

    def changed() -> bool:
        return _publish.publish(_publish.request_from(kept), check=True, state=tmp_path / "state").changed

    assert not changed()
    path.write_text("edited", encoding="utf-8")
    assert changed()
    path.write_text("hush", encoding="utf-8")
    path.chmod(0o644)
    assert changed()


def test_provided_keys_are_kept_as_digests(tmp_path: Path) -> None:
    site = {"name": "main", "mode": "provided", "pem": "key and certificate\n", "domains": ["a.test"]}
    kept = _certificates.kept({"sites": [site, {"name": "b", "mode": "none"}], "remove": False})
    assert "key and certificate" not in json.dumps(kept)
    (tmp_path / "tls").mkdir()
    file = tmp_path / "tls/main.pem"

    def changes() -> list[str]:
        certificates = _certificates.Certificates(tmp_path, (), tmp_path / "state")
        certificates.make(kept["sites"], (), check=True)
        return certificates.changes

    assert changes() == ["certificate of main put in place"]
    file.write_text("key and certificate\n", encoding="utf-8")
    file.chmod(0o600)
    assert changes() == []
    file.write_text("other", encoding="utf-8")
    assert changes() == ["certificate of main put in place"]


def order(value: str, **more: Any) -> dict[str, Any]:
    keep = {"play": "site", "subject": "nginx", "digest": f"digest of {value}"}
    return {
        "work": "units",
        "options": {"value": value},
        "check": False,
        "reads": False,
        "keep": keep,
        "snapshot": True,
        **more,
    }


@pytest.fixture
def perform(tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(_works, "Requests", lambda: Requests(tmp_path))
    monkeypatch.setattr(_works, "work_of", lambda _name: Work(host.run))
    monkeypatch.setattr(_works, "sets", lambda: ["nginx"])
    return _works.perform


def test_first_call_without_a_change_brings_a_snapshot(perform: Any) -> None:
    assert "snapshot" not in perform(order("one")), "what has changed would be asked again anyway"
    assert list(perform(order("one"))["snapshot"]["requests"]) == ["units.nginx"]
    assert "snapshot" not in perform(order("one", snapshot=False))


def test_check_mode_keeps_nothing(perform: Any, tmp_path: Path) -> None:
    perform(order("one", check=True))
    assert list(tmp_path.rglob("*")) == []


def test_role_in_a_play_of_a_user_keeps_nothing(perform: Any, tmp_path: Path) -> None:
    assert "snapshot" not in perform(order("one", keep=None))
    assert not (tmp_path / "requests").exists()
