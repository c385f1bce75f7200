# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The code that works on a host is the controller's, whatever lies there."""

from __future__ import annotations

import base64
import fcntl
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _agent
from ansible_collections.barehost.web.plugins.plugin_utils import _agent as controller

HOST = """
class HostError(Exception):
    def __init__(self, text, **details):
        super().__init__(text)
        self.details = details
"""
WORKS = "from ansible_collections.barehost.web.plugins.module_utils._host import HostError\n"
ECHO = """
def perform(order):
    print("noise", flush=True)
    return {"changed": False, "said": order["options"], "by": 1}
"""
REFUSE = "def perform(order):\n    raise HostError('there is no way', place='here')\n"
LEAVES = "def perform(order):\n    return {'changed': True, 'leaves_nothing': True}\n"
CRASH = "def perform(order):\n    raise LookupError('a fault of ours')\n"


def pack(works: str = ECHO) -> tuple[str, bytes]:
    """Give the digest of a small code, and the code itself."""
    contents = {"_host.py": HOST.encode(), "_works.py": (WORKS + works).encode()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return _agent.digest_of(contents), base64.b64encode(packed.getvalue())


def order(*, check: bool = False, reads: bool = False) -> dict[str, Any]:
    return {"work": "units", "options": "hello", "check": check, "reads": reads}


class Host:
    """A host, whose kept code is below a folder of the test."""

    def __init__(self, folder: Path) -> None:
        self.kept = folder / "state" / "agent"

    def ask(self, digest: str, packed: bytes = b"", **more: Any) -> subprocess.CompletedProcess[str]:
        compressed = base64.b64encode(zlib.compress(json.dumps(order(**more)).encode())).decode()
        message = json.dumps({"digest": digest, "order": compressed}).encode() + b"\n" + packed
        text = (
            controller.program()
            .partition(b"\n")[2]
            .replace(b'"/var/lib/barehost/agent"', repr(str(self.kept)).encode())
        )
        # Whoever runs the tests need not be root.
        text = text.replace(b"if os.geteuid() != 0:", b"if False:")
        command = [sys.executable, "-c", controller.READER]
        data = f"{len(text)}\n".encode() + text + message
        done = subprocess.run(command, input=data, capture_output=True, check=False)
        return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())

    def answer(self, digest: str, packed: bytes = b"", **more: Any) -> dict[str, Any]:
        return controller.result_of(self.done(digest, packed, **more), "python3")

    def done(self, digest: str, packed: bytes = b"", **more: Any) -> Mapping[str, Any]:
        ended = self.ask(digest, packed, **more)
        return {"stdout": ended.stdout, "stderr": ended.stderr, "rc": ended.returncode}

    def tree(self, digest: str) -> Path:
        return self.kept / digest / _agent.PACKAGE


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "state").mkdir(mode=0o700)
    return Host(tmp_path)


def test_code_is_sent_once(host: Host) -> None:
    digest, packed = pack()
    assert host.answer(digest) == {"needs_code": True, "changed": False}
    for given in (packed, b"", b""):
        assert host.answer(digest, given) == {"changed": False, "said": "hello", "by": 1}
    assert [path.name for path in host.kept.iterdir()] == [digest]
    assert host.kept.stat().st_mode & 0o077 == 0
    assert list((host.tree(digest) / "__pycache__").glob("_works.*.pyc"))


def appended(host: Host, digest: str) -> None:
    with (host.tree(digest) / "_works.py").open("a") as file:
        file.write("perform = lambda order: {'said': 'another'}\n")


def more(host: Host, digest: str) -> None:
    (host.tree(digest) / "zlib.py").write_text("")


def fewer(host: Host, digest: str) -> None:
    (host.tree(digest) / "_host.py").unlink()


def writable(host: Host, digest: str) -> None:
    host.tree(digest).chmod(0o777)


def open_to_all(host: Host, _digest: str) -> None:
    host.kept.chmod(0o777)


def linked(host: Host, digest: str) -> None:
    tree = host.kept / digest
    tree.rename(host.kept.parent / "elsewhere")
    tree.symlink_to(host.kept.parent / "elsewhere")


def linked_above(host: Host, digest: str) -> None:
    above = host.kept / digest / "ansible_collections"
    above.rename(host.kept.parent / "elsewhere")
    above.symlink_to(host.kept.parent / "elsewhere")


def hiding_what_python_has(host: Host, digest: str) -> None:
    (host.kept / digest / "contextlib.py").write_text("")


def compiled_by_others(host: Host, digest: str) -> None:
    (host.tree(digest) / "__pycache__").chmod(0o777)


def compiled_from_other_source(host: Host, digest: str) -> None:
    (host.tree(digest) / "_works.py").write_text(WORKS + CRASH)


