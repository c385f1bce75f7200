# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From workers and schedules to files and units, and what can be wrong with them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._entries import part
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems
from ansible_collections.barehost.web.plugins.plugin_utils._workers import published, words

UNITS = "/etc/systemd/system"
MAIL = {"name": "mail", "command": "rq worker mail"}
NIGHT = {"name": "night", "command": "python manage.py clearsessions", "calendar": "daily"}


def app(name: str = "util", **changes: Any) -> dict[str, Any]:
    return {"name": name, "source": {"package": name}, "wsgi": "wsgi:app", **changes}


def mistakes(**changes: Any) -> list[str]:
    return [str(problem) for problem in problems({"web_apps": [app(**changes)]})]


def files(*apps: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {file["dest"].removeprefix(f"{UNITS}/"): file for file in published(list(apps))["parts"]["files"]}


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("rq worker mail", "rq worker mail"),
        ("python -c 'print(1)'", 'python -c "print(1)"'),
        ("celery worker -n mail{number}@%h", 'celery worker -n "mail%i@%%h"'),
        ("echo '$HOME' ${X} 5%", 'echo "$$HOME" "$${X}" 5%%'),
        (r"""echo 'a "b" \c' é ''""", r'''echo "a \"b\" \\c" "é" ""'''),
        ("./run '@x' +y :z -n", "./run @x +y :z -n"),
    ],
)
def test_a_command_is_written_as_systemd_reads_it(command: str, line: str) -> None:
    assert words(command) == line


def test_each_process_of_a_worker_is_an_instance_that_only_its_worker_restarts() -> None:
    found = published([app(workers=[MAIL | {"count": 2}, {"name": "slow", "command": "x"}])])
    own = {file["dest"]: file.get("restart") for file in found["parts"]["files"]}
    assert own == {
        "/usr/local/lib/barehost/in_release.sh": None,
        f"{UNITS}/worker-util.mail@.service": ["worker-util.mail@1.service", "worker-util.mail@2.service"],
        f"{UNITS}/worker-util.slow@.service": ["worker-util.slow@1.service"],
    }
    links = {link["dest"].removeprefix(f"{UNITS}/"): link for link in found["parts"]["links"]}
    assert list(links) == [
        "multi-user.target.wants/worker-util.mail@1.service",
        "multi-user.target.wants/worker-util.mail@2.service",
        "multi-user.target.wants/worker-util.slow@1.service",
    ]
    second = links["multi-user.target.wants/worker-util.mail@2.service"]
    assert (second["target"], second["stop"], second["entry"]) == (
        f"{UNITS}/worker-util.mail@.service",
        ["worker-util.mail@2.service"],
        "util",
    )
    assert [(one["name"], one["entry"], one["steady"]) for one in found["units"]] == [
        ("worker-util.mail@1.service", "util", 8),
        ("worker-util.mail@2.service", "util", 8),
        ("worker-util.slow@1.service", "util", 8),
    ]


def test_a_schedule_is_a_timer_and_what_it_starts_is_never_restarted() -> None:
    found = published([app(schedules=[NIGHT, NIGHT | {"name": "again", "calendar": "Mon 04:00"}])])
    own = files(app(schedules=[NIGHT]))
    assert "restart" not in own["schedule-util.night.service"]
    assert own["schedule-util.night.timer"]["restart"] == ["schedule-util.night.timer"]
    assert [one["name"] for one in found["units"]] == ["schedule-util.night.timer", "schedule-util.again.timer"]
    assert found["parts"]["links"][0]["stop"] == ["schedule-util.night.timer", "schedule-util.night.service"]
    (validation,) = found["validations"]
    assert validation["command"] == ["systemd-analyze", "calendar", "--", "daily", "Mon 04:00"]
    assert [bool(re.search(validation["reject"], line)) for line in ("Failed to parse 'x'", "  From now: 1 day")] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"workers": [MAIL | {"state": "absent"}], "schedules": [NIGHT | {"state": "absent"}]},
        {"state": "absent", "workers": [MAIL], "schedules": [NIGHT]},
    ],
)
def test_what_is_not_there_publishes_nothing_and_is_still_spoken_of(changes: dict[str, Any]) -> None:
    found = published([app(**changes)])
    assert found["parts"] == {"files": [], "links": [], "entries": ["util"]}
    assert (found["units"], found["validations"]) == ([], [])


