# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask a new release by the side of the live one, before any visitor can; private to the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._release_surroundings import as_its_unit, take_over_data
from ansible_collections.barehost.web.plugins.module_utils._release_user import Account, WorkError, handed, hide, tail

#: What the program says before its answer.
_MARK = "barehost-preflight:"
#: Seconds for Python itself, and for what the program says of an app that hangs.
_MORE = 10
_REDIRECTS = range(300, 400)
_SERVER_ERROR = 500


@dataclass(frozen=True)
class Health:
    """The request that an app answers when it is well."""

    path: str = "/"
    method: str = "GET"
    #: The only good answer; 0 takes any below 500.
    status: int = 0
    host: str = "localhost"
    timeout: int = 30

    def request(self) -> str:
        """Name it, for people."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Preflight:
    """How a release is asked before it is live."""

    #: Module and callable; nothing is asked without one.
    wsgi: str = ""
    #: Folder inside the release that has the code; empty for the release itself.
    folder: str = ""
    health: Health = field(default_factory=Health)
    #: Settings of systemd, as the unit of the app has them.
    settings: tuple[str, ...] = ()
    #: Texts of the program that asks, and of the library by which servers load apps.
    program: str = ""
    library: str = ""


@dataclass(frozen=True)
class Answer:
    """What a release has answered."""

    status: int
    #: Where a redirect leads to.
    location: str = ""


def preflight_from(entry: Mapping[str, Any], programs: Mapping[str, str]) -> Preflight:
    """Read how an app is asked out of the plain data that the controller sent."""
    told = entry.get("preflight") or {}
    if not told:
        return Preflight()
    return Preflight(
        wsgi=told["wsgi"],
        folder=told["folder"],
        health=Health(**told["health"]),
        settings=tuple(told["settings"]),
        program=programs["program"],
        library=programs["library"],
    )


def ask(who: Account, release: Path, preflight: Preflight) -> str:
    """Start a release in private and ask it; gives what its user should know although the answer is good.

    :raises WorkError: it does not start, does not answer, or not as it should; with what it said.
    """
    health = preflight.health
    sandbox = as_its_unit(who, release, timeout=health.timeout + _MORE, settings=preflight.settings, by_hand=True)
    doing = f"starting the new release in private and asking it for {health.request()}"
    with ExitStack() as stack:
        program = stack.enter_context(handed(who, f"{who.name}.preflight.py", preflight.program))
        library = stack.enter_context(handed(who, f"{who.name}.wsgi.py", preflight.library))
        folder = release / preflight.folder
        take_over_data(sandbox, folder)
        words = (library, preflight.wsgi, folder, health.method, health.path, health.host, health.timeout)
        said = sandbox.run([release / ".venv/bin/python", "-u", program, *map(str, words)], folder, doing)
    answer, output = answered(said)
    complaint, note = judge(answer, health)
    if complaint:
        raise WorkError(
            f"the new release was started in private: {complaint}. It said:\n{tail(hide(output, sandbox.hidden))}"
        )
    return note


def answered(said: str) -> tuple[Answer | None, str]:
    """Cut what the program says of the answer from what the app itself has said."""
    output, mark, rest = said.rpartition(_MARK)
    if not mark:
        return None, said
    told = json.loads(rest)
    return (Answer(told["status"], told["location"]) if told else None), output


def judge(answer: Answer | None, health: Health) -> tuple[str, str]:
    """Say what is wrong with an answer, or else what is odd about it; two texts, empty for nothing."""
    if answer is None:
        return f"{health.request()} got no answer: the app has ended without one", ""
    text = f"{health.request()} answers {answer.status}"
    if answer.status in _REDIRECTS:
        text += f", which sends its reader to {answer.location or 'nowhere'}"
        way_out = "name a path under 'health' that the app answers by itself"
        if answer.location.startswith("https://"):
            way_out = f"{way_out}, or have it take a request from this host for one over https"
        if health.status == 0:
            return "", f"{text}: that says little of the app; {way_out}"
        return ("", "") if answer.status == health.status else (f"{text} and not {health.status}; {way_out}", "")
    if health.status:
        return ("", "") if answer.status == health.status else (f"{text} and not {health.status}", "")
    return (text, "") if answer.status >= _SERVER_ERROR else ("", "")
