# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run something for a release as the unit of its app would: same user, same variables, same data.

This module is private to the collection.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ansible_collections.barehost.web.plugins.module_utils._environment import environment_values
from ansible_collections.barehost.web.plugins.module_utils._release_build import PATH
from ansible_collections.barehost.web.plugins.module_utils._release_user import BOOTED, STATE, Account, Sandbox

_ENVIRONMENTS = Path("/etc/barehost/apps")


def as_its_unit(
    who: Account,
    release: Path,
    *,
    writable: tuple[Path, ...] = (),
    timeout: int,
    settings: Sequence[str] = (),
    by_hand: bool = False,
    kind: str = "build",
) -> Sandbox:
    """Give the place for commands of a release.

    :param release: folder of the release; programs of its virtual environment are found first.
    :param settings: further ones of systemd, as the app's unit has them.
    :param by_hand: run without systemd where it is not the first process, in a sandbox that is a user only.
    :param kind: what kind of work it is.
    """
    file = _ENVIRONMENTS / f"{who.name}.env"
    values = environment_values(file.read_text(encoding="utf-8")) if file.is_file() else {}
    path = {"PATH": f"{release}/.venv/bin:{values.get('PATH') or PATH}"}
    plain = by_hand and not BOOTED.is_dir()
    return Sandbox(
        app=who.name,
        who=who,
        writable=writable,
        environment={**values, **path} if plain else path,
        timeout=timeout,
        settings=()
        if plain
        else (
            f"EnvironmentFile=-{file}",
            f"StateDirectory={who.name}",
            "StateDirectoryMode=0750",
            "UMask=0027",
            *settings,
        ),
        hidden=tuple(values.values()),
        kind=kind,
    )


def take_over_data(sandbox: Sandbox, folder: Path) -> None:
    """Have systemd give data that an app of this name has left, and that is root's since then, to the user of today."""
    state = STATE / sandbox.app
    if state.is_dir() and state.stat().st_uid == 0:
        sandbox.run(["/usr/bin/true"], folder, f"taking over {state}")
