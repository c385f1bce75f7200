# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask the servers of a machine over https from inside it, and see what the handshake came to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, Unpack

from testbed.enter import ask

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = "/etc/barehost/authority.pem"

#: Runs in the machine: shakes hands as it is told, and asks for a page.
CLIENT = """
import http.client, json, socket, ssl, sys
task = json.load(sys.stdin)
context = ssl.create_default_context(cadata=task["root"])
context.check_hostname = bool(task["name"])
if task["version"]:
    context.minimum_version = context.maximum_version = ssl.TLSVersion[task["version"]]
    context.set_ciphers("ALL:@SECLEVEL=0")
if task["ciphers"]:
    context.set_ciphers(task["ciphers"])
if task["alpn"]:
    context.set_alpn_protocols(task["alpn"])
seen = {"error": "", "status": 0, "headers": {}, "text": ""}
try:
    raw = socket.create_connection(("127.0.0.1", task["port"]), timeout=10)
    with context.wrap_socket(raw, server_hostname=task["name"] or None) as tls:
        seen |= {"version": tls.version(), "cipher": tls.cipher()[0], "alpn": tls.selected_alpn_protocol()}
        seen |= {"serial": tls.getpeercert()["serialNumber"], "until": tls.getpeercert()["notAfter"]}
        if tls.selected_alpn_protocol() != "h2":
            host = task["host"] or task["name"]
            tls.sendall(f"GET {task['path']} HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n".encode())
            answer = http.client.HTTPResponse(tls)
            answer.begin()
            seen |= {"status": answer.status, "text": answer.read().decode()}
            seen["headers"] = {name.lower(): value for name, value in answer.getheaders()}
except (OSError, ssl.SSLError) as error:
    seen["error"] = f"{type(error).__name__}: {error}"
print(json.dumps(seen))
"""


@dataclass(frozen=True)
class Seen:
    """What the client saw."""

    error: str
    status: int
    headers: Mapping[str, str]
    text: str
    version: str = ""
    cipher: str = ""
    alpn: str | None = None
    serial: str = ""
    until: str = ""


class Options(TypedDict, total=False):
    """How to ask. Default: port 443, for the name itself, as the client likes best."""

    root: str
    port: int
    host: str
    version: str
    ciphers: str
    alpn: list[str]


@dataclass(frozen=True)
class Https:
    """Requests to one machine; it trusts the host's authority, unless it is given another root."""

    container: str

    def __call__(self, name: str, path: str = "/", **options: Unpack[Options]) -> Seen:
        """Shake hands with the server of a name, and ask for a page."""
        usual = {"port": 443, "host": "", "version": "", "ciphers": "", "alpn": []}
        task = {"name": name, "path": path, **usual, **options}
        task.setdefault("root", ask(self.container, "cat", ROOT, data=b""))
        done = ask(self.container, "python3", "-c", CLIENT, data=json.dumps(task).encode())
        return Seen(**json.loads(done))
