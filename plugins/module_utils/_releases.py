# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which releases of apps a host has; see modules/releases.py. This module is private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._host import Answer
from ansible_collections.barehost.web.plugins.module_utils._release_store import Store
from ansible_collections.barehost.web.plugins.module_utils._release_user import mask


def listed(store: Store) -> list[dict[str, Any]]:
    """Describe the releases of an app, the newest first."""
    found = []
    live, target, barrier = store.live(), store.before(), store.barrier()
    for release in reversed(store.ids()):
        record, verdict = store.record(release), store.verdict(release)
        if record is None:
            continue
        state = "live" if release == live else verdict.state if verdict else ""
        found.append(
            {
                "app": store.app,
                "release": release,
                "state": state or ("previous" if release == target else "kept"),
                "irreversible": record.barrier == release,
                "barred": release < barrier,
                "created": record.created,
                "by": record.by,
                "source": mask(record.source),
                "version": mask(record.version),
                "reason": verdict.reason if verdict and release != live else "",
            }
        )
    return found


def run(options: Mapping[str, Any], **_mode: bool) -> Answer:
    """Do the work of barehost.web.releases, which changes nothing in any mode."""
    found = [one for app in options["apps"] for one in listed(Store(app))]
    return Answer({"changed": False, "releases": found})
