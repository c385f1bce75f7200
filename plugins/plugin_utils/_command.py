# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a command of somebody is run with, as an app would run it. Private to the collection."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.barehost.web.plugins.plugin_utils import _app_plan, _values
from ansible_collections.barehost.web.plugins.plugin_utils._deploy import chosen
from ansible_collections.barehost.web.plugins.plugin_utils._entries import part
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Problem, show


def asked(apps: object, name: str, command: str, timeout: int, rest: str = "") -> tuple[dict[str, Any], list[Problem]]:
    """Give what the host is to run, and what is wrong with the words.

    :param apps: entries of the model.
    :param name: the name of the app.
    :param timeout: seconds.
    :param rest: words of the command line that Ansible has taken for none of a variable.
    """
    found, problems = chosen(part(apps, "workers"), name, returns=True)
    problems += [problem for app in found for problem in _of_app(app)]
    problems += _of_words(command, timeout, rest)
    if problems:
        return {}, problems
    (app,) = found
    return {
        "app": app["name"],
        "command": command,
        "words": shlex.split(command),
        "folder": _app_plan.folder(app),
        "settings": _app_plan.settings(app),
        "timeout": timeout,
    }, []


def _of_app(app: Mapping[str, Any]) -> Iterator[Problem]:
    name = app["name"]
    if app["server"] == "none":
        yield Problem("app", f"{name!r} has no server, and with it no environment to run a command in")
    elif not _app_plan.is_whole(app):
        reason = f"{name!r} runs from a folder, an environment or as a user of its own, which no release brings"
        yield Problem("app", reason, "run the command on the host")


def _of_words(command: str, timeout: int, rest: str) -> Iterator[Problem]:
    if rest:
        way_out = f"""write -e 'command="{command} {rest}"'"""
        yield Problem("command", f"{show(rest)} stands outside of it", way_out)
    fault = _values.command(command)
    if fault is not None:
        yield fault.at("command")
    if timeout < 1:
        yield Problem("timeout", f"is {timeout}", "the least is 1")
