# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host is like before a benchmark, and how it becomes so again. Private to the collection.

Apps and sites come and go by the roles. What is left then is what a role leaves on purpose: packages, its own
configuration, the collection's memory. All that was not there before goes; what was is put back as it was.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._host import HostError
from ansible_collections.barehost.web.plugins.module_utils._marks import STATE, private_folder
from ansible_collections.barehost.web.plugins.module_utils._publish_plan import look

#: Names of the entries that come and go.
SITE, PREFIX = "benchmark", "benchmark-"
#: Where the host's former state is kept while a benchmark runs; a run that is killed leaves it for the next.
MEMORY = Path("/var/lib/barehost-benchmark")
UNITS = Path("/etc/systemd/system")
#: Packages of servers are called otherwise than the servers.
_PROGRAMS = ("nginx", "apache2", "barehost", "uwsgi", "uwsgi-core")
_PARENTS = ("etc", "opt", "run", "var/lib", "var/log", "var/cache")
_REMOVED = re.compile(r"^(?:Remv|Purg) (\S+)", re.MULTILINE)


class RestoreError(HostError):
    """The host is not as it was, and what is different."""


@dataclass(frozen=True)
class Places:
    """The folders that a benchmark of some servers may touch."""

    servers: tuple[str, ...]
    root: Path = Path("/")

    @property
    def programs(self) -> tuple[str, ...]:
        """Names of programs; folders are called like them."""
        return tuple(dict.fromkeys((*_PROGRAMS, *self.servers)))

    @property
    def folders(self) -> list[Path]:
        """Folders that go if they were not there before."""
        own = [self.root / parent / name for parent in _PARENTS for name in self.programs]
        # The packages of web servers put a page of welcome here, and leave it when they go.
        return [*own, self.root / "var/www"]

    @property
    def kept(self) -> list[Path]:
        """Folders whose content is put back if they were there before: settings, and the collection's memory."""
        settings = [self.root / "etc" / name for name in self.programs]
        units = self.root / UNITS.relative_to("/")
        return [*settings, self.root / STATE.relative_to("/"), units]

    def concerns(self, folder: Path, path: Path) -> bool:
        """Whether a path below a kept folder is a benchmark's business: of the units, only those of its programs."""
        if folder != self.root / UNITS.relative_to("/"):
            return True
        names = "|".join(map(re.escape, self.programs))
        return re.search(rf"(?:\A|/)(?:{names})[.@]", str(path.relative_to(folder))) is not None


def packages() -> dict[str, str]:
    """Versions of all packages that are on the host, also of those whose settings alone are."""
    shown = _run("dpkg-query", "--show", "--showformat", "${binary:Package}\t${db:Status-Status}\t${Version}\n")
    lines = (line.split("\t") for line in shown.splitlines())
    return {name: f"{status} {version}" for name, status, version in lines if status != "not-installed"}


def accounts() -> list[str]:
    """Names of users and groups."""
    found = []
    for kind, file in (("user", "passwd"), ("group", "group")):
        lines = Path("/etc", file).read_text(encoding="utf-8").splitlines()
        found += [f"{kind} {line.split(':', 1)[0]}" for line in lines]
    return sorted(found)


def units(places: Places) -> list[str]:
    """Units of the benchmark's programs that run or wait for connections."""
    shown = _run("systemctl", "list-units", "--plain", "--no-legend", "--state=active", "--type=service,socket")
    names = [line.split()[0] for line in shown.splitlines() if line.strip()]
    return sorted(name for name in names if re.split(r"[.@]", name)[0] in places.programs)


def temporary(name: str) -> bool:
    """Tell whether an entry is a benchmark's own."""
    return name == SITE or name.startswith(PREFIX)


def entries(state: Path = STATE) -> dict[str, list[str]]:
    """Entries that the collection serves on this host, by the name of the set, without a benchmark's own."""
    found = {}
    for path in sorted((state / "published").glob("*.json")):
        records: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        names = {record["entry"] for record in records.values()} - {""}
        found[path.stem] = sorted(name for name in names if not temporary(name))
    return {name: served for name, served in found.items() if served}


def unfinished(memory: Path = MEMORY) -> list[str]:
    """Name the servers of a benchmark that was killed; none if none was."""
    noted = memory / "before.json"
    return list(json.loads(noted.read_text(encoding="utf-8"))["servers"]) if noted.exists() else []


def remember(places: Places, memory: Path = MEMORY) -> None:
    """Note what the host is like."""
    shutil.rmtree(memory, ignore_errors=True)
    private_folder(memory)
    kept = [folder for folder in places.kept if folder.is_dir()]
    for folder in kept:
        _copy(folder, memory / "tree" / folder.relative_to(places.root))
    before = {
        "packages": packages(),
        "accounts": accounts(),
        "units": units(places),
        "servers": places.servers,
        "entries": entries(),
        "new": [str(folder) for folder in places.folders if not os.path.lexists(folder)],
        "kept": [str(folder) for folder in kept],
    }
    # Last and in one step: half a note is none.
    fresh = memory / "before.new"
    fresh.write_text(json.dumps(before), encoding="utf-8")
    fresh.replace(memory / "before.json")


