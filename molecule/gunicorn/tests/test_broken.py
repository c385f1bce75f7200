# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An app that cannot be loaded: the error shows why, what runs goes on, and a repair is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.http import Http
    from testinfra.host import Host

SITE = "example.test"
MODULE = "/srv/notes/current/trouble.py"
BROKEN = 'raise RuntimeError("no such table: notes")'
SOUND = "from wsgi import app"


def write(host: Host, code: str) -> None:
    """Change the code of the app behind everybody's back."""
    host.check_output(f"echo '{code}' > {MODULE} && chgrp notes {MODULE} && chmod 0640 {MODULE}")


@pytest.fixture(autouse=True)
def _clean(host: Host, converge: Any) -> Iterator[None]:
    yield
    converge()
    host.run(f"rm -f {MODULE}")


def test_reload_that_cannot_work_leaves_the_workers_alone(
    converge: Any, host: Host, http: Http, unit: Any, varied: Any
) -> None:
    before = unit("notes").processes
    write(host, BROKEN)
    for _run in range(2):
        outcome = converge(varied(notes={"wsgi": "trouble:app"}))
        assert outcome.rc != 0
        assert "entry 'notes': gunicorn@notes.service" in outcome.output
        assert "RuntimeError: no such table: notes" in outcome.output
        assert unit("notes").processes == before
        assert http("/notes/", host=SITE).status == 200
    write(host, SOUND)
    outcome = converge(varied(notes={"wsgi": "trouble:app"}))
    assert outcome.rc == 0, outcome
    assert http("/notes/", host=SITE).status == 200


def test_start_that_cannot_work_is_told_and_heals_with_the_code(
    converge: Any, host: Host, http: Http, varied: Any, soon: Any
) -> None:
    write(host, SOUND)
    assert converge(varied(notes={"wsgi": "trouble:app"})).rc == 0
    write(host, BROKEN)
    outcome = converge(varied(notes={"wsgi": "trouble:app", "memory_max": "256M"}))
    assert outcome.rc != 0
    assert "entry 'notes': gunicorn@notes.service does not come up" in outcome.output
    assert "RuntimeError: no such table: notes" in outcome.output
    assert http("/", host=SITE).status == 200
    write(host, SOUND)
    soon(lambda: http("/notes/", host=SITE).status == 200)
    assert converge(varied(notes={"wsgi": "trouble:app", "memory_max": "256M"})).rc == 0


def test_app_that_answers_with_errors_is_not_ready(converge: Any, host: Host, varied: Any) -> None:
    write(host, 'def app(environ, start_response): raise ValueError("the cache is not there")')
    outcome = converge(varied(notes={"wsgi": "trouble:app"}))
    assert outcome.rc != 0
    assert "answers 500" in outcome.output
    assert "ValueError: the cache is not there" in outcome.output
