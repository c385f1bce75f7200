# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run one command as an app would; see modules/run.py. This module is private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils._host import Answer, HostError
from ansible_collections.barehost.web.plugins.module_utils._release_store import Store
from ansible_collections.barehost.web.plugins.module_utils._release_surroundings import as_its_unit, take_over_data
from ansible_collections.barehost.web.plugins.module_utils._release_user import Account, WorkError, account, hide


def run(options: Mapping[str, Any], *, check: bool) -> Answer:
    """Do the work of barehost.web.run."""
    name = options["app"]
    store, who = Store(name), account(name)
    release = store.live()
    if not release or who is None:
        raise HostError(f"app '{name}' has no release on this host. Run site.yml first.")
    if check:
        return Answer({"changed": True, "release": release})
    try:
        status, said = _attempt(options, who, store.releases / release)
    except WorkError as error:
        raise HostError(f"app '{name}': {error}", release=release) from error
    return Answer({"changed": True, "release": release, "rc": status, "stdout": said})


def _attempt(options: Mapping[str, Any], who: Account, release: Path) -> tuple[int, str]:
    """Run the command in the release itself: it stays in it to its end, whichever is live by then."""
    sandbox = as_its_unit(
        who, release, timeout=options["timeout"], settings=options["settings"], by_hand=True, kind="run"
    )
    folder = release / options["folder"]
    take_over_data(sandbox, folder)
    # systemd looks for a program before it has read the environment; env looks for it in PATH.
    done = sandbox.attempt(["/usr/bin/env", "--", *options["words"]], folder, f"command '{options['command']}'")
    return done.returncode, hide(done.stdout, sandbox.hidden)
