# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A very small Flask app that says hello, waits, and tells what it was told about a request."""

from __future__ import annotations

import os
import time

from flask import Flask, Response, jsonify, request, url_for

app = Flask(__name__)
# The same under the name that some servers expect.
application = app


@app.get("/")
def hello() -> str:
    """Greet."""
    return os.environ.get("HELLO_GREETING", "Hello World!")


@app.get("/wait/<float:seconds>")
def wait(seconds: float) -> str:
    """Keep a worker busy, as a slow database would."""
    time.sleep(min(seconds, 10))
    return "done"


@app.get("/request")
@app.get("/request/<path:rest>")
def seen(rest: str = "") -> Response:
    """Tell what the server says of the request and the client, and where the app takes itself to be."""
    names = ("SCRIPT_NAME", "PATH_INFO", "REMOTE_ADDR", "HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "wsgi.url_scheme")
    return jsonify(
        environ={name: request.environ.get(name) for name in names},
        rest=rest,
        address=url_for("seen", _external=True),
        headers=sorted(name for name, _value in request.headers),
        worker=os.getpid(),
        master=os.getppid(),
    )
