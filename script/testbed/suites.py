# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What script/test runs: lint, unit tests, and every scenario; see script/test --help."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import signal
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from testbed import engine, images, machines
from testbed.jobs import Job, Runner, Step, TooLateError, show
from testbed.podman import ROOT, BedError, say

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

LOGS = ROOT / ".cache" / "test"
DURATIONS = LOGS / "durations.json"
#: What a fresh clone knows instead: a copy of the file above, from a complete run.
MEASURED = ROOT / "script/testbed/durations.json"
#: After so many seconds, what is still running is ended: a table is worth more than a run that others cut off.
DEADLINE = 80 * 60


def lint() -> Job:
    """Describe the job that runs every linter."""
    commands = {
        "ruff": ("ruff", "check", "."),
        "ruff format": ("ruff", "format", "--check", "."),
        "mypy": ("mypy",),
        "mypy of script": ("mypy", "script", "script/docs", "molecule/conftest.py"),
        "mypy of programs": (
            "mypy",
            "roles/wordpress/templates/wordpress_backup.py",
            "roles/certbot/templates/barehost_certbot.py",
        ),
        "yamllint": ("yamllint", "--strict", "."),
        "shellcheck": ("shellcheck", "--external-sources", "--check-sourced", *shell_scripts()),
        "antsibull-changelog": ("antsibull-changelog", "lint"),
        # It leaves a log in the home folder.
        "antsibull-docs": ("env", f"HOME={LOGS}", "antsibull-docs", "lint-collection-docs", "--plugin-docs", "."),
        "ansible-lint": ("ansible-lint", "--offline", "--strict", "--profile", "production"),
    }
    return Job("lint", [Step(name, command) for name, command in commands.items()], LOGS / "lint.log")


def shell_scripts() -> list[str]:
    """Find the commands that are written for bash; what they source is checked along with them."""
    paths = (path for path in sorted((*ROOT.glob("script/*"), *ROOT.glob(".ci/*"))) if os.access(path, os.X_OK))
    return [str(path.relative_to(ROOT)) for path in paths if path.is_file() and "bash" in first_line(path)]


def first_line(path: Path) -> str:
    """Read the first line of a file."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline()


def unit() -> Job:
    """Describe the job that runs the unit tests, which know nothing of machines."""
    command = ("pytest", "-p", "no:pytest11.testinfra", "tests/unit")
    again = Job("unit", [Step("pytest again", (*command, "--last-failed"), tests=True)], LOGS / "unit.again.log")
    return Job("unit", [Step("pytest", command, tests=True)], LOGS / "unit.log", again=lambda: again)


def image_job() -> Job:
    """Describe the job that has the images ready before the scenarios ask for them."""
    steps = [Step(image, ("script/machines", "images", image)) for image in images.SUITES]
    return Job("machines", steps, LOGS / "machines.log")


def sequence(name: str, *, full: bool) -> Step:
    """Describe how a scenario is run: by molecule in a full run, and by what does the same for less in a fast one.

    One of them is always run as contributors do. To remove a machine takes a playbook several seconds: the job does it.
    """
    if full or name == "gunicorn":
        return Step("molecule", ("molecule", "test", "--destroy=never", "--no-command-borders", "-s", name), tests=True)
    return Step("phases", (sys.executable, "-m", "testbed.phases", name), tests=True)


def scenario(name: str, machine: str, obstacle: str | None, *, full: bool = False) -> Job:
    """Describe the job that takes one machine of a scenario through its sequence."""
    job = f"{name}-{machine.removeprefix('debian')}"
    failed = LOGS / f"{job}.failed.json"
    ephemeral = LOGS / "molecule" / job
    whole = sequence(name, full=full)
    container = f"barehost-{name}-{machine}"
    own = {
        "BAREHOST_MACHINES": machine,
        "BAREHOST_FAILED": str(failed),
        "MOLECULE_EPHEMERAL_DIRECTORY": str(ephemeral),
    }

    def cleanup() -> None:
        # What an aborted run has left would be taken for the machine of this one.
        shutil.rmtree(ephemeral, ignore_errors=True)
        machines.down([container])

    def once(kind: str, more: dict[str, str], again: Callable[[], Job] | None) -> Job:
        log = LOGS / f"{job}{kind.replace(' ', '.')}.log"
        step = replace(whole, name=f"{whole.name}{kind}")
        return Job(job, [step], log, cleanup, obstacle, own | more, again)

    def again() -> Job:
        # Where no test has failed, something around them has: all of it is done again then.
        tests = json.loads(failed.read_text(encoding="utf-8")) if failed.exists() else []
        which = failed.with_suffix(".again.json")
        which.write_text(json.dumps(tests), encoding="utf-8")
        return once(" again", {"BAREHOST_AGAIN": str(which)} if tests else {}, None)

    failed.unlink(missing_ok=True)
    return once("", {}, again)


def scenarios() -> list[tuple[str, str]]:
    """List the scenarios with each of their machines, those that take longest first: they decide when all is done.

    A new one may be any of them.
    """
    names = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    pairs = [(name, machine) for name in names for machine in images.SUITES]
    known = durations()
    return sorted(pairs, key=lambda pair: -known.get("-".join(pair).replace("debian", ""), math.inf))


def durations() -> dict[str, float]:
    """Read how long each job took the last time, here or where the file beside this one was written."""
    known: dict[str, float] = {}
    for file in (MEASURED, DURATIONS):
        known |= json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return known


def chosen(wanted: list[str], *, full: bool = False) -> list[Job]:
    """Turn arguments into jobs; none means all of them."""
    pairs = scenarios()
    known = ["lint", "unit", *dict.fromkeys(name for name, _machine in pairs)]
    if unknown := [name for name in wanted if name not in known]:
        raise BedError(f"nothing is called {', '.join(unknown)}; there are {', '.join(known)}")
    names = [name for name in known if not wanted or name in wanted]
    jobs = [make() for name, make in (("lint", lint), ("unit", unit)) if name in names]
    if not (rest := [pair for pair in pairs if pair[0] in names]):
        return jobs
    if (obstacle := engine.obstacle()) is None:
        jobs.insert(0, image_job())
    return jobs + [scenario(name, machine, obstacle, full=full) for name, machine in rest]


def environment() -> dict[str, str]:
    """Give every tool the same surroundings, whoever starts it: this checkout's tools, plain text."""
    return os.environ | {
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ.get('PATH', os.defpath)}",
        "MYPYPATH": str(ROOT / "script"),
        "MOLECULE_GLOB": "molecule/*/molecule.yml",
        "BAREHOST_PASSING": "1",
        "ANSIBLE_NOCOLOR": "1",
        "NO_COLOR": "1",
        "PY_COLORS": "0",
        "PYTHONUNBUFFERED": "1",
    }


