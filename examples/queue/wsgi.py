"""Visitors add jobs by a POST, and see what became of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import jobs


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer a request."""
    if environ["REQUEST_METHOD"] == "POST":
        form = parse_qs(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode())
        jobs.add(form["text"][0], float(form.get("seconds", ["0"])[0]))
        start_response("202 Accepted", [("Content-Type", "text/plain")])
        return [b"accepted\n"]
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(jobs.every()).encode()]
