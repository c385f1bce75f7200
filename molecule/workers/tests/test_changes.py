# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change restarts what it is about and nothing else; what has gone leaves nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from testinfra.host import Host

LETTERS = [f"worker-queue.letters@{number}.service" for number in (1, 2)]
RQ = "worker-newsletter.rq@1.service"
UNITS = [*LETTERS, RQ, "gunicorn@queue.service", "gunicorn@newsletter.service"]
MORE = {"name": "more", "command": "python worker.py more"}
NEVER = {"name": "never", "command": "python tidy.py", "calendar": "*-02-29", "persistent": False}


def test_nothing_to_do_takes_one_call_and_restarts_nothing(converge: Any, processes: Any) -> None:
    before = processes(*UNITS)
    outcome = converge()
    assert outcome.changed == 0
    assert outcome.task("units of workers and schedules").action == "barehost.web.publish"
    assert processes(*UNITS) == before


def test_what_is_changed_restarts_and_what_has_gone_leaves_nothing(
    converge: Any, varied: Any, processes: Any, host: Host, queue: Any
) -> None:
    # A variable is about its app and the workers of it.
    before = dict(zip(UNITS, processes(*UNITS), strict=True))
    other = {"environment": {"QUEUE_GREETING": "Good night"}}
    outcome = converge(varied(key="web_apps", queue=other))
    assert outcome.rc == 0, outcome
    after = dict(zip(UNITS, processes(*UNITS), strict=True))
    assert [unit for unit in UNITS if after[unit] != before[unit]] == [*LETTERS, "gunicorn@queue.service"]
    queue("queue").add("anna")
    assert queue("queue").done("anna")["result"] == "Good night, anna"

    # Of a worker a process goes, another worker comes, schedules come and go; the other app has none any more.
    letters = {"name": "letters", "command": "python worker.py {number}", "count": 1, "stop_timeout": 30}
    both = {**other, "workers": [letters, MORE], "schedules": [NEVER]}
    before_it = processes(LETTERS[0])
    outcome = converge(varied(key="web_apps", queue=both, newsletter={"workers": []}))
    assert outcome.rc == 0, outcome
    assert processes(LETTERS[0]) == before_it, "only the number of processes is another one"
    for unit in (LETTERS[1], RQ, "schedule-queue.tidy.timer"):
        assert host.run(f"systemctl is-active {unit}").stdout.strip() == "inactive"
    names = "-name 'worker-newsletter*' -o -name '*schedule-queue.tidy*' -o -name '*letters@2*'"
    assert host.check_output(f"find /etc /var/lib/systemd {names}") == ""
    assert host.check_output("systemctl is-active schedule-queue.never.timer") == "active"
    queue("queue").add("more")
    queue("queue").done("more")

    # Of two workers one changes; the other app goes.
    before_both = processes(LETTERS[0], "worker-queue.more@1.service")
    gone = {"name": "newsletter", "state": "absent"}
    slow = {**letters, "stop_timeout": 31}
    apps = varied(key="web_apps", queue={**both, "workers": [slow, MORE]})["web_apps"]
    site = {"name": "main", "domains": ["example.test"], "routes": [{"path": "/queue", "app": "queue"}]}
    outcome = converge({"web_apps": [apps[0], gone], "web_sites": [site]})
    assert outcome.rc == 0, outcome
    after_both = processes(LETTERS[0], "worker-queue.more@1.service")
    assert (after_both[0] != before_both[0], after_both[1] == before_both[1]) == (True, True)
    assert not host.user("newsletter").exists

    # And all of it.
    outcome = converge({"web_apps": [{"name": "queue", "state": "absent"}, gone], "web_sites": []})
    assert outcome.rc == 0, outcome
    everything = "-name 'worker-*' -o -name '*schedule-*' -o -name in_release.sh"
    assert host.check_output(f"find /etc/systemd /var/lib/systemd /usr/local/lib {everything}") == ""
    assert host.check_output("systemctl list-units --all --no-legend 'worker-*' 'schedule-*'") == ""
    assert not host.user("queue").exists
