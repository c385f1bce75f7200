# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Code for the pools, and requests to them as a web server sends them."""

from __future__ import annotations

import base64
import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from testbed.podman import podman_ok

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testinfra.host import Host

HERE = Path(__file__).parent
CLIENT = (HERE / "fastcgi.py").read_text(encoding="utf-8")
CODE = (HERE / "probe.php").read_bytes()
PLACE = """
mkdir -p /srv/{name} && cat >/srv/{name}/probe.php && cp /srv/{name}/probe.php /srv/{name}/probe.txt
chown -R root:{user} /srv/{name} && chmod 0750 /srv/{name} && chmod 0640 /srv/{name}/probe.*
"""


@dataclass(frozen=True)
class Answer:
    """What a pool said; status 0 if it did not."""

    status: int
    body: str
    seconds: float

    @property
    def value(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)


@dataclass
class Seen:
    """What became of the requests of a watch; complete once its block was left."""

    count: int = 0
    slowest: float = 0.0
    failures: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Fastcgi:
    """Requests to the pools of one machine."""

    container: str

    def command(self) -> list[str]:
        """Name the command that runs fastcgi.py in the machine."""
        return ["exec", "-i", self.container, "python3", "-c", CLIENT]

    def place(self, name: str, user: str = "") -> None:
        """Put the code of the tests into the folder of a pool, which the group of its user may read."""
        script = PLACE.format(name=name, user=user or name)
        podman_ok("exec", "-i", self.container, "sh", "-ec", script, data=CODE)

    @staticmethod
    def task(name: str, do: str, **options: Any) -> dict[str, Any]:
        """Write a task for fastcgi.py; script, content type and body are options, the others go into the query."""
        body: bytes = options.pop("body", b"")
        script = options.pop("script", f"/srv/{name}/probe.php")
        query = urlencode({"do": do, **options})
        params = {
            "REQUEST_METHOD": "POST" if body else "GET",
            "SCRIPT_FILENAME": script,
            "SCRIPT_NAME": script,
            "REQUEST_URI": f"{script}?{query}",
            "QUERY_STRING": query,
            "CONTENT_TYPE": "multipart/form-data; boundary=edge",
            "CONTENT_LENGTH": str(len(body)),
        }
        text = base64.b64encode(body).decode()
        return {"socket": f"/run/php_fpm/{name}.sock", "params": params, "body": text, "timeout": 60}

    def __call__(self, name: str, do: str, **options: Any) -> Answer:
        """Send one request to a pool."""
        answer = json.loads(podman_ok(*self.command(), data=line(self.task(name, do, **options))))
        return Answer(answer["status"], answer["body"], answer["seconds"])

    def kill(self, process: int, name: str) -> float:
        """Kill a process, and give the seconds until the pool answers again, as the machine itself measures them."""
        task = self.task(name, "who") | {"kill": process}
        return float(podman_ok(*self.command(), data=line(task)))

    @contextmanager
    def watch(self, name: str, do: str, *, threads: int = 4, interval: float = 0.01, **options: Any) -> Iterator[Seen]:
        """Keep asking for as long as the block runs, then look at what was seen."""
        seen = Seen()
        task = self.task(name, do, **options) | {"threads": threads, "interval": interval}
        with subprocess.Popen(["podman", *self.command()], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            try:
                if process.stdin:
                    process.stdin.write(line(task))
                    process.stdin.flush()
                yield seen
            finally:
                output, _ = process.communicate()
        result = json.loads(output)
        seen.count, seen.slowest, seen.failures = result["count"], result["slowest"], result["failures"]


def line(task: dict[str, Any]) -> bytes:
    """Write a task as fastcgi.py reads it."""
    return json.dumps(task).encode() + b"\n"


@pytest.fixture(scope="session")
def ask(machine: Any) -> Fastcgi:
    """Ask the pools of the inventory, whose code is there then."""
    asking = Fastcgi(machine.container)
    asking.place("hello")
    asking.place("shop")
    return asking


@pytest.fixture
def masters(unit: Any) -> Callable[[], list[int]]:
    """Tell which processes the units of the inventory's pools run."""
    return lambda: [unit(name).master for name in ("hello", "shop")]


@pytest.fixture(scope="session")
def version(host: Host) -> str:
    """Tell which PHP is Debian's own."""
    return {"12": "8.2", "13": "8.4"}[str(host.system_info.release).split(".", maxsplit=1)[0]]


@pytest.fixture
def journal(host: Host) -> Callable[[str], str]:
    """Read what a pool has logged."""
    return lambda name: host.check_output(f"journalctl --sync; journalctl --no-pager -o cat -u php_fpm@{name}.service")


@pytest.fixture
def varied(varied: Any) -> Callable[..., dict[str, Any]]:
    """Give the pools of the inventory with changes."""
    return lambda *more, **changes: varied(*more, key="php_fpm_pools", **changes)
