# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Playbooks that run from a process with Ansible loaded do what they do from a process of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from testbed import loaded
from testbed.converge import environment
from testbed.podman import ROOT

PROGRAM = str(Path(sys.executable).with_name("ansible-playbook"))
OWN_PYTHON = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
LOOK = {"ansible.builtin.debug": {"msg": "{{ said }} {{ lookup('ansible.builtin.env', 'OWN') }}"}}


@pytest.fixture(scope="module")
def server() -> Iterator[loaded.Server]:
    """A process that has Ansible loaded."""
    found = loaded.Server(environment("nginx", Path("unused")))
    assert found.start()
    yield found
    found.stop()


def play(folder: Path, *tasks: dict[str, object], said: str = "hello") -> list[str]:
    """Give a command for tasks on the control node."""
    playbook = folder / "play.yml"
    head = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": {"said": said, **OWN_PYTHON}}
    playbook.write_text(yaml.safe_dump([{**head, "tasks": list(tasks)}]), encoding="utf-8")
    return [PROGRAM, "--inventory=localhost,", str(playbook)]


@pytest.fixture(params=[True, False], ids=["loaded", "plain"])
def run(
    request: pytest.FixtureRequest, server: loaded.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> object:
    """Run playbooks both ways."""
    monkeypatch.setattr(loaded, "_servers", {"nginx": server if request.param else None})
    surroundings = environment("nginx", tmp_path / "record") | {"OWN": "own"}
    return lambda command, timeout=60.0: loaded.run(command, surroundings, timeout)


def test_each_run_reads_its_playbook_and_its_environment(run: object, tmp_path: Path) -> None:
    assert callable(run)
    for said in ("one", "two"):
        status, output = run(play(tmp_path, LOOK, said=said))
        assert (status, f"{said} own" in output) == (0, True), output
        assert (tmp_path / "record").exists(), "the results are recorded"


def test_failure_is_an_exit_status_and_its_words(run: object, tmp_path: Path) -> None:
    assert callable(run)
    status, output = run(play(tmp_path, {"ansible.builtin.fail": {"msg": "no way"}}))
    assert (status, "no way" in output) == (2, True), output
    status, output = run([PROGRAM, "--inventory=localhost,", str(tmp_path / "missing.yml")])
    assert (status, "missing.yml" in output) == (1, True), output


def ended(process: str) -> bool:
    """Wait until a process does no more, for a minute at the most; somebody may have to take its exit status yet."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


def test_run_that_takes_too_long_is_ended(run: object, tmp_path: Path) -> None:
    assert callable(run)
    mark = tmp_path / "process"
    sleep = {"ansible.builtin.command": {"argv": ["sh", "-c", f"echo $$ > {mark}; exec sleep 300"]}}
    # On a machine that has much to do it takes its time to begin.
    for seconds in (5.0, 10.0, 20.0, 40.0):
        started = time.monotonic()
        with pytest.raises(subprocess.TimeoutExpired):
            run(play(tmp_path, sleep), timeout=seconds)
        assert time.monotonic() - started < seconds + 60
        if mark.exists():
            break
    assert mark.exists(), "it had begun"
    assert ended(mark.read_text(encoding="ascii").strip()), "nothing of it runs on"


def test_every_run_has_a_name_of_its_own(server: loaded.Server, tmp_path: Path) -> None:
    folder = tmp_path / "filter_plugins"
    folder.mkdir()
    # A plugin of a run sees what the modules of the collection have found out when they were loaded.
    (folder / "named.py").write_text(
        "from ansible_collections.barehost.web.plugins.plugin_utils import _run\n"
        "class FilterModule:\n"
        "    def filters(self):\n"
        "        return {'named': lambda _value: _run.RUN}\n",
        encoding="utf-8",
    )
    names = set()
    for _time in range(2):
        look = {"ansible.builtin.debug": {"msg": "name={{ 1 | named }}="}}
        status, output = server.run(play(tmp_path, look), environment("nginx", tmp_path / "record"), 60)
        assert status == 0, output
        names.add(output.split("name=")[1].split("=")[0])
    assert len(names) == 2


def test_server_ends_with_whoever_started_it() -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from testbed import loaded; from testbed.converge import environment\n"
        "server = loaded.Server(environment('nginx', Path('unused')))\n"
        "assert server.start(); print(server.process.pid, server.folder, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT / "script")}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    process, folder = done.stdout.split()
    assert ended(process)
    assert not Path(folder).exists(), "it leaves nothing"


def test_unknown_core_is_run_as_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded, "KNOWN", "1.0.")
    with pytest.raises(ImportError, match="is not known from inside"):
        loaded.load()
