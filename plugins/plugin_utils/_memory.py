# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host has said in this run of the sets and the packages that it has. Private to the collection."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: The facts that hold what the host has said of its sets, and of its packages.
_MEMORY = "barehost_published"
_PACKAGES = "barehost_packages"


def is_spared(name: str, variables: Mapping[str, Any]) -> bool:
    """Tell whether the host has said in this very run that it has nothing of a set, and owes nothing."""
    known = variables.get("ansible_facts", {}).get(_MEMORY, {})
    return known.get("run") == _this_run() and not known["owed"] and name not in known["sets"]


def with_memory(result: dict[str, Any]) -> dict[str, Any]:
    """Keep for the rest of the run what the host has said of its sets."""
    if "sets" in result:
        said = {"run": _this_run(), "sets": result.pop("sets"), "owed": result.pop("owed")}
        result["ansible_facts"] = {_MEMORY: said}
    return result


def packages_there(names: Sequence[str], variables: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give the answer of a host that has said in this very run that it has all of these packages.

    :returns: nothing where it has to be asked.
    """
    said = variables.get("ansible_facts", {}).get(_PACKAGES, {})
    if said.get("run") != _this_run() or not all(name in said["versions"] for name in names):
        return None
    host = {key: said[key] for key in ("codename", "ipv6")}
    return {"changed": False, "installed": [], "versions": {name: said["versions"][name] for name in names}, **host}


def with_packages(result: dict[str, Any]) -> dict[str, Any]:
    """Keep for the rest of the run what the host has said of its packages."""
    if "known" in result:
        said = {"run": _this_run(), "versions": result.pop("known"), "codename": result["codename"]}
        result["ansible_facts"] = {_PACKAGES: {**said, "ipv6": result["ipv6"]}}
    return result


def _this_run() -> str:
    """Name the process that runs the play, of which every task is a child; facts may be kept for longer."""
    process = os.getppid()
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return str(process)
    # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the 22nd field, counted after the name in brackets.
    return f"{process} {status.rpartition(')')[2].split()[19]}"
