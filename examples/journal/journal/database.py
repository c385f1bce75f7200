# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The database: one file, opened for a request and closed after it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import click
from flask import current_app, g

if TYPE_CHECKING:
    from flask import Flask


def connection() -> sqlite3.Connection:
    """Open the database for this request."""
    if "database" not in g:
        g.database = sqlite3.connect(current_app.config["DATABASE"])
        g.database.row_factory = sqlite3.Row
        g.database.execute("PRAGMA foreign_keys = ON")
    opened: sqlite3.Connection = g.database
    return opened


def close(_error: BaseException | None = None) -> None:
    """Close the database, if this request has opened it."""
    opened = g.pop("database", None)
    if opened is not None:
        opened.close()


@click.command("init-db")
def init_db() -> None:
    """Make the tables that are missing; what is there stays."""
    with current_app.open_resource("schema.sql") as schema:
        connection().executescript(schema.read().decode())
    click.echo("The database is ready.")


def init_app(app: Flask) -> None:
    """Add the database to the app."""
    app.teardown_appcontext(close)
    app.cli.add_command(init_db)
