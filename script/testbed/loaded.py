# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run ansible-playbook from a process that has Ansible loaded already, for the many small runs of tests.

Half of what a run costs that changes little is Python that loads Ansible. Here one process loads it, and copies itself
for each run; everything that belongs to a run (arguments, inventory, variables, output, its name) is the copy's own. It
ends with the process that has started it. Where it cannot be had, a run is a plain process as for users, and so are all
runs of molecule itself.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testbed.podman import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

#: The ansible-core whose insides are known here.
KNOWN = "2.19."
COLLECTION = "ansible_collections.barehost.web.plugins"
_START_SECONDS = 60


@dataclass
class Server:
    """The process that has Ansible loaded, as its user sees it."""

    environment: Mapping[str, str]
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="barehost-loaded-")))
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> bool:
        """Start it; tell whether it can be used."""
        command = [sys.executable, "-m", "testbed.loaded", str(self.folder / "socket")]
        own = {**self.environment, "PYTHONPATH": str(ROOT / "script")}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        atexit.register(self.stop)
        said = self.process.stdout
        ready = said is not None and select.select([said], [], [], _START_SECONDS)[0] and said.readline() == b"ready\n"
        if not ready:
            self.stop()
        return bool(ready)

    def stop(self) -> None:
        """End it."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, command: Sequence[str], environment: Mapping[str, str], timeout: float) -> tuple[int, str]:
        """Have it run a playbook; give its exit status and all that it said.

        :raises TimeoutExpired: it took longer; nothing of it runs on.
        """
        output = self.folder / "output"
        task = {"command": list(command), "environment": dict(environment), "output": str(output)}
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.folder / "socket"))
            connection.sendall(json.dumps(task).encode() + b"\n")
            with connection.makefile(encoding="utf-8") as answers:
                process = int(answers.readline())
                connection.settimeout(timeout)
                try:
                    status = int(answers.readline())
                except TimeoutError:
                    end(process)
                    raise subprocess.TimeoutExpired(list(command), timeout) from None
        return status, output.read_text(encoding="utf-8", errors="replace")


_servers: dict[str, Server | None] = {}


def run(command: Sequence[str], environment: Mapping[str, str], timeout: float) -> tuple[int, str]:
    """Run a playbook; give its exit status and all that it said.

    :param environment: of all that Ansible itself reads of it, the first run decides.
    """
    key = environment.get("MOLECULE_SCENARIO_NAME", "")
    if key not in _servers:
        server = Server(environment)
        _servers[key] = server if os.environ.get("BAREHOST_PLAIN") != "1" and server.start() else None
    found = _servers[key]
    if found is not None:
        return found.run(command, environment, timeout)
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True, errors="replace", **pipes) as process:
        try:
            said, _nothing = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            end(process.pid)
            raise
    return process.returncode, said


def end(process: int) -> None:
    """Kill a process and all that it has started: Ansible's workers have sessions of their own."""
    family = [process]
    for parent in family:
        # A process that ends meanwhile has no children any more.
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                family += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
    for one in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def load() -> Callable[[list[str]], object]:
    """Load what every run needs; give the program."""
    version = importlib.import_module("ansible.release").__version__
    if not version.startswith(KNOWN):
        raise ImportError(f"ansible-core {version} is not known from inside")
    for name in ("executor.playbook_executor", "executor.process.worker", "executor.task_queue_manager"):
        importlib.import_module(f"ansible.{name}")
    for name in ("executor.task_executor", "executor.module_common", "plugins.strategy.linear", "template"):
        importlib.import_module(f"ansible.{name}")
    loader: Any = importlib.import_module("ansible.plugins.loader")
    program: Any = importlib.import_module("ansible.cli.playbook")
    loader.init_plugin_loader()
    # It is done, and may be done once.
    vars(importlib.import_module("ansible.cli"))["init_plugin_loader"] = lambda *_given, **_more: None
    actions = [f"barehost.web.{path.stem}" for path in sorted((ROOT / "plugins/action").glob("[a-z]*.py"))]
    wanted = {
        loader.connection_loader: ["ansible.builtin.ssh", "ansible.builtin.local"],
        loader.shell_loader: ["ansible.builtin.sh"],
        loader.strategy_loader: ["ansible.builtin.linear"],
        loader.callback_loader: ["ansible.builtin.default", "record"],
        loader.lookup_loader: ["ansible.builtin.env"],
        loader.action_loader: ["ansible.builtin.normal", "ansible.builtin.meta", *actions],
    }
    for plugins, names in wanted.items():
        for name in names:
            plugins.get(name, class_only=True)
    executor: Callable[[list[str]], object] = program.PlaybookCLI.cli_executor
    return executor


def serve(path: str) -> None:
    """Wait for runs, until whoever has started this process has ended."""
    program = load()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen()
        gc.collect()
        gc.freeze()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            ready = select.select([door, sys.stdin], [], [])[0]
            if sys.stdin in ready:
                shutil.rmtree(Path(path).parent, ignore_errors=True)
                return
            connection, _address = door.accept()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            with copied() as inside:
                if inside:
                    door.close()
                    handle(connection, program)
            connection.close()


@contextlib.contextmanager
def copied() -> Iterator[bool]:
    """Go on in a copy of this process as well, where the value is true, and which ends with the block."""
    if os.fork():
        yield False
        return
    status = 1
    try:
        yield True
        status = 0
    finally:
        os._exit(status)


def handle(connection: socket.socket, program: Callable[[list[str]], object]) -> None:
    """Have one run in a process of its own, and tell how it ended."""
    with connection.makefile(encoding="utf-8") as said:
        task = json.loads(said.readline())
    process = os.fork()
    if process == 0:
        status = 250
        try:
            connection.close()
            status = perform(task, program)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    connection.sendall(f"{process}\n".encode())
    _process, ended = os.waitpid(process, 0)
    with contextlib.suppress(OSError):
        connection.sendall(f"{os.waitstatus_to_exitcode(ended)}\n".encode())


def perform(task: Mapping[str, Any], program: Callable[[list[str]], object]) -> int:
    """Be the run."""
    os.setsid()
    os.environ.clear()
    os.environ.update(task["environment"])
    output = os.open(task["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for descriptor, target in ((os.open(os.devnull, os.O_RDONLY), 0), (output, 1), (output, 2)):
        os.dup2(descriptor, target)
    importlib.reload(sys.modules[f"{COLLECTION}.plugin_utils._run"])
    sys.argv = task["command"]
    try:
        program(task["command"])
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])
