# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which command is run for which app, and what is said of words that mean nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._command import asked

UTIL: dict[str, Any] = {"name": "util", "source": {"path": "x"}, "wsgi": "wsgi:app", "environment": {"A": "hush"}}
APPS = [
    UTIL,
    {**UTIL, "name": "shop", "directory": "/srv/shop/current/src/", "writable": ["/srv/media"]},
    {**UTIL, "name": "contained", "manager": "supervisor"},
    {**UTIL, "name": "elsewhere", "venv": "/opt/env"},
    {"name": "front", "source": {"path": "x"}, "server": "none"},
    {"name": "old", "state": "absent"},
]


def test_a_command_is_split_into_words_and_gets_the_sandbox_of_its_app() -> None:
    found, problems = asked(APPS, "shop", "python -c 'print(1)'", 60)
    assert problems == []
    settings = found.pop("settings")
    assert {"NoNewPrivileges=yes", "ReadWritePaths=/srv/media"} <= set(settings)
    assert found == {
        "app": "shop",
        "command": "python -c 'print(1)'",
        "words": ["python", "-c", "print(1)"],
        "folder": "src",
        "timeout": 60,
    }


def test_what_supervisord_runs_has_no_sandbox_of_its_own() -> None:
    assert asked(APPS, "contained", "true", 60)[0]["settings"] == []
    assert asked(APPS, "util", "true", 60)[0]["folder"] == ""


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        (("utl", "true", 60), ["app: no app named 'utl' in web_apps; did you mean 'util'?"]),
        (
            ("xyz", "true", 60),
            ["app: no app named 'xyz' in web_apps; there is 'contained', 'elsewhere', 'front', 'shop', 'util'"],
        ),
        (("old", "true", 60), ["app: no app named 'old' in web_apps; there is"]),
        (("", "true", 60), ["app: names no app; there is", "app: this is for one app, 0 are meant"]),
        (("util,shop", "true", 60), ["app: this is for one app, 2 are meant; name it: -e app=NAME"]),
        (("front", "true", 60), ["app: 'front' has no server, and with it no environment to run a command in"]),
        (("elsewhere", "true", 60), ["app: 'elsewhere' runs from a folder, an environment or as a user of its own"]),
        (("util", "", 0), ["command: is empty; write a command", "timeout: is 0; the least is 1"]),
        (("util", "ls ; rm x", 60), ["command: 'ls ; rm x' needs a shell for ';', and there is none"]),
        (("util", "ls > x", 60), ["command: 'ls > x' needs a shell for '>', and there is none"]),
        (
            ("util", "python", 60, "manage.py check"),
            ["command: 'manage.py check' stands outside of it; write -e 'command=\"python manage.py check\"'"],
        ),
    ],
)
def test_words_that_mean_nothing_are_told(words: tuple[Any, ...], messages: list[str]) -> None:
    found, problems = asked(APPS, *words)
    assert found == {}
    assert len(problems) == len(messages)
    for problem, message in zip(problems, messages, strict=True):
        assert str(problem).startswith(message)
