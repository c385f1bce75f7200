# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The two sides: role nginx as a user runs it, and a shell script that does the same work."""

from __future__ import annotations

import io
import json
import shlex
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from testbed.podman import ROOT, BedError, podman, podman_ok

from benchmark.hosts import role_packages
from benchmark.measure import Measured, measure

if TYPE_CHECKING:
    from benchmark.transports import Transport

_FLOOR = Path(__file__).with_name("floor.sh")
_SITE = """\
  - name: site-{number:03}
    domains: [site-{number:03}.example.test, www.site-{number:03}.example.test]
    routes:
      - {{path: /, static: /srv/www/site-{number:03}, expires: 1h}}
      - {{path: /app, app: app}}
"""
_STATE = """\
cd /etc/nginx && find . ../systemd/system/nginx.service.d -type f -exec sha256sum {} + | sort -k 2
find . -type l -printf '%p %l\\n' | sort
systemctl is-enabled nginx
systemctl is-active nginx
"""


def write_hosts(folder: Path, hosts: dict[str, dict[str, object]]) -> Path:
    """Write an inventory whose group web has these hosts."""
    folder.mkdir(exist_ok=True)
    # JSON is YAML, too.
    (folder / "hosts.yml").write_text(json.dumps({"web": {"hosts": hosts}}), encoding="utf-8")
    return folder


def write_sites(inventory: Path, sites: int) -> None:
    """Write variables as a user would, for this many sites."""
    folder = inventory / "group_vars"
    folder.mkdir(exist_ok=True)
    entries = "".join(_SITE.format(number=number) for number in range(1, sites + 1))
    apps = 'nginx_apps:\n  - {name: app, address: "127.0.0.1:5000"}\n'
    (folder / "web.yml").write_text(f"---\nnginx_sites:\n{entries}\n{apps}", encoding="utf-8")


class Role:
    """Our side: `ansible-playbook` and role nginx."""

    name = "ours"

    def __init__(self, folder: Path) -> None:
        """Name the folder that inventories are written to."""
        self._folder = folder

    def run(self, transport: Transport, container: str, sites: int) -> Measured:
        """Converge a machine."""
        inventory = self._folder / f"inventory-{transport.name}-{sites}"
        write_hosts(inventory, {"bench": transport.variables(container)})
        write_sites(inventory, sites)
        return converge(transport, ["--inventory", str(inventory), "playbooks/nginx.yml"])


def converge(transport: Transport, arguments: list[str]) -> Measured:
    """Run ansible-playbook with what is set for it here and nothing else, and count its calls."""
    transport.take_calls()
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", **transport.environment()}
    measured = measure([program, *arguments], settings=settings)
    measured.calls = transport.take_calls()
    measured.changed = " changed=0 " not in measured.output
    return measured


class Floor:
    """The other side: a POSIX shell script, piped to the machine. Its files are those of a converged machine."""

    name = "shell"

    def __init__(self) -> None:
        """No script is known yet."""
        self._scripts: dict[int, str] = {}

    def learn(self, container: str, sites: int) -> None:
        """Write the script for this number of sites, from a machine that our side has converged."""
        if sites not in self._scripts:
            self._scripts[sites] = _script(container)

    def run(self, transport: Transport, container: str, sites: int) -> Measured:
        """Run the script on a machine."""
        measured = measure(transport.shell(container), data=self._scripts[sites])
        measured.calls = 1
        measured.changed = bool(measured.output.strip())
        return measured


def _script(container: str) -> str:
    """Name everything that was published: the files first, then the links to them."""
    manifest = json.loads(podman_ok("exec", container, "cat", "/var/lib/barehost/published/nginx.json"))
    paths = sorted(path for path, record in manifest.items() if record["kind"] != "directory")
    names = "\n".join(path.lstrip("/") for path in paths)
    packed = podman("exec", "-i", container, "tar", "-c", "-C", "/", "-T", "-", data=names.encode())
    puts, joins = [], []
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        for entry in archive:
            if entry.issym():
                joins.append(f"join /{entry.name} {shlex.quote(entry.linkname)}")
            elif (content := archive.extractfile(entry)) is not None:
                puts.append(f"put /{entry.name} {entry.mode & 0o7777:o} {shlex.quote(content.read().decode())}")
    if len(puts) + len(joins) != len(paths):
        raise BedError(f"{len(paths)} files and links were published, {len(puts) + len(joins)} were found")
    have = f"have {' '.join(role_packages())}"
    drop = "drop /etc/nginx/sites-enabled/default"
    return "\n".join([_FLOOR.read_text(encoding="utf-8"), have, *puts, *joins, drop, "serve nginx.service", ""])


def state(container: str) -> str:
    """Tell what both sides are to bring about: nginx's files and links, and whether it runs."""
    return podman_ok("exec", container, "sh", "-c", _STATE)
