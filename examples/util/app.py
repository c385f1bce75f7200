# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small Flask app. It knows nothing of the path it is served below: every address in it comes from ``url_for``."""

from __future__ import annotations

import json
import os
from pathlib import Path

from flask import Flask, Response, jsonify, render_template, request

RELEASE = Path(__file__).with_name(".release.json")

server = Flask(__name__)


@server.get("/")
def index() -> str:
    """A page whose links show where the app is mounted."""
    return render_template("index.html", greeting=os.environ.get("UTIL_GREETING", "A small Flask app"))


@server.get("/search")
def search() -> str:
    """What the frontend asks for."""
    return "hello Elasticsearch6"


@server.get("/request")
def request_seen() -> Response:
    """The request as the app sees it, whatever is in front of it."""
    environ = request.environ
    return jsonify(
        script_name=environ.get("SCRIPT_NAME", ""),
        path_info=environ.get("PATH_INFO", ""),
        query=environ.get("QUERY_STRING", ""),
        remote_addr=environ.get("REMOTE_ADDR", ""),
        scheme=environ.get("wsgi.url_scheme", ""),
        host=environ.get("HTTP_HOST", ""),
        process=os.getpid(),
    )


@server.get("/release")
def release() -> Response:
    """The release this process runs, as the role ``app`` recorded it; empty anywhere else."""
    record = json.loads(RELEASE.read_text(encoding="utf-8")) if RELEASE.is_file() else {}
    return jsonify({key: record.get(key, "") for key in ("id", "source", "version", "created")})
