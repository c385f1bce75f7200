# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables of docs/servers.md."""

from __future__ import annotations

from conformance.suite import BEHAVIOURS, DIFFERENCES

Rows = list[tuple[str, ...]]


def behaviours() -> Rows:
    """Give what every server is asked for, a row for each group."""
    groups: dict[str, list[str]] = {}
    for behaviour in BEHAVIOURS:
        group, _, name = behaviour.name.partition(": ")
        groups.setdefault(group, []).append(name)
    return [(group, "; ".join(names)) for group, names in groups.items()]


def differences() -> Rows:
    """Give what a server does differently, a row for each difference."""
    return [
        (
            f"`{one.server}`",
            f"`{one.transport}`",
            one.release.removeprefix("debian").replace("*", "all"),
            one.behaviour.replace("*", "…"),
            one.instead,
            one.why,
        )
        for one in DIFFERENCES
    ]
