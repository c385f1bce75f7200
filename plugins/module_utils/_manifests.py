# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What sets have published on a host. This module is private to the collection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _marks


def sets(state: Path = _marks.STATE) -> list[str]:
    """Name the sets of which this host has something."""
    return sorted(file.stem for file in (state / "published").glob("*.json") if read_manifest(file))


def read_manifest(path: Path) -> dict[str, Any]:
    """What the set published before, by path; empty where it never did."""
    try:
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return loaded


def remember(path: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Note what a set has published, in one step."""
    if before == after:
        return
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(after, indent=1, sort_keys=True), encoding="utf-8")
    fresh.replace(path)
