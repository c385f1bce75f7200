# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Flask app that lets everybody in and says so."""

from __future__ import annotations

import os

from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.get("/")
def authentication() -> Response:
    """Answer as an authentication service would."""
    return Response('{"authentication": "passed"}', mimetype="application/json")


@app.get("/request")
@app.get("/request/<path:rest>")
def seen(rest: str = "") -> Response:
    """Tell what the server says of the request."""
    names = ("SCRIPT_NAME", "PATH_INFO", "REMOTE_ADDR", "HTTP_HOST", "wsgi.url_scheme")
    return jsonify(environ={name: request.environ.get(name) for name in names}, rest=rest, process=os.getpid())
