# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How script/test turns what tools say into numbers and progress, and that it leaves nothing behind."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import pytest
from testbed.jobs import FIRST, LANDMARKS, LAST, SUMMARY, Gist, Job, Runner, Step, TooLateError, count
from testbed.suites import run_again, summarize

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("status", "summary", "tests", "expected"),
    [
        (0, "12 passed in 3.21s", True, (12, 0)),
        (1, "2 failed, 12 passed in 3.21s", True, (12, 2)),
        (1, "1 failed, 3 passed, 2 errors in 0.10s", True, (3, 3)),
        (0, "3 passed, 1 skipped in 0.10s", True, (3, 0)),
        (1, "12 passed in 3.21s", True, (12, 1)),
        (1, "", True, (0, 1)),
        (0, "", True, (1, 0)),
        (0, "", False, (1, 0)),
        (2, "12 passed in 3.21s", False, (0, 1)),
    ],
)
def test_count(status: int, summary: str, tests: bool, expected: tuple[int, int]) -> None:
    """A failure is never lost, and what is not a test counts as one."""
    assert count(status, summary, tests=tests) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("====== 2 failed, 12 passed in 19.88s ======", "2 failed, 12 passed in 19.88s"),
        ("1 passed in 0.01s", "1 passed in 0.01s"),
        ("===== 1 passed in 61.00s (0:01:01) =====", "1 passed in 61.00s"),
        ("debian12 : ok=2 changed=2 unreachable=0 failed=0", None),
    ],
)
def test_summary_of_pytest_is_found(line: str, expected: str | None) -> None:
    """Only the last line of pytest is one."""
    found = SUMMARY.match(line)
    assert (found[1] if found else None) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("INFO     [site > converge] Executing", "converge"),
        ("INFO     [site > converge] Executed: Successful", None),
        ("machines: building the image debian12", "machines: building the image debian12"),
        ("FAILED tests/test_x.py::test_y[debian12]", "FAILED tests/test_x.py::test_y[debian12]"),
        ("fatal: [debian12]: FAILED! =>", "[debian12]: FAILED! =>"),
        ("ok: [debian12]", None),
    ],
)
def test_landmarks(line: str, expected: str | None) -> None:
    """Progress is shown in short."""
    found = LANDMARKS.search(line)
    assert (next(part for part in found.groups() if part) if found else None) == expected


def runner() -> Runner:
    """Make one that runs this Python."""
    return Runner(dict(os.environ), side_by_side=2, verbose=False)


def test_all_steps_run_and_are_counted(tmp_path: Path) -> None:
    """A step that fails does not keep the next from running."""
    cleaned: list[str] = []
    steps = [Step(word, (sys.executable, "-c", f"exit({word!r} == 'bad')")) for word in ("bad", "good")]
    job = Job("job", steps, tmp_path / "log", lambda: cleaned.append("job"))
    runner().run([job])
    assert (job.passed, job.failed, cleaned) == (1, 1, ["job"] * 2), "before, for what an aborted run left, and after"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["TASK [x]", "fatal: [debian12]: FAILED! =>", "  msg: why"], ["fatal", "msg"]),
        (["test PASSED", "===== FAILURES =====", "E  assert"], ["FAILURES", "assert"]),
        (["failed: [debian12]", *"x" * 90, "FAILED y", "z"], ["failed", *"x" * (FIRST - 1), "...", "FAILED y"]),
        ([*"x" * 90, "last"], [*"x" * (LAST - 1), "last"]),
    ],
)
def test_gist_of_an_output(said: list[str], expected: list[str]) -> None:
    """The first trouble is kept with what follows it, others are kept in short; without any the end is kept."""
    gist = Gist()
    for line in said:
        gist.add(f"{line}\n")
    lines = gist.text().splitlines()
    assert all(part in line for part, line in zip(expected, lines, strict=True))


def test_end_of_a_run_repeats_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever has only the end of the output learns the reason, and whoever has only that of the job's own."""
    talk = "print('fatal: [debian12]: FAILED! =>'); print('  msg: no room'); print('more\\n' * 500); exit(1)"
    job = Job("site", [Step("molecule", (sys.executable, "-c", talk))], tmp_path / "log")
    runner().run([job])
    at_once = capsys.readouterr().out.partition("----- end of site -----")[2]
    assert summarize([job], full=False) == 1
    for said in (at_once, capsys.readouterr().out):
        assert "FAILED: site, molecule:" in said
        assert "msg: no room" in said
        assert len(said.splitlines()) < 60