def test_workers_have_what_the_server_of_their_app_has() -> None:
    changes = {
        "user": "deploy",
        "directory": "/opt/util/src",
        "venv": "/opt/env/",
        "environment_file": "/etc/util.env",
        "writable": ["/srv/media"],
        "memory_deny_write_execute": False,
    }
    for entry in ({"workers": [MAIL]}, {"schedules": [MAIL | {"calendar": "daily"}]}):
        *_launcher, file = [one for one in files(app(**changes, **entry)).values() if "timer" not in one["dest"]]
        assert file["vars"]["unit"] == {
            "app": "util",
            "user": "deploy",
            "environment_file": "/etc/util.env",
            "directory": "/opt/util/src",
            "command": "/usr/local/lib/barehost/in_release.sh /opt/env rq worker mail",
            "sandbox": ["ReadWritePaths=/srv/media", "MemoryDenyWriteExecute=no"],
        }


def test_the_role_gets_its_part_of_the_model() -> None:
    (entry,) = part([app(server="uwsgi", workers=[MAIL])], "workers")
    assert entry["workers"][0] == MAIL | {"state": "present", "count": 1, "stop_signal": "TERM", "stop_timeout": 60}
    assert "wsgi" not in entry


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"workers": [{"name": "mail"}]}, "web_apps[0].workers[0].command: is missing"),
        ({"workers": [MAIL | {"comand": "x"}]}, "web_apps[0].workers[0].comand: there is no such key; did you mean"),
        (
            {"workers": [MAIL | {"name": "E-Mail"}]},
            "web_apps[0].workers[0].name: 'E-Mail' cannot be a name; a name has",
        ),
        (
            {"workers": [MAIL, MAIL]},
            "web_apps[0].workers[1].name: 'mail' is the name of web_apps[0].workers[0] already",
        ),
        ({"workers": [MAIL | {"command": "a | b"}]}, "web_apps[0].workers[0].command: 'a | b' needs a shell for '|'"),
        ({"workers": [MAIL | {"count": 0}]}, "web_apps[0].workers[0].count: is 0; the least is 1"),
        ({"workers": [MAIL | {"stop_timeout": 0}]}, "web_apps[0].workers[0].stop_timeout: is 0; the least is 1"),
        (
            {"workers": [MAIL | {"stop_signal": "KILL"}]},
            "web_apps[0].workers[0].stop_signal: 'KILL' is not one of its values; write TERM, INT, QUIT, HUP",
        ),
        (
            {"schedules": [NIGHT | {"calendar": "evry day"}]},
            "web_apps[0].schedules[0].calendar: 'evry day' is no calendar event; write 'daily', 'Mon 04:00' or",
        ),
        ({"schedules": [MAIL]}, "web_apps[0].schedules[0].calendar: is missing"),
        ({"schedules": [NIGHT | {"timeout": 0}]}, "web_apps[0].schedules[0].timeout: is 0; the least is 1"),
        ({"schedules": [NIGHT | {"random_delay": -1}]}, "web_apps[0].schedules[0].random_delay: is -1; the least is 0"),
        (
            {"manager": "supervisor", "workers": [MAIL]},
            "web_apps[0].workers: supervisor cannot run them: workers are units of systemd; write 'manager: systemd'",
        ),
        (
            {"server": "none", "schedules": [NIGHT]},
            "web_apps[0].schedules: an app without a server has no environment to run them in; leave them out",
        ),
    ],
)
def test_mistakes_are_told_by_their_place(changes: dict[str, Any], message: str) -> None:
    (told,) = mistakes(**changes)
    assert told.startswith(message)


def test_a_worker_and_a_schedule_may_have_one_name_and_the_development_server_may_have_both() -> None:
    both = {"workers": [MAIL], "schedules": [NIGHT | {"name": "mail"}]}
    assert mistakes(**both) == []
    flask = {"web_apps": [app(server="flask", **both)], "web_environment": "development"}
    assert problems(flask) == []
    assert mistakes(state="absent", manager="supervisor", workers=[{"name": "X", "command": ""}]) == []
