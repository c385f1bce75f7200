# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Speak to the servers of a machine from inside it: write conversations, read what was answered."""

from __future__ import annotations

import base64
import http.client
import io
import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

INSIDE = Path(__file__).with_name("inside.py").read_text(encoding="utf-8")
Step = tuple[str | int | float, ...]


@dataclass(frozen=True)
class Address:
    """A unix socket, or a port of the machine and the address of it that the client comes from."""

    unix: str = ""
    port: int = 0
    source: str = "127.0.0.1"


@dataclass(frozen=True)
class Talk:
    """What is done on one connection; the client hangs up after the last step."""

    where: Address
    steps: tuple[Step, ...] = ()
    receive: int = 0
    timeout: float = 20

    def then(self, name: str, *arguments: str | float) -> Talk:
        """Add a step; conformance/inside.py knows them."""
        return replace(self, steps=(*self.steps, (name, *arguments)))

    def send(self, data: bytes) -> Talk:
        """Send bytes."""
        return self.then("send", base64.b64encode(data).decode())

    def fill(self, size: int, chunk: int = 0) -> Talk:
        """Send bytes of a pattern, as one or in chunks."""
        return self.then("fill", size, chunk)

    def pause(self, seconds: float) -> Talk:
        """Wait."""
        return self.then("pause", seconds)

    def until(self, text: str) -> Talk:
        """Listen until this was said."""
        return self.then("until", text)

    def sip(self, size: int, pause: float) -> Talk:
        """Listen to the end, slowly."""
        return replace(self.then("sip", size, pause), receive=4096)

    def listen(self) -> Talk:
        """Listen to the end."""
        return self.then("listen")

    def task(self) -> dict[str, Any]:
        """Write it for conformance/inside.py."""
        where = vars(self.where) | {"timeout": self.timeout}
        return {"where": where, "steps": self.steps, "receive": self.receive}


@dataclass(frozen=True)
class Answer:
    """What was heard in a conversation."""

    raw: bytes
    arrivals: list[tuple[float, int]]
    error: str
    seconds: float
    method: str = "GET"

    def __repr__(self) -> str:
        """Show what a failed assertion needs."""
        return f"Answer({self.raw[:600]!r} {self.error})"

    @property
    def final(self) -> bytes:
        """Leave out the leave to go on (100), which comes before the answer."""
        return self.raw.partition(b"\r\n\r\n")[2] if self.continued else self.raw

    @property
    def continued(self) -> bool:
        """Tell whether the client was told to go on with its body."""
        return self.raw.startswith(b"HTTP/1.1 100 ")

    @property
    def after_head(self) -> bytes:
        """Give all bytes that follow the head, whatever they are."""
        return self.final.partition(b"\r\n\r\n")[2]

    @cached_property
    def head(self) -> tuple[int, list[tuple[str, str]]]:
        """Read status and headers. Status 0 is no answer."""
        first, _, rest = self.final.partition(b"\r\n")
        words = first.split()
        if not first.startswith(b"HTTP/1.") or not words[1:] or not words[1].isdigit():
            return 0, []
        return int(words[1]), http.client.parse_headers(io.BytesIO(rest)).items()

    @cached_property
    def content(self) -> tuple[bytes, bool]:
        """Read the body, and whether it is complete, as a client takes it."""
        if self.method == "HEAD" or self.status in {0, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            return b"", self.status != 0
        if self.headers("Transfer-Encoding") == ["chunked"]:
            return unchunked(self.after_head)
        lengths = [int(length) for length in self.headers("Content-Length")]
        length = lengths[0] if lengths else len(self.after_head)
        return self.after_head[:length], len(self.after_head) >= length

    @property
    def status(self) -> int:
        """Give the status, 0 for none."""
        return self.head[0]

    @property
    def body(self) -> bytes:
        """Give the body, as far as it came."""
        return self.content[0]

    @property
    def complete(self) -> bool:
        """Tell whether a client takes the body for complete."""
        return self.content[1] and not self.error

    def headers(self, name: str) -> list[str]:
        """Give the values of a header."""
        return [value for key, value in self.head[1] if key.lower() == name.lower()]

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object; what is none becomes one that tells what came instead."""
        try:
            content: dict[str, Any] = json.loads(self.body)
        except ValueError:
            return {"status": self.status, "error": self.error}
        return content


def unchunked(data: bytes) -> tuple[bytes, bool]:
    """Put chunks together; the second value tells whether the last one, which ends the body, was among them."""
    body, rest = b"", data
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size or b"0", 16)
        if not length:
            return body, bool(size)
        body, rest = body + rest[:length], rest[length + 2 :]
    return body, False


@dataclass
class Program:
    """A program inside a machine that does tasks."""

    process: subprocess.Popen[bytes]

    def ask(self, verb: str, **task: object) -> bytes:
        """Send a task, wait for what comes of it, which is JSON."""
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the program inside the machine has no pipes")
        stdin.write(json.dumps(task | {"verb": verb}).encode() + b"\n")
        stdin.flush()
        if not (line := stdout.readline()):
            raise RuntimeError(f"the program inside the machine has ended at {verb!r}")
        return line


@dataclass
class Inside:
    """What speaks inside a machine. Slow clients are a program of their own, so that they do not slow the others."""

    speaking: Program
    crowding: Program

    def talks(self, talks: Sequence[Talk], method: str = "GET") -> list[Answer]:
        """Hold conversations side by side."""
        found = json.loads(self.speaking.ask("talks", talks=[talk.task() for talk in talks]))
        return [
            Answer(base64.b64decode(one["heard"]), one["arrivals"], one["error"], one["seconds"], method)
            for one in found
        ]

    def talk(self, talk: Talk, method: str = "GET") -> Answer:
        """Hold one conversation."""
        return self.talks([talk], method)[0]

    def shell(self, command: str) -> str:
        """Run a command in the machine."""
        printed: str = json.loads(self.speaking.ask("shell", command=command))
        return printed

    def measure(self, talk: Talk, times: int, pause: float) -> tuple[list[float], set[str]]:
        """Hold a conversation several times; give the seconds that each took, and the first lines of the answers."""
        found = json.loads(self.speaking.ask("measure", talk=talk.task(), times=times, pause=pause))
        return [seconds for seconds, _line in found], {line for _seconds, line in found}

    def crowd(self, where: Address, kinds: Sequence[Mapping[str, Any]]) -> int:
        """Attach slow clients, or with no kinds send them away; the number that are, or still were, attached."""
        task = {"where": vars(where) | {"timeout": 20}, "kinds": list(kinds)}
        count: int = json.loads(self.crowding.ask("crowd", **task))
        return count


@contextmanager
def program(container: str) -> Iterator[Program]:
    """Have one program run in a machine for as long as the block runs."""
    command = ["podman", "exec", "-i", container, "python3", "-c", INSIDE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Program(process)
        finally:
            if process.stdin:
                process.stdin.close()


@contextmanager
def inside(container: str) -> Iterator[Inside]:
    """Speak inside a machine for as long as the block runs."""
    with program(container) as speaking, program(container) as crowding:
        yield Inside(speaking, crowding)
