# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Headers that protect the visitors of sites, whatever web server sends them. Private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: The key of the model and the header; in this order they are sent.
NAMES: Mapping[str, str] = {
    "nosniff": "X-Content-Type-Options",
    "frame_options": "X-Frame-Options",
    "referrer_policy": "Referrer-Policy",
    "permissions_policy": "Permissions-Policy",
    "content_policy": "Content-Security-Policy",
}
HSTS = "Strict-Transport-Security"
_NOTHING = "none"


def values(site: Mapping[str, Any], route: Mapping[str, Any] | None = None) -> dict[str, str]:
    """What is sent in each header, by its key; empty for nothing. The site says what a route leaves out."""
    wanted = {**site["headers"], **((route or {}).get("headers") or {})}
    return {key: _text(wanted[key]) for key in NAMES}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "nosniff" if value else ""
    return "" if value == _NOTHING else str(value)
