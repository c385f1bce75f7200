# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Workers and schedules do their work as their app would, and go on whatever happens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

LETTERS = [f"worker-queue.letters@{number}.service" for number in (1, 2)]
SCHEDULE = "schedule-queue.tidy"


def test_jobs_are_done_by_all_processes_with_the_environment_of_the_app(host: Host, queue: Any) -> None:
    names = [f"reader {number}" for number in range(4)]
    for name in names:
        queue("queue").add(name, 0.5)
    done = [queue("queue").done(name) for name in names]
    assert [job["result"] for job in done] == [f"Good morning, {name}" for name in names]
    assert {job["worker"] for job in done} == {"1", "2"}
    live = host.check_output("readlink -f /srv/queue/current")
    assert {job["release"] for job in done} == {live}


def test_a_worker_is_the_user_of_its_app_in_its_sandbox(host: Host, processes: Any) -> None:
    for unit, user in ((LETTERS[0], "queue"), ("worker-newsletter.rq@1.service", "newsletter")):
        (process,) = processes(unit)
        status = host.file(f"/proc/{process}/status").content_string
        assert f"Uid:\t{host.user(user).uid}\t" in status
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status
        folder = host.check_output("readlink -f /srv/%s/current", user)
        assert host.check_output(f"readlink /proc/{process}/cwd") == folder
        # A release that goes live changes nothing of what runs.
        assert f"PATH={folder}/.venv/bin:" in host.check_output(f"tr '\\0' '\\n' </proc/{process}/environ")


@pytest.mark.parametrize("unit", [LETTERS[1], f"{SCHEDULE}.service", "worker-newsletter.rq@1.service"])
def test_exposure_is_at_most_that_of_a_server(host: Host, unit: str) -> None:
    done = host.run(f"systemd-analyze security --no-pager --threshold=12 {unit}")
    assert done.rc == 0, done.stdout


def test_unit_files_are_sound(host: Host) -> None:
    done = host.run(f"systemd-analyze verify {LETTERS[0]} {SCHEDULE}.service {SCHEDULE}.timer")
    assert (done.rc, done.stdout + done.stderr) == (0, "")


def test_a_killed_worker_is_back(host: Host, processes: Any, queue: Any, soon: Any) -> None:
    before = processes(*LETTERS)
    host.check_output(f"kill -KILL {' '.join(map(str, before))}")
    soon(lambda: all(processes(*LETTERS)) and not set(before) & set(processes(*LETTERS)))
    queue("queue").add("after all")
    queue("queue").done("after all")


def test_a_job_is_done_to_its_end_when_its_worker_stops(host: Host, queue: Any, soon: Any) -> None:
    queue("queue").add("slow", 10)
    soon(lambda: queue("queue").find("slow")["worker"])
    assert not queue("queue").find("slow")["result"], "it is still being done"
    host.check_output(f"systemctl stop {' '.join(LETTERS)}")
    assert queue("queue").find("slow")["result"] == "Good morning, slow"
    queue("queue").add("later")
    time.sleep(1)
    assert not queue("queue").find("later")["worker"], "they have stopped"
    host.check_output(f"systemctl start {' '.join(LETTERS)}")
    queue("queue").done("later")


def test_a_schedule_has_its_time_and_does_its_work(host: Host, queue: Any) -> None:
    timer = f"systemctl show --value --property=NextElapseUSecRealtime {SCHEDULE}.timer"
    next_time = host.check_output(timer).split()[2]
    assert "03:30:00" <= next_time < "03:40:00"
    assert host.file(f"/var/lib/systemd/timers/stamp-{SCHEDULE}.timer").exists
    queue("queue").add("gone soon")
    queue("queue").done("gone soon")
    host.check_output(f"systemctl start {SCHEDULE}.service")
    assert queue("queue").find("gone soon") == {}
    host.check_output("journalctl --sync")
    said = host.check_output(f"journalctl --identifier={SCHEDULE} --output=cat --lines=1")
    assert said.startswith("Good morning, there are ")


def test_they_start_with_the_machine(host: Host, queue: Any, reboot: Any) -> None:
    reboot()
    assert host.check_output(f"systemctl is-active {' '.join(LETTERS)} {SCHEDULE}.timer").split() == ["active"] * 3
    queue("queue").add("good morning")
    queue("queue").done("good morning")
