# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Small apps to release, from every kind of source, and a look at what became of them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from testbed.converge import converge as run
from testbed.podman import ROOT, podman_ok

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testinfra.host import Host

WSGI = """# {place}
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"{answer}"]
"""


@dataclass(frozen=True)
class Samples:
    """Sources on the controller, by name."""

    folder: Path

    def write(self, name: str, files: Mapping[str, str]) -> Path:
        """Write files of a source."""
        for file, text in files.items():
            path = self.folder / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return self.folder / name

    def code(self, name: str, answer: str = "one") -> Path:
        """Write a WSGI app without dependencies. No other test has the same code, so it is always a new release."""
        return self.write(name, {"wsgi.py": WSGI.format(answer=answer, place=self.folder)})

    def archive(self, name: str) -> tuple[str, str]:
        """Pack a source as forges do, everything in one folder. Gives the file and its checksum."""
        file = self.folder / f"{name}.tar.gz"
        with tarfile.open(file, "w:gz") as archive:
            archive.add(self.folder / name, f"{name}-1.0")
        return str(file), f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    """Make sources to release."""
    return Samples(tmp_path)


@dataclass(frozen=True)
class Repository:
    """A git repository on the controller, whose copies go to the machine as bare repositories."""

    folder: Path
    container: str
    name: str

    @property
    def url(self) -> str:
        """Where the machine finds it."""
        return f"file:///srv/git/{self.name}.git"

    def git(self, *words: str) -> str:
        """Run git in the working copy."""
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.test", "-c", "protocol.file.allow=always"]
        done = subprocess.run(
            ["git", *identity, "-C", str(self.folder), *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def push(self) -> None:
        """Commit everything and bring the machine's copy up to date."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=Change")
        self.send()

    def send(self) -> None:
        """Put the repository on the machine, as root's."""
        bare = self.folder.with_suffix(".git")
        subprocess.run(["rm", "-rf", str(bare)], check=True)
        self.git("clone", "--quiet", "--bare", ".", str(bare))
        podman_ok("exec", self.container, "rm", "-rf", f"/srv/git/{self.name}.git")
        podman_ok("exec", self.container, "mkdir", "-p", "/srv/git")
        podman_ok("cp", str(bare), f"{self.container}:/srv/git/{self.name}.git")
        podman_ok("exec", self.container, "chown", "-R", "root:root", f"/srv/git/{self.name}.git")


@pytest.fixture
def repository(machine: Any, samples: Samples) -> Any:
    """Make repositories by name."""

    def make(name: str, files: Mapping[str, str]) -> Repository:
        made = Repository(samples.write(name, files), machine.container, name)
        made.git("init", "--quiet", "--initial-branch=main", ".")
        return made

    return make


@dataclass(frozen=True)
class Released:
    """What is released of one app."""

    host: Host
    name: str

    @property
    def live(self) -> str:
        """The id of the live release; empty without one."""
        return str(self.host.run(f"readlink /srv/{self.name}/current").stdout.strip().removeprefix("releases/"))

    @property
    def ids(self) -> list[str]:
        """All releases."""
        return sorted(self.host.run(f"ls /srv/{self.name}/releases").stdout.split())

    @property
    def record(self) -> dict[str, Any]:
        """What the live release remembers."""
        record: dict[str, Any] = json.loads(self.file(".release.json"))
        return record

    def file(self, path: str) -> str:
        """The content of a file of the live release."""
        return str(self.host.check_output(f"cat /srv/{self.name}/current/{path}"))

    def answer(self, module: str = "wsgi:app") -> str:
        """What the app answers when its own interpreter calls it as its own user."""
        target, _, name = module.partition(":")
        call = f'import {target} as m; print(b"".join(m.{name}(dict(), lambda *a: None)).decode())'
        return str(self.python(call).stdout.strip())

    def python(self, program: str) -> Any:
        """Run a program with the app's own interpreter, as its own user; it has no single quotes."""
        return self.run(f"cd /srv/{self.name}/current && .venv/bin/python -c '{program}'")

    def run(self, command: str) -> Any:
        """Run a shell command as the app's user."""
        return self.host.run("runuser -u %s -- sh -c %s", self.name, command)


@dataclass(frozen=True)
class Report:
    """What one converge did to the apps."""

    outcome: Any

    @property
    def rc(self) -> int:
        """Exit status of ansible-playbook."""
        return int(self.outcome.rc)

    @property
    def changed(self) -> int:
        """Number of tasks that changed something; the run itself must have gone well."""
        assert self.rc == 0, self.outcome
        return int(self.outcome.changed)

    @property
    def output(self) -> str:
        """All that was printed."""
        return str(self.outcome.output)

    @property
    def tasks(self) -> list[Any]:
        """What every task did."""
        return list(self.outcome.tasks)

    @property
    def released(self) -> dict[str, Any]:
        """Result of the task that releases."""
        return dict(self.outcome.task("barehost.web.release").result)

    @property
    def apps(self) -> dict[str, str]:
        """What became of each app."""
        assert self.rc == 0, self.outcome
        return {app["name"]: app["change"] for app in self.released["apps"]}

    @property
    def message(self) -> str:
        """Why the task that releases, or the check before it, failed."""
        failed = [task for task in self.outcome.tasks if task.status == "failed"]
        return str(failed[0].result["msg"]) if failed else ""


@pytest.fixture(scope="session")
def converge(machine: Any) -> Any:
    """Converge with apps on top of those of the inventory, which stay released, and look at what became of them.

    What a test leaves behind is no concern of the next one, so nothing is converged back.
    """
    inventory = yaml.safe_load((ROOT / "inventory/app/group_vars/web.yml").read_text(encoding="utf-8"))["app_apps"]

    def call(apps: list[dict[str, Any]] | None = None, *, check: bool = False, **variables: Any) -> Report:
        both = {"app_apps": [*inventory, *apps]} if apps is not None else {}
        return Report(run(machine.scenario, machine.name, {**both, **variables}, check=check))

    return call


@pytest.fixture(scope="session")
def released(host: Host) -> Any:
    """Look at an app by name."""
    return lambda name: Released(host, name)
