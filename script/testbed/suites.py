# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What script/test runs: lint, unit tests, and every scenario; see script/test --help."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

from testbed import engine, images, machines
from testbed.jobs import Job, Runner, Step, show
from testbed.podman import ROOT, BedError, say

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

LOGS = ROOT / ".cache" / "test"
DURATIONS = LOGS / "durations.json"


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
    return Job("unit", [Step("pytest", command, tests=True)], LOGS / "unit.log")


def image_job() -> Job:
    """Describe the job that has the images ready before the scenarios ask for them."""
    steps = [Step(image, ("script/machines", "images", image)) for image in images.SUITES]
    return Job("machines", steps, LOGS / "machines.log")


def scenario(name: str, obstacle: str | None) -> Job:
    """Describe the job that takes one scenario through its sequence."""
    step = Step("molecule", ("molecule", "test", "--no-command-borders", "-s", name), tests=True)
    containers = [f"barehost-{name}-{image}" for image in images.SUITES]
    return Job(name, [step], LOGS / f"{name}.log", lambda: machines.down(containers), obstacle)


def scenarios() -> list[str]:
    """List the scenarios, those that take longest first: they decide when all is done."""
    names = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
    known = durations()
    return sorted(names, key=lambda name: -known.get(name, guess(name)))


def guess(name: str) -> float:
    """Guess the seconds of a scenario that has not run here yet: about one for each line of its tests."""
    files = (ROOT / "molecule" / name / "tests").glob("*.py")
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def durations() -> dict[str, float]:
    """Read how long each job took the last time."""
    known: dict[str, float] = json.loads(DURATIONS.read_text(encoding="utf-8")) if DURATIONS.exists() else {}
    return known


def chosen(wanted: list[str]) -> list[Job]:
    """Turn arguments into jobs; none means all of them."""
    known = ["lint", "unit", *scenarios()]
    if unknown := [name for name in wanted if name not in known]:
        raise BedError(f"nothing is called {', '.join(unknown)}; there are {', '.join(known)}")
    names = [name for name in known if not wanted or name in wanted]
    jobs = [make() for name, make in (("lint", lint), ("unit", unit)) if name in names]
    if not (rest := [name for name in names if name not in {"lint", "unit"}]):
        return jobs
    if (obstacle := engine.obstacle()) is None:
        jobs.insert(0, image_job())
    return jobs + [scenario(name, obstacle) for name in rest]


def environment() -> dict[str, str]:
    """Give every tool the same surroundings, whoever starts it: this checkout's tools, plain text."""
    return os.environ | {
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ.get('PATH', os.defpath)}",
        "MYPYPATH": str(ROOT / "script"),
        "MOLECULE_GLOB": "molecule/*/molecule.yml",
        "ANSIBLE_NOCOLOR": "1",
        "NO_COLOR": "1",
        "PY_COLORS": "0",
        "PYTHONUNBUFFERED": "1",
    }


def summarize(jobs: list[Job]) -> int:
    """Print the gist of what failed, which the rest of the output may hide, the table and the last line.

    Returns the exit status.
    """
    for job in jobs:
        job.tell()
    say("")
    for job in jobs:
        verdict = "FAILED" if job.failed else "ok" if job.done else "not run"
        say(f"{job.name:<10}  {verdict:<7}  {job.passed:>4} passed  {job.failed:>3} failed  {job.seconds:>5.0f} s")
    failed = sum(job.failed for job in jobs)
    say(f"{sum(job.passed for job in jobs)} passed, {failed} failed")
    return int(failed > 0)


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Treat every request to end like Ctrl-C."""
    raise KeyboardInterrupt


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="script/test", add_help=False)
    parser.add_argument("names", nargs="*")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("-j", "--jobs", type=int, default=3)
    given = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    LOGS.mkdir(parents=True, exist_ok=True)
    jobs = chosen(given.names)
    runner = Runner(environment(), side_by_side=given.jobs, verbose=given.verbose)
    try:
        runner.run(jobs)
    except KeyboardInterrupt:
        show("test", "interrupted; everything that was started has been ended and removed")
        summarize(jobs)
        return 130
    DURATIONS.write_text(json.dumps(durations() | {job.name: round(job.seconds, 1) for job in jobs}), encoding="utf-8")
    return summarize(jobs)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BedError as error:
        sys.stderr.write(f"script/test: {error}\n")
        sys.exit(2)