def run_again(jobs: list[Job], runner: Callable[[], Runner]) -> None:
    """Run what has failed once more, one after the other, and tell what was well then."""
    for job in jobs:
        if not job.failed or job.again is None or job.obstacle is not None:
            continue
        show(job.name, f"{job.failed} failed: once more, alone")
        second = job.again()
        runner().run([second])
        job.seconds += second.seconds
        if second.done and not second.failed:
            job.flaky, job.failed = job.failed, 0
            job.passed += job.flaky


def summarize(jobs: list[Job], *, full: bool) -> int:
    """Print the gist of what failed, which the rest of the output may hide, the table and the last lines.

    Returns the exit status.
    """
    for job in jobs:
        job.tell()
    say("")
    for job in jobs:
        verdict = "FAILED" if job.failed else "not run" if not job.done else "FLAKY" if job.flaky else "ok"
        say(f"{job.name:<24}  {verdict:<7}  {job.passed:>4} passed  {job.failed:>3} failed  {job.seconds:>5.0f} s")
    say(f"\n{where(jobs, full=full)}")
    say(f"FLAKY: {sum(job.flaky for job in jobs)}")
    failed = sum(job.failed for job in jobs)
    say(f"{sum(job.passed for job in jobs)} passed, {failed} failed")
    return int(failed > 0 or any(not job.done for job in jobs))


def where(jobs: list[Job], *, full: bool) -> str:
    """Say what ran on which Debian, so that nobody takes a fast run for a full one."""
    if full:
        return "Full run: every test ran on Debian 12 and on Debian 13."
    left = sum(job.elsewhere for job in jobs)
    return (
        "Fast run: bare machines were checked, converged and converged again on Debian 12 and 13, and looked at;\n"
        f"tests that converge ran on one Debian each. script/test --full also runs the other {left} of them."
    )


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Treat every request to end like Ctrl-C."""
    raise KeyboardInterrupt


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="script/test", add_help=False)
    parser.add_argument("names", nargs="*")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("-j", "--jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--full", action="store_true")
    given = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    LOGS.mkdir(parents=True, exist_ok=True)
    jobs = chosen(given.names, full=given.full)
    # What has been installed before this is part of the time.
    spent = time.time() - float(os.environ.get("BAREHOST_BEGUN", time.time()))
    until = time.monotonic() + float(os.environ.get("BAREHOST_DEADLINE", DEADLINE)) - spent
    common = environment() | ({"BAREHOST_FULL": "1"} if given.full else {})

    def runner(side_by_side: int = 1) -> Runner:
        return Runner(common, side_by_side=side_by_side, verbose=given.verbose, until=until)

    try:
        runner(given.jobs).run(jobs)
        run_again(jobs, runner)
    except KeyboardInterrupt:
        show("test", "interrupted; everything that was started has been ended and removed")
        summarize(jobs, full=given.full)
        return 130
    except TooLateError:
        show("test", "the time is over; everything that was started has been ended and removed")
        for job in jobs:
            job.failed += not job.done
        return summarize(jobs, full=given.full)
    DURATIONS.write_text(json.dumps(durations() | {job.name: round(job.seconds, 1) for job in jobs}), encoding="utf-8")
    return summarize(jobs, full=given.full)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BedError as error:
        sys.stderr.write(f"script/test: {error}\n")
        sys.exit(2)
