# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables for a terminal. Private to the collection."""

from __future__ import annotations

from collections.abc import Sequence


def aligned(head: Sequence[Sequence[str]], rows: Sequence[Sequence[str]]) -> list[str]:
    """Give the lines of a table: those of its head, a rule, and its rows."""
    lines = [*head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rule = ["-" * width for width in widths]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [*head, rule, *rows]
    ]