@pytest.mark.parametrize(
    "damage",
    [
        *(appended, more, fewer, writable, linked, linked_above),
        *(hiding_what_python_has, compiled_by_others, compiled_from_other_source),
    ],
)
def test_changed_code_is_not_loaded_but_replaced(host: Host, damage: Callable[[Host, str], None]) -> None:
    digest, packed = pack()
    host.answer(digest, packed)
    damage(host, digest)
    assert host.answer(digest) == {"needs_code": True, "changed": False}
    assert host.answer(digest, packed)["said"] == "hello"
    assert host.answer(digest)["said"] == "hello"
    assert [path.name for path in host.kept.iterdir()] == [digest]


def test_runs_that_bring_the_same_code_at_once_use_it_both(host: Host) -> None:
    digest, packed = pack()
    waiting = threading.Barrier(8)

    def bring() -> dict[str, Any]:
        waiting.wait()
        return host.answer(digest, packed)

    with ThreadPoolExecutor(waiting.parties) as pool:
        answers = [pool.submit(bring) for _ in range(waiting.parties)]
    assert {answer.result().get("said") for answer in answers} == {"hello"}
    assert [path.name for path in host.kept.iterdir()] == [digest]


def test_folder_of_whoever_has_logged_in_is_no_place_for_modules(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base64.py").write_text("raise SystemExit('somebody else')")
    monkeypatch.chdir(tmp_path)
    assert host.answer(*pack())["said"] == "hello"


def test_folder_that_others_can_write_to_is_refused(host: Host) -> None:
    digest, packed = pack()
    host.answer(digest, packed)
    open_to_all(host, digest)
    assert "is not root's alone; remove it, and run again" in host.answer(digest, packed)["msg"]


def test_what_python_has_compiled_does_not_outlive_its_source(host: Host) -> None:
    digest, packed = pack()
    host.answer(digest, packed)
    other, other_packed = pack(REFUSE)
    host.answer(other, other_packed)
    for file in (host.tree(digest) / "__pycache__").iterdir() if host.tree(digest).exists() else ():
        shutil.copy(file, host.tree(other) / "__pycache__")
    assert host.answer(other)["msg"] == "there is no way"


@pytest.mark.parametrize("kind", ["check", "reads"])
def test_who_only_looks_leaves_nothing(host: Host, kind: str) -> None:
    digest, packed = pack()
    assert host.answer(digest, packed, **{kind: True})["said"] == "hello"
    assert not host.kept.exists()
    host.answer(digest, packed)
    assert host.answer(digest, **{kind: True})["said"] == "hello"


def test_older_code_goes_unless_a_run_is_at_work_with_it(host: Host) -> None:
    old, packed = pack()
    host.answer(old, packed)
    new, new_packed = pack(REFUSE)
    (host.kept / ".new.killed").mkdir()
    descriptor = os.open(host.kept / old, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    host.answer(new, new_packed)
    assert {path.name for path in host.kept.iterdir()} == {old, new}
    os.close(descriptor)
    newest, newest_packed = pack(CRASH)
    host.answer(newest, newest_packed)
    assert {path.name for path in host.kept.iterdir()} == {newest}


def test_code_goes_with_the_last_thing_unless_a_run_is_at_work_with_it(host: Host) -> None:
    other, other_packed = pack()
    host.answer(other, other_packed)
    descriptor = os.open(host.kept / other, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    assert host.answer(*pack(LEAVES)) == {"changed": True}
    assert [path.name for path in host.kept.iterdir()] == [other]
    os.close(descriptor)
    assert host.answer(*pack(LEAVES)) == {"changed": True}
    assert not host.kept.exists()


def test_error_of_the_host_is_the_result(host: Host) -> None:
    assert host.answer(*pack(REFUSE)) == {"failed": True, "changed": False, "msg": "there is no way", "place": "here"}


def test_fault_is_told_with_its_place(host: Host) -> None:
    result = host.answer(*pack(CRASH))
    assert result["failed"]
    assert "LookupError: a fault of ours" in result["msg"]
    assert "_works.py" in result["module_stderr"]


@pytest.mark.parametrize(
    ("done", "text"),
    [
        (
            {"rc": 127, "stdout": "", "stderr": "sh: no"},
            "There is no /opt/python on the host: install",
        ),
        ({"rc": 1, "stdout": "", "stderr": "sudo: no tty\n"}, "/opt/python ended with status 1. sudo: no tty"),
        ({"rc": 137, "stdout": "", "stderr": ""}, "The host gave no answer: /opt/python ended with status 137."),
        ({"rc": 0, "stdout": "Welcome\n", "stderr": ""}, "ended with status 0. Welcome"),
    ],
)
def test_host_without_an_answer_is_told(done: dict[str, Any], text: str) -> None:
    result = controller.result_of(done, "/opt/python")
    assert (result["failed"], text in result["msg"]) == (True, True), result["msg"]


def test_words_around_the_answer_are_no_part_of_it() -> None:
    said = f'Welcome\n{_agent.MARK}{{"changed": true}}\nlogout\n'
    assert controller.result_of({"rc": 0, "stdout": said}, "python3") == {"changed": True}


def test_host_has_no_say_in_what_is_ansibles_own() -> None:
    said = f'{_agent.MARK}{{"changed": true, "_ansible_no_log": false, "warnings": []}}\n'
    assert controller.result_of({"rc": 0, "stdout": said}, "python3") == {"changed": True}


@pytest.mark.parametrize(
    ("variables", "python"),
    [
        ({}, "/usr/bin/python3"),
        ({"ansible_python_interpreter": "auto_silent"}, "/usr/bin/python3"),
        ({"ansible_python_interpreter": "/opt/python"}, "/opt/python"),
        ({"ansible_facts": {"discovered_interpreter_python": "/usr/bin/python3.13"}}, "/usr/bin/python3.13"),
    ],
)
def test_python_is_the_one_that_ansible_takes(variables: dict[str, Any], python: str) -> None:
    assert controller.interpreter(variables) == python


def test_code_of_the_collection_needs_nothing_of_ansible() -> None:
    digest, _contents = controller.code()
    script = (
        "import sys, zipfile, io, base64, importlib; sys.modules['ansible'] = None\n"
        "from pathlib import Path; from ansible_collections.barehost.web.plugins.module_utils import _works\n"
        "[_works.work_of(name) for name in _works.WORKS]"
    )
    assert len(digest) == 64
    folder = Path(_agent.__file__).parents[5]
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(controller.packed()) < 400_000


class Action:
    """An action of Ansible, as far as the transport knows it."""

    def __init__(self, *answers: dict[str, Any], pipelining: bool = True, delegate_to: str | None = None) -> None:
        self.answers = list(answers)
        self.pipelining = pipelining
        self.sent: list[bytes] = []
        self.commands: list[str] = []
        self._task = type("Task", (), {"async_val": 0, "delegate_to": delegate_to})()
        self._templar = type("Templar", (), {"template": lambda _self, value: value})()

    def _is_pipelining_enabled(self, style: str, _wrapped: bool) -> bool:
        return self.pipelining and style == "new"

    def _compute_environment_string(self) -> str:
        return "http_proxy=x"

    def _low_level_execute_command(self, command: str, in_data: bytes) -> dict[str, Any]:
        self.commands.append(command)
        self.sent.append(in_data)
        return {"rc": 0, "stdout": f"{_agent.MARK}{json.dumps(self.answers.pop(0))}\n", "stderr": ""}

    def _execute_module(self, name: str, module_args: dict[str, str], task_vars: dict[str, Any]) -> dict[str, Any]:
        self.commands.append(name)
        self.sent.append(base64.b64decode(module_args["message"]))
        assert task_vars == {}
        return {"said": f"{_agent.MARK}{json.dumps(self.answers.pop(0))}\n", "errors": "", "status": 0}


@pytest.mark.parametrize("pipelining", [True, False])
def test_code_is_sent_where_the_host_asks_for_it(*, pipelining: bool) -> None:
    action: Any = Action({"needs_code": True}, {"changed": True}, pipelining=pipelining)
    assert controller.ask(action, order(), {}) == {"changed": True}
    packed = controller.packed()
    assert [packed in sent for sent in action.sent] == [False, True]
    first = "http_proxy=x /usr/bin/python3 -c " if pipelining else "barehost.web.agent"
    assert all(command.startswith(first) for command in action.commands)
    assert "hello" not in "".join(action.commands)


def test_code_that_has_gone_meanwhile_is_no_success() -> None:
    action: Any = Action({"needs_code": True}, {"needs_code": True})
    result = controller.ask(action, order(), {})
    assert result["failed"]
    assert "Run again" in result["msg"]


def test_python_is_that_of_the_host_that_is_asked() -> None:
    action: Any = Action({"changed": False}, delegate_to="other")
    of_other = {"ansible_python_interpreter": "/opt/other/python"}
    controller.ask(
        action,
        order(),
        {"ansible_python_interpreter": "/opt/python", "ansible_delegated_vars": {"other": of_other}},
    )
    assert " /opt/other/python -c " in action.commands[0]


def test_python_may_be_found_by_another_program() -> None:
    action: Any = Action({"changed": False})
    controller.ask(action, order(), {"ansible_python_interpreter": "/usr/bin/env python3"})
    assert " /usr/bin/env python3 -c " in action.commands[0]


def test_python_may_be_set_for_all_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_PYTHON_INTERPRETER", "/opt/python")
    action: Any = Action({"changed": False})
    controller.ask(action, order(), {})
    assert " /opt/python -c " in action.commands[0]


def test_user_who_is_not_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "This needs root on the host" in _agent.answer(b"{}\n")["msg"]
