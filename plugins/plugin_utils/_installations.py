# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be wrong with WordPress entries beyond their schema. Private to the collection."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from ansible_collections.barehost.web.plugins.plugin_utils import _php, _values, _web
from ansible_collections.barehost.web.plugins.plugin_utils._calendar import calendar
from ansible_collections.barehost.web.plugins.plugin_utils._entries import Check, Entry
from ansible_collections.barehost.web.plugins.plugin_utils._extensions import check_code
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault, Problem, hint, show

_SHORTEST_PASSWORD = 12
_EMAIL = re.compile(r"[^@\s\"'<>(),;:\\]+@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+")
_LOGIN = re.compile(r"[A-Za-z0-9 _.@-]{1,60}")
_SIZE = re.compile(r"\d{1,6}[KMG]")
_OURS = "leave it out"
#: Constants that wp-config.php has anyway, and what to do instead.
_TAKEN = {
    **dict.fromkeys(("DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST", "DB_CHARSET", "DB_COLLATE"), _OURS),
    **dict.fromkeys(("WP_HOME", "WP_SITEURL", "WP_CONTENT_URL"), "write 'url'"),
    **dict.fromkeys(("DISALLOW_FILE_MODS", "AUTOMATIC_UPDATER_DISABLED", "WP_AUTO_UPDATE_CORE"), _OURS),
    **dict.fromkeys(("ABSPATH", "WP_CONTENT_DIR", "FS_METHOD", "FS_CHMOD_DIR", "FS_CHMOD_FILE"), _OURS),
    "DISABLE_WP_CRON": "write 'cron' for how often WordPress is asked for its scheduled work",
    # Whoever runs WordPress for the role tells it by them what it is run for.
    **dict.fromkeys(("WP_INSTALLING", "DOING_CRON"), _OURS),
    # They are made on the host and are nowhere else.
    **{f"{kind}_{what}": _OURS for kind in ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE") for what in ("KEY", "SALT")},
}


def url(text: str) -> Fault | None:
    """Check the address of an installation."""
    way_out = "write 'https://example.test' or 'https://example.test/blog'"
    if not re.match(r"https?://", text):
        return Fault(f"{show(text)} does not begin with 'https://' or 'http://'", way_out)
    parts = urlsplit(text)
    if parts.query or parts.fragment or "@" in parts.netloc:
        return Fault(f"{show(text)} is more than an address", way_out)
    fault = _web.domain(parts.hostname or "")
    return fault or (_web.path(parts.path) if parts.path else None)


def email(text: str) -> Fault | None:
    """Check an e-mail address."""
    return None if _EMAIL.fullmatch(text) else Fault(f"{show(text)} is no e-mail address", "write 'name@example.test'")


def login(text: str) -> Fault | None:
    """Check the name of a user of WordPress."""
    way_out = "use letters, digits, spaces and _ . @ -"
    return None if _LOGIN.fullmatch(text) else Fault(f"{show(text)} is no name for a user", way_out)


def timezone(text: str) -> Fault | None:
    """Check a time zone."""
    known = zoneinfo.available_timezones()
    # A control node without a list of them does not judge.
    return None if text in known or not known else Fault(f"no time zone {show(text)}", hint(text, sorted(known)))


def permalinks(text: str) -> Fault | None:
    """Check the form of the addresses of posts."""
    if re.fullmatch(r"/[A-Za-z0-9_%./-]*%(?:postname|post_id)%[A-Za-z0-9_%./-]*", text):
        return None
    return Fault(f"{show(text)} does not tell one post from another", "write a path with %postname% or %post_id%")


def size(text: str) -> Fault | None:
    """Check a size in PHP's notation."""
    return None if _SIZE.fullmatch(text) else Fault(f"{show(text)} is not a size", "write '64M'")


_TEXTS: Mapping[str, Check] = {
    "url": url,
    "timezone": timezone,
    "permalinks": permalinks,
    "memory_limit": size,
    "upload_max": size,
    "memory_max": _values.memory,
}


def check_installation(entry: Entry, folders: Sequence[Path] = (), *, in_model: bool) -> Iterator[Problem]:
    """Check one installation by itself. One that is to be removed needs nothing but its name.

    :param folders: where relative archives on the control node are looked for.
    """
    yield from entry.check({"name": _values.app_name})
    if not entry.present:
        return
    yield from entry.check(_TEXTS)
    yield from check_code(entry, folders)
    yield from entry.at_least({"processes": 1, "timeout": 1, "cron": 1})
    if not in_model and not entry.text("url"):
        yield Problem(
            f"{entry.path}.url", "is missing", "write the address that visitors use, such as 'https://example.test'"
        )
    constants = entry.values.get("constants")
    if isinstance(constants, Mapping):
        yield from _php.problems(f"{entry.path}.constants", constants, _TAKEN)
    backup = entry.mapping("backup")
    if backup is not None:
        yield from backup.check({"schedule": calendar})
        yield from backup.at_least({"keep": 1})
    admin = entry.mapping("admin")
    if admin is None:
        yield Problem(f"{entry.path}.admin", "is missing", "write 'admin: {email: name@example.test}'")
        return
    yield from admin.check({"email": email, "user": login})
    for path, text in admin.texts("password"):
        if len(text) < _SHORTEST_PASSWORD:
            reason = f"has {len(text)} characters"
            yield Problem(path, reason, f"take at least {_SHORTEST_PASSWORD}, or leave it out to have one made")
