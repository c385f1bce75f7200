# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every kind of work on a host hands back. This module is private to the collection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class HostError(Exception):
    """What is wrong on the host, and the way out; ``details`` become part of the task's result."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.details: dict[str, Any] = details


@dataclass(frozen=True)
class Answer:
    """The result of a task, and what its user should know besides."""

    result: dict[str, Any]
    warnings: list[str] = field(default_factory=list)
