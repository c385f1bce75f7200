"""Jobs in a file of SQLite: visitors add them, workers do them, a schedule removes those that are done."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY, text TEXT NOT NULL, seconds REAL NOT NULL, worker TEXT, release TEXT, result TEXT
)
"""
TAKE = """
UPDATE jobs SET worker = ?, release = ?
WHERE id = (SELECT id FROM jobs WHERE worker IS NULL ORDER BY id LIMIT 1)
RETURNING id, text, seconds
"""


def connect() -> sqlite3.Connection:
    """Open the file, which is in the folder that systemd keeps for the data of the app."""
    db = sqlite3.connect(Path(os.environ.get("STATE_DIRECTORY", "."), "jobs.sqlite"), timeout=10, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute(TABLE)
    return db


def add(text: str, seconds: float = 0) -> None:
    """Leave a job to the workers."""
    connect().execute("INSERT INTO jobs (text, seconds) VALUES (?, ?)", (text, seconds))


def every() -> list[dict[str, Any]]:
    """List all jobs, and what became of them."""
    return [dict(row) for row in connect().execute("SELECT * FROM jobs ORDER BY id")]


def do_one(worker: str) -> bool:
    """Do the job that has waited longest; tell whether there was one."""
    db = connect()
    taken = db.execute(TAKE, (worker, str(Path.cwd()))).fetchone()
    if taken is None:
        return False
    time.sleep(taken["seconds"])
    db.execute("UPDATE jobs SET result = ? WHERE id = ?", (greeting(taken["text"]), taken["id"]))
    return True


def note(text: str) -> str:
    """Do a job that another queue has brought, such as that of RQ."""
    row = (text, "rq", str(Path.cwd()), greeting(text))
    connect().execute("INSERT INTO jobs (text, seconds, worker, release, result) VALUES (?, 0, ?, ?, ?)", row)
    return row[-1]


def greeting(text: str) -> str:
    """Say something as the environment wants it said."""
    return f"{os.environ.get('QUEUE_GREETING', 'Hello')}, {text}"


def remove_done() -> int:
    """Remove the jobs that are done; tell how many."""
    return connect().execute("DELETE FROM jobs WHERE result IS NOT NULL").rowcount
