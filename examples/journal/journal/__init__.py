# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A journal that several people write: an account, then posts, which their authors can change and delete.

It is told where it keeps its data, and its secret, by two environment variables:

* ``JOURNAL_STATE``: folder of the database
* ``JOURNAL_SECRET_KEY``: signs the sessions; who knows it can be anybody

It knows nothing of the path it is served below: every address in it comes from ``url_for``.
"""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface

from journal import accounts, database, forms, posts


class Sessions(SecureCookieSessionInterface):
    """Sessions whose cookie goes to this app only, not to others on the same host name."""

    def get_cookie_path(self, app: Flask) -> str:
        """Give the path that the app is served below."""
        return request.script_root or super().get_cookie_path(app)


def create_app() -> Flask:
    """Make the app; ``KeyError`` names an environment variable that is missing."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=os.environ["JOURNAL_SECRET_KEY"],
        DATABASE=Path(os.environ["JOURNAL_STATE"]) / "journal.sqlite3",
        SESSION_COOKIE_NAME="journal",
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_FORM_MEMORY_SIZE=200_000,
    )
    app.session_interface = Sessions()
    for part in (database, forms, accounts, posts):
        part.init_app(app)
    return app
