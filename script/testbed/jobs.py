# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run jobs side by side, show what they are at, and make sure that nothing of them stays behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from testbed.podman import ROOT, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import TextIO

SILENCE = 10.0
# Of all that the tools print, the lines that tell how far they are. Of each, one group is shown.
LANDMARKS = re.compile(r"INFO +\[[^]]* > (\w+)\] Executing|^(?:fatal|failed): (\[.*)|^((?:machines|FAILED|ERROR)\b.*)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
HOST = re.compile(r"^(?:ok|changed|skipping|included): \[|^$")
SUMMARY = re.compile(r"^=* ?((?:\d+ [a-z]+(?:, )?)+ in [\d.]+s)")
# Where Ansible and pytest begin to tell what went wrong, their lines that say it in short, and how many lines of either
# the end of a run repeats.
TROUBLE = re.compile(r"(?:fatal|failed): \[|=+ (?:FAILURES|ERRORS) =+")
SHORT = re.compile(r"(?:fatal|failed): \[|(?:FAILED|ERROR) |E   ")
FIRST, LAST = 40, 40


@dataclass(frozen=True)
class Step:
    """One command of a job. With tests, those that it reports are counted, else it counts as one by itself."""

    name: str
    command: tuple[str, ...]
    tests: bool = False


@dataclass
class Job:
    """Steps in a row, with one log. All are run, whether or not one before failed; cleanup always, before and after."""

    name: str
    steps: list[Step]
    log: Path
    cleanup: Callable[[], object] = lambda: None
    obstacle: str | None = None
    #: What its commands know besides what those of all jobs do.
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Gives the job that runs once more, alone, what of this one has failed; None where that makes no sense.
    again: Callable[[], Job] | None = None
    passed: int = 0
    failed: int = 0
    #: How many tests are not for this machine.
    elsewhere: int = 0
    #: How many failed first and passed then.
    flaky: int = 0
    seconds: float = 0.0
    done: bool = False
    troubles: list[str] = field(default_factory=list)

    def tell(self) -> None:
        """Print the gist of what failed."""
        for trouble in self.troubles:
            say(f"\nFAILED: {trouble}")


class Gist:
    """What to repeat of a step that failed: how its first trouble begins and all others in short, or else its end."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.first: list[str] = []
        self.last: deque[str] = deque(maxlen=LAST)

    def add(self, line: str) -> None:
        """Take the next line of the output."""
        if not self.first and TROUBLE.match(line):
            self.last.clear()
            self.first.append(line)
        elif 0 < len(self.first) < FIRST:
            self.first.append(line)
        elif not self.first or SHORT.match(line):
            self.last.append(line)

    def text(self) -> str:
        """Give it, without what makes lines longer than a screen is wide."""
        gap = ["...\n"] if self.first and self.last else []
        return "".join(f"    {line.rstrip()[:200]}\n" for line in (*self.first, *gap, *self.last))


class TooLateError(Exception):
    """The time that all jobs have together is over."""


class Runner:
    """Runs jobs, a few at a time."""

    def __init__(
        self, environment: dict[str, str], *, side_by_side: int, verbose: bool, until: float = float("inf")
    ) -> None:
        """Take what all jobs have in common.

        :param until: when all is to be over, in seconds of the monotonic clock.
        """
        self.environment = environment
        self.verbose = verbose
        self.until = until
        self.pool = ThreadPoolExecutor(side_by_side)
        self.stopped = threading.Event()
        self.running: set[subprocess.Popen[str]] = set()

    def run(self, jobs: list[Job]) -> None:
        """Run them all. Ctrl-C, or a fault in here, ends what was started and lets every job clean up.

        :raises TooLateError: the time is over; what was started is ended then, too.
        """
        futures = [self.pool.submit(self.do, job) for job in jobs]
        try:
            pending = set(futures)
            while pending:  # in short rounds, between which a signal is heeded
                done, pending = wait(pending, timeout=0.5, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                if pending and time.monotonic() >= self.until:
                    raise TooLateError
        finally:
            self.stopped.set()
            for process in list(self.running):
                end(process)
            self.pool.shutdown()

    def do(self, job: Job) -> None:
        """Run one job, unless it is too late for it or cannot be done here."""
        if job.obstacle is not None:
            job.failed = 1
            job.troubles.append(f"{job.name}: {job.obstacle}\n")
            show(job.name, f"FAILED: {job.obstacle}")
            return
        started = time.monotonic()
        try:
            job.cleanup()
            with job.log.open("w", encoding="utf-8") as log:
                for step in job.steps:
                    if not self.stopped.is_set():
                        self.take(job, step, log)
        finally:
            job.cleanup()
            job.seconds = time.monotonic() - started
        if not self.stopped.is_set():
            job.done = True
            self.report(job)

    def take(self, job: Job, step: Step, log: TextIO) -> None:
        """Run one step and count what came of it."""
        show(job.name, f"{step.name} starts")
        log.write(f"\n$ {' '.join(step.command)}\n")
        gist = Gist()
        status, summary = self.execute(job, step.command, log, gist)
        if self.stopped.is_set():
            return
        job.elsewhere += int((re.findall(r"(\d+) deselected", summary) or ["0"])[0])
        passed, failed = count(status, summary, tests=step.tests)
        job.passed, job.failed = job.passed + passed, job.failed + failed
        if failed:
            show(job.name, f"{step.name} FAILED")
            job.troubles.append(f"{job.name}, {step.name}:\n{gist.text()}")

    def execute(self, job: Job, command: tuple[str, ...], log: TextIO, gist: Gist) -> tuple[int, str]:
        """Run one command in a process group of its own; log all it says, show how far it is."""
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**self.environment, **job.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.running.add(process)
        if self.stopped.is_set():
            end(process)
        shown, summary, at = time.monotonic(), "", ""
        with process:
            for raw in process.stdout or ():
                line = COLOUR.sub("", raw)
                log.write(line)
                log.flush()
                gist.add(line)
                if (found := SUMMARY.match(line)) is not None:
                    summary = found[1]
                at = line.strip() if line.startswith("TASK [") else at if HOST.match(line) else ""
                text = self.worth_showing(line.rstrip(), at, time.monotonic() - shown)
                if text:
                    show(job.name, text)
                    shown = time.monotonic()
        self.running.discard(process)
        return process.returncode, summary

    def worth_showing(self, line: str, task: str, silent: float) -> str:
        """Choose what to show of a line: landmarks; after a silence any line, or the task that it belongs to."""
        if self.verbose:
            return line
        if (found := LANDMARKS.search(line)) is not None:
            return next(part for part in found.groups() if part)
        return (task.rstrip(" *") or line.strip()) if silent > SILENCE else ""

    def report(self, job: Job) -> None:
        """Say how a job ended; if it failed, with its whole log, and the gist of that where the log ends."""
        if job.failed and not self.verbose:
            text = job.log.read_text(encoding="utf-8", errors="replace")
            say(f"----- all that {job.name} said -----\n{text}\n----- end of {job.name} -----")
            job.tell()
        show(job.name, f"{job.passed} passed, {job.failed} failed in {job.seconds:.0f} s")


def count(status: int, summary: str, *, tests: bool) -> tuple[int, int]:
    """Tell how much passed and failed, by the exit status and by pytest's own summary, where there should be one."""
    numbers = (
        {word.rstrip("s"): int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", summary)} if tests else {}
    )
    passed, failed = numbers.get("passed", 0), numbers.get("failed", 0) + numbers.get("error", 0)
    if not numbers or (status != 0 and failed == 0):
        # What is no test counts too: a linter, or what molecule does around the tests.
        return passed + int(status == 0), failed + int(status != 0)
    return passed, failed


def end(process: subprocess.Popen[str]) -> None:
    """End a process group that this program started: first politely, then for certain."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
            return


def show(name: str, text: str) -> None:
    """Print one line of progress."""
    say(f"{time.strftime('%H:%M:%S')}  {name:<14}  {text[:160]}")