def restore(memory: Path = MEMORY) -> list[str]:
    """Bring the host back; give notes for the user on what cannot be brought back and does no harm."""
    noted = memory / "before.json"
    if not noted.exists():
        return []
    before = json.loads(noted.read_text(encoding="utf-8"))
    places = Places(tuple(before["servers"]))
    if before["entries"] != entries():
        # Somebody has made something of it since: what is there is needed now.
        stay = sorted(set(packages()) - set(before["packages"]))
        shutil.rmtree(memory)
        said = "What the host serves has changed since a benchmark began, so nothing but its apps was taken back. "
        return [f"{said}These packages came with it and stay: {', '.join(stay) or 'none'}."]
    purge(before["packages"])
    for folder in map(Path, before["new"]):
        remove(folder)
    changed = [
        path
        for folder in map(Path, before["kept"])
        for path in put_back(memory / "tree" / folder.relative_to("/"), folder, places)
    ]
    _run("systemctl", "daemon-reload")
    for unit in before["units"]:
        if any(Path("/etc", name) in path.parents for path in changed for name in re.split(r"[.@]", unit)[:1]):
            _run("systemctl", "reload-or-restart", unit)
    for unit in units(places):
        if unit not in before["units"]:
            _run("systemctl", "stop", unit)
    _forget_failures(places)
    left = differences(before, places)
    if left:
        raise RestoreError(
            "The benchmark is over, but the host is not as it was before:\n"
            + "\n".join(f"- {line}" for line in left)
            + f"\nPut this right and run the benchmark again; what the host was like is noted in {memory}."
        )
    shutil.rmtree(memory)
    now = packages()
    upgraded = [name for name, version in before["packages"].items() if now[name] != version]
    return (
        [f"These packages are newer than before, because others needed it: {', '.join(upgraded)}"] if upgraded else []
    )


def differences(before: dict[str, Any], places: Places) -> list[str]:
    """Name what is there and was not, and the other way round."""
    now = {"package": list(packages()), "account": accounts(), "unit": units(places)}
    found = []
    for kind, names in now.items():
        former = list(before[f"{kind}s"])
        found += [f"{kind} {name} is new" for name in names if name not in former]
        found += [f"{kind} {name} is gone" for name in former if name not in names]
    return found


def put_back(copy: Path, live: Path, places: Places) -> list[Path]:
    """Make a folder what its copy is; give the paths that were different."""
    wanted, present = (_below(folder) for folder in (copy, live))
    changed = []
    for name in sorted(present - wanted, reverse=True):
        if places.concerns(live, live / name):
            remove(live / name)
            changed.append(live / name)
    for name in sorted(wanted):
        if places.concerns(live, live / name) and look(str(copy / name)) != look(str(live / name)):
            if (live / name).is_symlink() or not (copy / name).is_dir():
                remove(live / name)
            _copy(copy / name, live / name)
            changed.append(live / name)
    return changed


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder; what a mount holds stays, and is told by what is left."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def purge(before: Iterable[str]) -> None:
    """Remove the packages that were not there, and no other."""
    new = sorted(set(packages()) - set(before))
    if not new:
        return
    command = ["apt-get", "--quiet", "--yes", "-o", "DPkg::Lock::Timeout=300", "purge", *new]
    simulated = _run(*command[:1], "--simulate", *command[1:])
    names = {name.split(":")[0] for name in new}
    others = sorted(name for name in _REMOVED.findall(simulated) if name.split(":")[0] not in names)
    if others:
        raise RestoreError(
            f"Nothing was removed: the packages {', '.join(others)}, which were there before the benchmark, need some "
            f"of those that it has installed: {', '.join(new)}. Remove by hand what is too much."
        )
    _run(*command)


def _forget_failures(places: Places) -> None:
    shown = _run("systemctl", "list-units", "--plain", "--no-legend", "--state=failed")
    names = [line.split()[0] for line in shown.splitlines() if line.strip()]
    ours = [name for name in names if re.match(rf"(?:{'|'.join(places.programs)})(?:@benchmark-|\.)", name)]
    if ours:
        _run("systemctl", "reset-failed", *ours)


def _below(folder: Path) -> set[str]:
    found: set[str] = set()
    for parent, folders, files in os.walk(folder):
        found.update(str(Path(parent, name).relative_to(folder)) for name in (*folders, *files))
    return found


def _copy(source: Path, dest: Path) -> None:
    """Copy with owners, modes and times, over what is there."""
    dest.parent.mkdir(parents=True, exist_ok=True)
    _run("cp", "--archive", "--no-target-directory", str(source), str(dest))


def _run(*command: str) -> str:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said: Sequence[str] = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise RestoreError(f"{' '.join(command[:2])} failed with status {done.returncode}:\n" + "\n".join(said))
    return done.stdout
