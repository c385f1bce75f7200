# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs inside a machine, which has Python and no curl: ask a server, once or until told to stop.

It is sent as text, and gets its task as a line of JSON on standard input. Requests are written byte by byte as asked,
so that odd paths and headers arrive as they are.
"""

from __future__ import annotations

import base64
import http.client
import json
import select
import socket
import sys
import time
from typing import Any


def connect(task: dict[str, Any]) -> socket.socket:
    """Connect to a unix socket or to a port of the machine."""
    if task["unix"]:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(task["timeout"])
        connection.connect(task["unix"])
        return connection
    return socket.create_connection((task["address"], task["port"]), timeout=task["timeout"])


def ask(task: dict[str, Any]) -> dict[str, Any]:
    """Send one request; status 0 means that there was no answer, and error tells why."""
    started = time.monotonic()
    try:
        with connect(task) as connection:
            connection.sendall(base64.b64decode(task["request"]))
            response = http.client.HTTPResponse(connection, method=task["method"])
            response.begin()
            body = response.read()
            answer = {"status": response.status, "headers": response.getheaders(), "error": ""}
    except http.client.BadStatusLine as error:
        answer, body = {"status": 0, "headers": [], "error": f"closed: {error}"}, b""
    except (OSError, http.client.HTTPException) as error:
        answer, body = {"status": 0, "headers": [], "error": f"{type(error).__name__}: {error}"}, b""
    return answer | {"body": base64.b64encode(body).decode(), "seconds": time.monotonic() - started}


def watch(task: dict[str, Any]) -> dict[str, Any]:
    """Ask again and again until standard input ends; keep what was not answered as expected.

    There are at least as many answers as asked for. An empty line is written after the first one: from then on nothing
    happens unseen.
    """
    count, slowest, failures = 0, 0.0, []
    while not select.select([sys.stdin], [], [], task["interval"])[0] or count < task["least"]:
        answer = ask(task)
        count, slowest = count + 1, max(slowest, answer["seconds"])
        if count == 1:
            sys.stdout.write("\n")
            sys.stdout.flush()
        if answer["status"] != task["expected"]:
            # What else happened then is in the logs of the machine.
            when = time.strftime("%H:%M:%S", time.gmtime())
            failures.append(answer | {"error": f"{answer['error']} (request {count}, until {when})".lstrip()})
    return {"count": count, "slowest": slowest, "failures": failures}


if __name__ == "__main__":
    given = json.loads(sys.stdin.readline())
    sys.stdout.write(json.dumps(watch(given) if "interval" in given else ask(given)))
