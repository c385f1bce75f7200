# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask the demo's addresses and print what answers."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

from testbed.podman import say

# No proxy of the caller's environment has to do with an address of this very computer.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(address: str) -> tuple[bool, str]:
    """Tell whether an address answers well, and the first line of what it says."""
    try:
        with OPENER.open(address, timeout=10) as response:
            lines = response.read().decode(errors="replace").strip().splitlines()
            return True, f"{response.status} {lines[0] if lines else ''}"
    except (urllib.error.URLError, OSError) as error:
        return False, str(error)


def main(base: str, paths: list[str]) -> int:
    """Ask every path."""
    answers = {path: ask(f"{base}{path}") for path in paths}
    for path, (good, text) in answers.items():
        say(f"  {'ok' if good else 'FAILED':<7} {base}{path:<14} {text[:60]}")
    return int(not all(good for good, _ in answers.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
