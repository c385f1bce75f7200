# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Posts: everybody reads them, authors write them, and change their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from journal.accounts import for_authors
from journal.database import connection

if TYPE_CHECKING:
    import sqlite3

    from flask import Flask

pages = Blueprint("posts", __name__)
POSTS = """
    SELECT post.id, title, body, strftime('%d.%m.%Y', written) AS written, author, name
    FROM post JOIN author ON author = author.id
"""


@pages.get("/")
def index() -> ResponseReturnValue:
    """Show all posts, the newest first."""
    return render_template("index.html", posts=connection().execute(f"{POSTS} ORDER BY post.id DESC").fetchall())


@pages.route("/write", methods=["GET", "POST"])
@for_authors
def write() -> ResponseReturnValue:
    """Write a post."""
    if request.method == "POST" and is_complete():
        values = (g.author["id"], request.form["title"], request.form["body"])
        with connection() as database:
            database.execute("INSERT INTO post (author, title, body) VALUES (?, ?, ?)", values)
        return redirect(url_for("posts.index"))
    return render_template("edit.html", post=None)


@pages.route("/<int:number>/edit", methods=["GET", "POST"])
@for_authors
def edit(number: int) -> ResponseReturnValue:
    """Change a post."""
    post = own(number)
    if request.method == "POST" and is_complete():
        values = (request.form["title"], request.form["body"], number)
        with connection() as database:
            database.execute("UPDATE post SET title = ?, body = ? WHERE id = ?", values)
        return redirect(url_for("posts.index"))
    return render_template("edit.html", post=post)


@pages.post("/<int:number>/delete")
@for_authors
def delete(number: int) -> ResponseReturnValue:
    """Delete a post."""
    own(number)
    with connection() as database:
        database.execute("DELETE FROM post WHERE id = ?", (number,))
    return redirect(url_for("posts.index"))


def own(number: int) -> sqlite3.Row:
    """Give a post of whoever asks; there is none (404), or it is another's (403)."""
    post: sqlite3.Row | None = connection().execute(f"{POSTS} WHERE post.id = ?", (number,)).fetchone()
    if post is None:
        abort(404)
    if post["author"] != g.author["id"]:
        abort(403)
    return post


def is_complete() -> bool:
    """Whether the form has all a post needs; says so to the author otherwise."""
    if request.form["title"].strip():
        return True
    flash("A post has a title.")
    return False


def init_app(app: Flask) -> None:
    """Add the posts to the app."""
    app.register_blueprint(pages)
