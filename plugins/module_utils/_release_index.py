# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the packages of an app come from, in uv's words and in pip's.

This module is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: What the host may have been told instead, by the setting that takes its place.
_URL = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
_EXTRA = ("UV_INDEX", "UV_EXTRA_INDEX_URL")
_WHEELS = ("UV_FIND_LINKS",)


@dataclass(frozen=True)
class Index:
    """Package indexes of an app; what is empty is as the host has it.

    :param url: The index.
    :param extra: Further ones, which are asked first.
    :param wheels: Folders of the host or of the code, and pages, that have packages as files.
    :param only_wheels: Whether no index is asked at all.
    """

    url: str = field(default="", repr=False)
    extra: tuple[str, ...] = field(default=(), repr=False)
    wheels: tuple[str, ...] = field(default=(), repr=False)
    only_wheels: bool = False

    def for_uv(self, host: Mapping[str, str]) -> dict[str, str]:
        """Give the variables of uv, from those that the host has for it."""
        replaced = {
            *(_URL if self.url or self.only_wheels else ()),
            *(_EXTRA if self.url or self.extra or self.only_wheels else ()),
            *(_WHEELS if self.wheels else ()),
        }
        own = {"UV_DEFAULT_INDEX": self.url, "UV_INDEX": " ".join(self.extra), "UV_FIND_LINKS": ",".join(self.wheels)}
        kept = {name: value for name, value in host.items() if name not in replaced}
        return kept | {name: value for name, value in own.items() if value}

    def options(self) -> tuple[str, ...]:
        """Give the options of uv that have no variable."""
        return ("--no-index",) if self.only_wheels else ()

    def for_pip(self) -> dict[str, str]:
        """Give the variables of pip, which brings uv; it knows of no code yet, nor of a folder in it."""
        wheels = [place for place in self.wheels if place.startswith("/") or "://" in place]
        own = {
            "PIP_INDEX_URL": self.url,
            "PIP_EXTRA_INDEX_URL": " ".join(self.extra),
            "PIP_FIND_LINKS": " ".join(wheels),
            "PIP_NO_INDEX": "1" if self.only_wheels else "",
        }
        return {name: value for name, value in own.items() if value}


def index_from(options: Mapping[str, Any] | None, default: Mapping[str, Any] | None) -> Index:
    """Read the one of an app, or the one of all apps."""
    given = options or default or {}
    return Index(
        url=given.get("url") or "",
        extra=tuple(given.get("extra") or ()),
        wheels=tuple(given.get("wheels") or ()),
        only_wheels=bool(given.get("only_wheels")),
    )
