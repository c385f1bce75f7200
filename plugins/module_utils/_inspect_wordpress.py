# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the WordPresses of a host are. This module is private to the collection."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.barehost.web.plugins.module_utils import _mariadb
from ansible_collections.barehost.web.plugins.module_utils._wordpress import ARCHIVES, BEGUN, RESTORES, SERVER
from ansible_collections.barehost.web.plugins.module_utils._wordpress_read import version_of
from ansible_collections.barehost.web.plugins.module_utils._wordpress_store import Store

#: As roles/wordpress/templates/wordpress_backup.py names archives. Those of before a restore are no backups.
_ARCHIVE = re.compile(r"([0-9]{8}T[0-9]{6}Z)(?:-scheduled)?\.tar\.gz")
_TABLES = "SELECT '{0}', option_value FROM `{0}`.wp_options WHERE option_name = 'db_version'"
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def installations(names: Iterable[str], root: Path = Path("/")) -> list[dict[str, Any]]:
    """Tell of each installation which code is live, whether something was begun and not finished, and its backups."""
    names = sorted(names)
    tables = versions_of_tables(names)
    found = []
    for name in names:
        live = Store(name, root / "srv").live()
        version = version_of(live) if live is not None else None
        found.append(
            {
                "name": name,
                "code": live.name if live is not None else "",
                "version": version.text if version else "",
                "tables_wanted": version.tables if version else 0,
                "tables": tables.get(name, 0),
                "begun": (_below(root, BEGUN) / name).exists(),
                "restoring": (_below(root, RESTORES) / f"{name}.json").exists(),
                **latest_archive(_below(root, ARCHIVES) / name),
            }
        )
    return found


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def latest_archive(folder: Path) -> dict[str, Any]:
    """Tell when the latest backup was begun, in seconds of the epoch, and how large it is."""
    archives = [(match[1], path) for path in folder.glob("*.tar.gz") if (match := _ARCHIVE.fullmatch(path.name))]
    if not archives:
        return {"archive": None, "archive_size": 0}
    when, path = max(archives)
    return {"archive": calendar.timegm(time.strptime(when, "%Y%m%dT%H%M%SZ")), "archive_size": path.stat().st_size}


def versions_of_tables(names: Iterable[str]) -> Mapping[str, int]:
    """Ask the database which version of WordPress's tables each installation has, all with two questions."""
    if not SERVER.exists():
        return {}
    try:
        rows = _mariadb.query("SELECT table_schema FROM information_schema.tables WHERE table_name = 'wp_options';")
        there = {row[0] for row in rows} & {name for name in names if _NAME.fullmatch(name)}
        if not there:
            return {}
        # A name of an installation has no character that could end the quotes.
        questions = (_TABLES.format(name) for name in sorted(there))
        return {name: int(text) for name, text in _mariadb.query(" UNION ALL ".join(questions) + ";") if text.isdigit()}
    except (_mariadb.ServerError, FileNotFoundError):
        # That the server does not answer is seen by its unit.
        return {}
