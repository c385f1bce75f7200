# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an order of the controller has done on a host. This module is private to the collection."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _marks
from ansible_collections.barehost.web.plugins.module_utils._manifests import sets
from ansible_collections.barehost.web.plugins.module_utils._release_registry import Registry
from ansible_collections.barehost.web.plugins.module_utils._requests import Key, Requests, Work

_UTILITIES = "ansible_collections.barehost.web.plugins.module_utils"
WORKS = frozenset(
    {
        *("accounts", "acme", "benchmark", "certificates", "database_server", "databases", "inspect", "packages"),
        *("publish", "release", "releases", "run", "units", "wordpress", "wordpress_archives", "wordpress_code"),
    }
)


def work_of(name: str) -> Work:
    """Give the work of a name; only what is asked for is loaded."""
    if name not in WORKS:
        raise ValueError(f"there is no work {name!r}")
    utility = importlib.import_module(f"{_UTILITIES}._{name}")
    return Work(utility.run, getattr(utility, "kept", dict))


def perform(order: Mapping[str, Any]) -> dict[str, Any]:
    """Do what the controller asks for.

    :param order: ``work``, its ``options``, whether to ``check`` only, whether the work only ``reads``; ``keep`` tells
        under which name and digest the request is kept, ``snapshot`` whether to tell what of the play's last requests
        is still so.
    :returns: the result of the task, with ``leaves_nothing`` where the host has nothing of the collection any more.
    :raises HostError: with what is wrong, and the way out.
    """
    requests, work = Requests(), work_of(order["work"])
    writes = not order["check"] and not order["reads"]
    with requests.begun(order["work"]) if writes else contextlib.nullcontext():
        answer = work.run(order["options"], check=order["check"])
    result = {**answer.result, "warnings": answer.warnings}
    if result.get("needed") or result.get("failed"):
        return result
    keep = order.get("keep")
    key = Key(keep["play"], order["work"], keep["subject"]) if keep else None
    if writes and keep and key:
        requests.keep(key, keep["digest"], work, order["options"])
    if writes and _has_nothing(order["work"], changed=result["changed"]):
        # What has nothing to look after keeps nothing.
        requests.forget()
        result["leaves_nothing"] = True
    if key and order.get("snapshot") and not result["changed"]:
        result["snapshot"] = {
            "requests": requests.snapshot(key.play, work_of),
            "sets": sets(),
            "owed": any(_marks.owed()),
        }
    return result


def _has_nothing(work: str, *, changed: bool) -> bool:
    """Tell whether the host has nothing of the collection, after a work that did not begin to bring something."""
    begins = work in {"packages", "database_server"} and changed
    return not begins and not sets() and not Registry().units() and not any(_marks.owed())