def test_what_was_started_ends_with_a_fault(tmp_path: Path) -> None:
    """One job whose log cannot be written ends the run; the other, which takes minutes, is ended and cleaned up."""
    cleaned: list[str] = []
    sleep = Step("sleep", (sys.executable, "-c", "import time; time.sleep(300)"))
    long = Job("long", [sleep], tmp_path / "log", lambda: cleaned.append("long"))
    broken = Job("broken", [sleep], tmp_path / "missing" / "log")
    with pytest.raises(FileNotFoundError):
        runner().run([broken, long])
    assert cleaned == ["long"] * 2
    assert long.seconds < 60


def python(code: str) -> list[Step]:
    """Give a step that runs a line of Python and speaks as pytest does."""
    return [Step("pytest", (sys.executable, "-c", code), tests=True)]


@pytest.mark.parametrize(
    ("second", "numbers"),
    [("print('2 passed in 0.1s')", (5, 0, 2)), ("print('1 failed, 1 passed in 0.1s'); exit(1)", (3, 2, 0))],
)
def test_what_failed_is_run_once_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], second: str, numbers: tuple[int, int, int]
) -> None:
    """What is well then is no failure, but it is told."""
    again = Job("job", python(second), tmp_path / "again")
    first = python("print('2 failed, 3 passed, 7 deselected in 0.1s'); exit(1)")
    job = Job("job", first, tmp_path / "log", again=lambda: again)
    good = Job("good", python("print('1 passed in 0.1s')"), tmp_path / "good", again=lambda: again)
    runner().run([job, good])
    run_again([job, good], runner)
    passed, failed, flaky = numbers
    assert (job.passed, job.failed, job.flaky) == numbers
    assert good.passed == 1
    assert summarize([job, good], full=False) == int(failed > 0)
    *_rest, where, counted, last = capsys.readouterr().out.splitlines()
    assert "also runs the other 7 of them" in where
    assert (counted, last) == (f"FLAKY: {flaky}", f"{passed + 1} passed, {failed} failed")


def test_run_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """What was started is ended and cleaned up, and the run is no good one."""
    cleaned: list[str] = []
    sleep = Step("sleep", (sys.executable, "-c", "import time; time.sleep(300)"))
    long = Job("long", [sleep], tmp_path / "log", lambda: cleaned.append("long"))
    late = Runner(dict(os.environ), side_by_side=1, verbose=False, until=time.monotonic() + 1)
    with pytest.raises(TooLateError):
        late.run([long])
    assert (cleaned, long.done, summarize([long], full=True)) == (["long"] * 2, False, 1)


def test_commands_of_a_job_know_what_is_its_own(tmp_path: Path) -> None:
    """Two jobs of one scenario differ in their machine only."""
    job = Job("job", python("import os; exit(os.environ['OWN'] != 'x')"), tmp_path / "log", environment={"OWN": "x"})
    runner().run([job])
    assert (job.passed, job.failed) == (1, 0)


def test_an_obstacle_is_a_failure(tmp_path: Path) -> None:
    """What cannot run here has not passed."""
    job = Job("job", [], tmp_path / "log", obstacle="no way")
    runner().run([job])
    assert (job.passed, job.failed) == (0, 1)


@pytest.mark.parametrize(
    ("line", "task", "silent", "expected"),
    [
        ("ok: [debian12]", "TASK [Have the packages] ****", 1.0, ""),
        ("ok: [debian12]", "TASK [Have the packages] ****", 60.0, "TASK [Have the packages]"),
        ("test_x.py::test_y PASSED", "", 60.0, "test_x.py::test_y PASSED"),
        ("INFO     [site > verify] Executing", "TASK [Have the packages] ****", 1.0, "verify"),
    ],
)
def test_progress_is_visible_without_every_line(line: str, task: str, silent: float, expected: str) -> None:
    """Landmarks at once, and a sign of life after a silence."""
    assert runner().worth_showing(line, task, silent) == expected
