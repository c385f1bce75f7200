# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts: register, log in, log out."""

from __future__ import annotations

import sqlite3
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.security import check_password_hash, generate_password_hash

from journal.database import connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

Arguments = ParamSpec("Arguments")
LEAST = 10

pages = Blueprint("accounts", __name__)
#: Compared with when there is no such author, so that the time of an answer does not tell.
NOBODY = generate_password_hash("")


def load_author() -> None:
    """Find out who asks."""
    author = session.get("author")
    g.author = (
        connection().execute("SELECT id, name FROM author WHERE id = ?", (author,)).fetchone() if author else None
    )


def for_authors(page: Callable[Arguments, ResponseReturnValue]) -> Callable[Arguments, ResponseReturnValue]:
    """Send whoever is not logged in to the login."""

    @wraps(page)
    def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> ResponseReturnValue:
        return redirect(url_for("accounts.login")) if g.author is None else page(*args, **kwargs)

    return guarded


def enter(author: int) -> ResponseReturnValue:
    """Begin a new session for an author."""
    session.clear()
    session["author"] = author
    return redirect(url_for("posts.index"))


@pages.route("/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    """Make an account and log in."""
    if request.method == "POST":
        name, password = request.form["name"].strip(), request.form["password"]
        if not name:
            flash("A name is needed.")
        elif len(password) < LEAST:
            flash(f"A password has at least {LEAST} characters.")
        else:
            values = (name, generate_password_hash(password))
            try:
                with connection() as database:
                    made = database.execute("INSERT INTO author (name, password) VALUES (?, ?)", values)
            except sqlite3.IntegrityError:
                flash(f"Somebody called {name} writes here already.")
            else:
                return enter(made.lastrowid or 0)
    return render_template("account.html", title="Register", other="accounts.login")


@pages.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Log in."""
    if request.method == "POST":
        name, password = request.form["name"].strip(), request.form["password"]
        author = connection().execute("SELECT id, password FROM author WHERE name = ?", (name,)).fetchone()
        if check_password_hash(author["password"] if author else NOBODY, password) and author:
            return enter(author["id"])
        flash("Name and password do not fit.")
    return render_template("account.html", title="Log in", other="accounts.register")


@pages.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session."""
    session.clear()
    return redirect(url_for("posts.index"))


def init_app(app: Flask) -> None:
    """Add the accounts to the app."""
    app.register_blueprint(pages)
    app.before_request(load_author)
