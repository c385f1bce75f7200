# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs inside a machine, which has Python and no curl: speak to servers, byte by byte, as asked.

It is sent as text. Each line of standard input is a task, each line of standard output is what came of it, both JSON.
It stays for many of them, because starting a program inside a machine takes longer than most answers.
"""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

PATTERN = bytes(range(251)) * 1044
PIECE = 65536


def connect(where: dict[str, Any], receive: int = 0) -> socket.socket:
    """Connect to a unix socket, or to a port of the machine from one of its addresses."""
    connection = socket.socket(socket.AF_UNIX if where["unix"] else socket.AF_INET)
    connection.settimeout(where["timeout"])
    if receive:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    if where["unix"]:
        connection.connect(where["unix"])
    else:
        connection.bind((where["source"], 0))
        connection.connect(("127.0.0.1", where["port"]))
    return connection


@dataclass
class Talk:
    """One connection, what was heard on it, and when."""

    connection: socket.socket
    started: float
    heard: bytearray = field(default_factory=bytearray)
    arrivals: list[tuple[float, int]] = field(default_factory=list)

    def send(self, text: str) -> None:
        """Send bytes, written in base64."""
        self.connection.sendall(base64.b64decode(text))

    def fill(self, size: int, chunk: int) -> None:
        """Send this many bytes of the pattern, with ``chunk`` in chunks of that size, ended by the last one."""
        sent, step = 0, chunk or len(PATTERN)
        while sent < size:
            begin = sent % 251
            piece = PATTERN[begin : begin + min(step, size - sent, len(PATTERN) - 251)]
            self.connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunk else piece)
            sent += len(piece)
        if chunk:
            self.connection.sendall(b"0\r\n\r\n")

    def pause(self, seconds: float) -> None:
        """Do nothing for a while."""
        time.sleep(seconds)

    def hear(self, most: int = PIECE) -> int:
        """Take what has arrived; 0 is the end."""
        piece = self.connection.recv(most)
        if piece:
            self.heard += piece
            self.arrivals.append((time.monotonic() - self.started, len(self.heard)))
        return len(piece)

    def until(self, text: str) -> None:
        """Listen until this was said."""
        while text.encode() not in self.heard and self.hear():
            pass

    def sip(self, size: int, pause: float) -> None:
        """Listen to the end, a little at a time."""
        while self.hear(size):
            time.sleep(pause)

    def listen(self) -> None:
        """Listen to the end."""
        while self.hear():
            pass


def talk(task: dict[str, Any]) -> dict[str, Any]:
    """Hold one conversation, step by step; hang up after the last step."""
    started = time.monotonic()
    said = Talk(socket.socket(), started)
    error = ""
    try:
        with connect(task["where"], task.get("receive", 0)) as said.connection:
            for name, *arguments in task["steps"]:
                getattr(said, name)(*arguments)
    except OSError as problem:
        error = f"{type(problem).__name__}: {problem}"
    heard = base64.b64encode(said.heard).decode()
    return {"heard": heard, "arrivals": said.arrivals, "error": error, "seconds": time.monotonic() - started}


def talks(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Hold conversations side by side."""
    with ThreadPoolExecutor(len(task["talks"])) as pool:
        return list(pool.map(talk, task["talks"]))


def shell(task: dict[str, Any]) -> str:
    """Run a command and give what it printed."""
    done = subprocess.run(["sh", "-c", task["command"]], capture_output=True, text=True, check=True)
    return done.stdout


def measure(task: dict[str, Any]) -> list[tuple[float, str]]:
    """Hold one conversation several times, with pauses; the seconds and the first line of each answer."""
    answers = []
    for _time in range(task["times"]):
        time.sleep(task["pause"])
        answers.append(talk(task["talk"]))
    return [(one["seconds"], base64.b64decode(one["heard"]).split(b"\r\n")[0].decode()) for one in answers]


class Crowd:
    """Slow clients. Each sends its first words at once, and then trickles: a byte out, or a few in, ten a second."""

    def __init__(self) -> None:
        """Start with nobody."""
        self.members: list[tuple[socket.socket, bool]] = []
        self.leave = threading.Event()
        self.thread = threading.Thread(target=self.trickle, daemon=True)

    def attach(self, task: dict[str, Any]) -> int:
        """Have the clients come; each kind has its first words, and talks on or reads on."""
        for kind in task["kinds"]:
            for _client in range(kind["count"]):
                connection = connect(task["where"], 4096)
                connection.sendall(base64.b64decode(kind["words"]))
                connection.setblocking(False)
                self.members.append((connection, kind["talks"]))
        self.thread.start()
        return len(self.members)

    def trickle(self) -> None:
        """Go on slowly until told to leave."""
        while not self.leave.wait(0.1):
            for connection, talks_on in self.members:
                with suppress(OSError):
                    if talks_on:
                        connection.send(b"x")
                    else:
                        connection.recv(64)

    def disperse(self) -> int:
        """Have all clients hang up; the number of those that were still attached."""
        self.leave.set()
        self.thread.join()
        attached = 0
        for connection, _talks_on in self.members:
            with closing(connection):
                attached += is_open(connection)
        return attached


def is_open(connection: socket.socket) -> bool:
    """Tell whether the other side has not hung up."""
    try:
        return connection.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


CROWDS: list[Crowd] = []


def crowd(task: dict[str, Any]) -> int:
    """Attach slow clients, or with no kinds send all away."""
    if task["kinds"]:
        CROWDS.append(Crowd())
        return CROWDS[-1].attach(task)
    return CROWDS.pop().disperse()


VERBS = {"talks": talks, "shell": shell, "measure": measure, "crowd": crowd}

if __name__ == "__main__":
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(json.dumps(VERBS[asked["verb"]](asked)) + "\n")
        sys.stdout.flush()
