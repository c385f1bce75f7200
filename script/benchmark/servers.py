# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How many requests an app answers behind nginx: ours beside the same app, server and workers set up by hand."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from ansible_collections.barehost.web.plugins.module_utils._benchmark_load import Load, parse_load
from ansible_collections.barehost.web.plugins.plugin_utils._benchmark import DEVELOPMENT
from ansible_collections.barehost.web.plugins.plugin_utils._benchmark import servers as all_servers
from testbed.patience import install
from testbed.podman import podman_ok

from benchmark.byhand import FOLDER, ByHand, Shape, Way, nginx, ways
from benchmark.sides import converge, write_hosts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmark.transports import Transport

SHAPES = (Shape(2, 1), Shape(2, 4))
OURS = Way("ours")
_OUR_PORT, _HAND_PORT = 9000, 9100
_HOST = "bench.test"
_WAIT_SECONDS = 15


@dataclass(frozen=True)
class Side:
    """One thing to ask: an app under a server, ours or a way by hand, at a port of the machine."""

    server: str
    shape: Shape | str
    way: str
    port: int
    host: str
    cookie: str = ""

    def __str__(self) -> str:
        """Give the beginning of a line of progress."""
        return f"{self.server:<9} {self.shape}  {self.way:<20}"

    def headers(self) -> dict[str, str]:
        """Give the headers of a request."""
        return {"Host": self.host, **({"Cookie": self.cookie} if self.cookie else {})}


def measured() -> list[str]:
    """Name the servers: the development server is for nobody who counts requests."""
    return [name for name in all_servers() if name != DEVELOPMENT]


def app_name(server: str, shape: Shape) -> str:
    """Name the app of ours, whose code the ways by hand run too."""
    return f"{server}-{shape}"


def model() -> dict[str, Any]:
    """Write the entries of ours as a user would."""
    pairs = [(server, shape) for server in measured() for shape in SHAPES]
    apps = [
        {
            "name": app_name(server, shape),
            "server": server,
            "source": {"path": "examples/hello"},
            "wsgi": "wsgi:app",
            "processes": shape.processes,
            "threads": shape.threads,
        }
        for server, shape in pairs
    ]
    sites = [
        {
            "name": app["name"],
            "domains": [_HOST],
            "listen": [f"127.0.0.1:{_OUR_PORT + number}"],
            # As in the ways by hand; a log costs both sides the same.
            "access_log": False,
            "routes": [{"path": "/", "app": app["name"]}],
        }
        for number, app in enumerate(apps)
    ]
    return {"web_apps": apps, "web_sites": sites}


def hands() -> list[ByHand]:
    """Give all ways by hand, each at a port of its own."""
    found: list[ByHand] = []
    for server in measured():
        for shape in SHAPES:
            for way in ways(server, shape):
                found.append(ByHand(server, shape, way, app_name(server, shape), _HAND_PORT + len(found)))
    return found


def sides() -> list[Side]:
    """Give everything to ask, ours and the ways by hand of one kind beside each other."""
    pairs = [(server, shape) for server in measured() for shape in SHAPES]
    found = []
    for number, (server, shape) in enumerate(pairs):
        found.append(Side(server, shape, OURS.name, _OUR_PORT + number, _HOST))
        found += [
            Side(server, shape, hand.way.name, hand.port, _HOST)
            for hand in hands()
            if (hand.server, hand.shape) == (server, shape)
        ]
    return found


def serve(transport: Transport, machine: str, folder: Path, variables: Mapping[str, Any]) -> None:
    """Have ours serve a model as a user would, and the program that asks at hand."""
    inventory = write_hosts(folder / "inventory-load", {"bench": transport.variables(machine)})
    (inventory / "group_vars").mkdir()
    (inventory / "group_vars/web.yml").write_text(yaml.safe_dump(dict(variables)), encoding="utf-8")
    converge(transport, [f"--inventory={inventory}", "site.yml"])
    install(machine, "wrk")


def prepare(transport: Transport, machine: str, folder: Path) -> None:
    """Have ours served, and start the ways by hand beside it."""
    serve(transport, machine, folder, model())
    inside(machine, f"mkdir -p {FOLDER} && chmod 1777 {FOLDER} && cat >{FOLDER}/nginx.conf", nginx(hands()))
    for hand in hands():
        for name, text in hand.files().items():
            inside(machine, f"cat >{FOLDER}/{name}", text)
        start(machine, hand.name, hand.command(), user=hand.app)
    start(machine, "byhand-nginx", ["/usr/sbin/nginx", "-c", f"{FOLDER}/nginx.conf", "-g", "daemon off;"])
    for side in sides():
        wait(machine, side)


def ask(machine: str, side: Side, *, seconds: int, connections: int) -> Load:
    """Have wrk ask one side."""
    options = ["--threads=2", f"--connections={connections}", f"--duration={seconds}s", "--timeout=10s", "--latency"]
    headers = [f"--header={name}: {value}" for name, value in side.headers().items()]
    return parse_load(inside(machine, shlex.join(["wrk", *options, *headers, f"http://127.0.0.1:{side.port}/"])))


def start(machine: str, unit: str, command: list[str], user: str = "root") -> None:
    """Have systemd run a command in the machine."""
    run = ["systemd-run", "--quiet", f"--unit={unit}", f"--uid={user}", "--property=UMask=0000", *command]
    inside(machine, shlex.join(run))


def wait(machine: str, side: Side) -> None:
    """Wait for an answer; what a server says instead of one is in the journal that the error shows."""
    python = (
        "import urllib.request as r; "
        f"r.urlopen(r.Request('http://127.0.0.1:{side.port}/', headers={side.headers()!r}), timeout=5)"
    )
    tries = (
        f"until python3 -c {shlex.quote(python)} 2>/dev/null; do sleep 0.2; [ $(date +%s) -lt $end ] || exit 1; done"
    )
    unit = f"byhand-{side.port}"
    tell = f"journalctl --no-pager -n 15 -u {unit} >&2; exit 1"
    inside(machine, f"end=$(($(date +%s) + {_WAIT_SECONDS})); ({tries}) || {{ {tell}; }}")


def inside(machine: str, script: str, data: str = "") -> str:
    """Have a shell in the machine do something."""
    return podman_ok("exec", "-i", machine, "sh", "-c", script, data=data.encode())
