# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask the network again: a mirror that is away for a moment is no fault of what is tested."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from testbed.podman import BedError, podman_ok, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Given = TypeVar("Given")

# Seconds before each further try.
PAUSES = (5.0, 20.0, 60.0)
# The lists that the machine has may name what is there no more. Without the setting, new ones that cannot be fetched
# are no failure, and what is installed then is what the old ones name.
INSTALL = """
dpkg --status "$@" >/dev/null 2>&1 && exit
export DEBIAN_FRONTEND=noninteractive
install="apt-get -qqy -o DPkg::Lock::Timeout=120 --no-install-recommends install"
$install "$@" >/dev/null 2>&1 && exit
apt-get -qq -o APT::Update::Error-Mode=any update && $install "$@" >/dev/null
"""


def patiently(fetch: Callable[[], Given], *, pauses: Sequence[float] = PAUSES) -> Given:
    """Do what needs the network; after a failure again, as often as there are pauses.

    A failure is a BedError, or the AssertionError of a command that testinfra was to run. The last one is raised.
    """
    for pause in pauses:
        try:
            return fetch()
        except (BedError, AssertionError) as error:
            say(f"machines: {error}; once more in {pause:g} s")
            time.sleep(pause)
    return fetch()


def install(container: str, *packages: str) -> None:
    """Have packages of Debian in a machine: what tests ask with, none of it belongs to the collection."""
    patiently(lambda: podman_ok("exec", container, "sh", "-c", INSTALL, "install", *packages, timeout=600))
