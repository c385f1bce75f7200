# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs inside a machine: ask a pool by FastCGI, once, until told to stop, or until it is back after a kill.

It is sent as text, and gets its task as a line of JSON on standard input.
"""

from __future__ import annotations

import base64
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from typing import Any

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
LARGEST = 65528


def record(kind: int, content: bytes) -> bytes:
    """Write one record."""
    return struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content


def stream(kind: int, content: bytes) -> bytes:
    """Write as many records as the content takes, and the empty one that ends it."""
    parts = [content[at : at + LARGEST] for at in range(0, len(content), LARGEST)]
    return b"".join(record(kind, part) for part in [*parts, b""])


def request(task: dict[str, Any]) -> bytes:
    """Write a whole request."""
    pairs = [(name.encode(), value.encode()) for name, value in task["params"].items()]
    params = b"".join(struct.pack(">II", len(a) | 1 << 31, len(b) | 1 << 31) + a + b for a, b in pairs)
    head = record(BEGIN, struct.pack(">HB5x", 1, 0))
    return head + stream(PARAMS, params) + stream(STDIN, base64.b64decode(task["body"]))


def answer(connection: socket.socket) -> bytes:
    """Read a whole answer, without what was said on standard error."""
    output, kind = b"", 0
    with connection.makefile("rb") as reader:
        while kind != END:
            head = reader.read(8)
            if len(head) < 8:
                raise ConnectionError("closed before the end of the answer")
            _version, kind, _request, length, padding = struct.unpack(">BBHHBx", head)
            content = reader.read(length + padding)[:length]
            output += content if kind == STDOUT else b""
    return output


def ask(task: dict[str, Any]) -> dict[str, Any]:
    """Send one request; status 0 means that there was no answer, and the body tells why."""
    started = time.monotonic()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(task["timeout"])
            connection.connect(task["socket"])
            connection.sendall(request(task))
            head, _, body = answer(connection).partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
        status = int(fields.get("Status", "200").split()[0])
    except OSError as error:
        status, body = 0, f"{type(error).__name__}: {error}".encode()
    return {"status": status, "body": body.decode(errors="replace"), "seconds": time.monotonic() - started}


def watch(task: dict[str, Any]) -> dict[str, Any]:
    """Ask in several threads until standard input ends; keep what was not answered well."""
    answers: list[dict[str, Any]] = []
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            answers.append(ask(task))
            time.sleep(task["interval"])

    threads = [threading.Thread(target=go_on) for _number in range(task["threads"])]
    for thread in threads:
        thread.start()
    select.select([sys.stdin], [], [])
    over.set()
    for thread in threads:
        thread.join()
    slowest = max((one["seconds"] for one in answers), default=0.0)
    failures = [one for one in answers if one["status"] != 200]
    return {"count": len(answers), "slowest": slowest, "failures": failures}


def kill(task: dict[str, Any]) -> float:
    """Kill a process, and tell after how many seconds there is an answer."""
    os.kill(task["kill"], signal.SIGKILL)
    started = time.monotonic()
    # What the killed one has left behind may answer for a moment.
    time.sleep(0.2)
    while ask(task)["status"] != 200:
        if time.monotonic() - started > 120:
            raise TimeoutError("there is no answer")
        time.sleep(0.02)
    return time.monotonic() - started


def main() -> None:
    """Do what the task is about."""
    task = json.loads(sys.stdin.readline())
    work = kill if "kill" in task else watch if "threads" in task else ask
    sys.stdout.write(json.dumps(work(task)))


if __name__ == "__main__":
    main()
