# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Forms carry a token of the session they were shown in, so that no other site can have one sent."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import abort, request, session

if TYPE_CHECKING:
    from flask import Flask


def token() -> str:
    """Give the token of this session."""
    if "token" not in session:
        session["token"] = secrets.token_urlsafe(16)
    text: str = session["token"]
    return text


def check() -> None:
    """Refuse a form that was not shown in this session."""
    if request.method == "POST" and not secrets.compare_digest(
        request.form.get("token", "").encode(), session.get("token", "-").encode()
    ):
        abort(400, "This form is too old, or comes from elsewhere. Load the page again and repeat.")


def init_app(app: Flask) -> None:
    """Check the forms of the app, and let templates write the token."""
    app.before_request(check)
    app.jinja_env.globals["token"] = token
