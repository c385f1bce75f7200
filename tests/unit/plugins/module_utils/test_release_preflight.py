# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a new release has to answer before it is live, and the program that asks it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._release_preflight import (
    Answer,
    Health,
    answered,
    judge,
    preflight_from,
)

ELSEWHERE = "name a path under 'health' that the app answers by itself"
HTTPS = f"{ELSEWHERE}, or have it take a request from this host for one over https"
TEMPLATES = Path(__file__).resolve().parents[4] / "templates"


@pytest.mark.parametrize(
    ("answer", "health", "complaint", "note"),
    [
        (Answer(200), Health(), "", ""),
        (Answer(404), Health(), "", ""),
        (Answer(500), Health(), "GET / answers 500", ""),
        (Answer(503), Health("/up", "HEAD"), "HEAD /up answers 503", ""),
        (Answer(204), Health(status=204), "", ""),
        (Answer(500), Health(status=500), "", ""),
        (Answer(200), Health(status=204), "GET / answers 200 and not 204", ""),
        (Answer(302, "/login"), Health(status=302), "", ""),
        (
            Answer(302, "/login"),
            Health(status=200),
            f"GET / answers 302, which sends its reader to /login and not 200; {ELSEWHERE}",
            "",
        ),
        (
            Answer(301, "https://localhost/"),
            Health(),
            "",
            f"GET / answers 301, which sends its reader to https://localhost/: that says little of the app; {HTTPS}",
        ),
        (
            Answer(300),
            Health(status=200),
            f"GET / answers 300, which sends its reader to nowhere and not 200; {ELSEWHERE}",
            "",
        ),
        (None, Health(), "GET / got no answer: the app has ended without one", ""),
    ],
)
def test_what_is_a_good_answer(answer: Answer | None, health: Health, complaint: str, note: str) -> None:
    assert judge(answer, health) == (complaint, note)


@pytest.mark.parametrize(
    ("said", "answer", "output"),
    [
        ('hello\nbarehost-preflight: {"status": 302, "location": "/x"}\n', Answer(302, "/x"), "hello\n"),
        ("hello\n", None, "hello\n"),
        ("hello\nbarehost-preflight: {}\n", None, "hello\n"),
    ],
)
def test_the_answer_is_the_last_line(said: str, answer: Answer | None, output: str) -> None:
    assert answered(said) == (answer, output)


def test_nothing_is_asked_of_an_app_that_was_not_described() -> None:
    assert preflight_from({"name": "util"}, {}).wsgi == ""


def start(
    tmp_path: Path, code: str, reference: str = "wsgi:app", path: str = "/", seconds: str = "20"
) -> tuple[int, str]:
    """Write an app and have the program ask it, as a host does."""
    (tmp_path / "wsgi.py").write_text(code, encoding="utf-8")
    program, library = TEMPLATES / "barehost_preflight.py", TEMPLATES / "barehost_wsgi.py"
    words = [library, reference, tmp_path, "GET", path, "www.example.test:8080", seconds]
    done = subprocess.run(
        [sys.executable, "-u", program, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


TELLS = """import sys, threading
threading.Thread(target=threading.Event().wait).start()
print("loaded with", sys.argv[1:])
def app(environ, start_response):
    start_response("303 See Other", [("Location", environ["PATH_INFO"] + "?" + environ["QUERY_STRING"])])
    yield environ["SERVER_NAME"].encode()
    print(environ["SERVER_NAME"], environ["SERVER_PORT"], environ["HTTP_HOST"], environ["REMOTE_ADDR"])
"""


def test_an_app_is_loaded_and_asked(tmp_path: Path) -> None:
    status, said = start(tmp_path, TELLS, path="/a%20b?x=1")
    answer, output = answered(said)
    assert (status, answer) == (0, Answer(303, "/a b?x=1"))
    assert output.splitlines() == ["loaded with []", "www.example.test 8080 www.example.test:8080 127.0.0.1", ""]


def test_an_answer_without_an_end_is_enough(tmp_path: Path) -> None:
    code = "def app(e, s):\n    s('200 OK', [])\n    while True: yield b'x' * 65536"
    status, said = start(tmp_path, code)
    assert (status, answered(said)[0]) == (0, Answer(200))


@pytest.mark.parametrize(
    ("code", "words", "never"),
    [
        ("import no_such", "ModuleNotFoundError: No module named 'no_such'", "barehost_wsgi"),
        (
            "import threading\nthreading.Thread(target=threading.Event().wait).start()\n1/0",
            "ZeroDivisionError",
            "runpy",
        ),
        ("other = 1", "has no attribute 'app'", "site-packages"),
        ("import os\nos.abort()", "Fatal Python error: Aborted", "barehost-preflight:"),
        ("raise SystemExit('no licence')", "no licence", "barehost-preflight:"),
        ("raise SystemExit", "", "barehost-preflight:"),
        ("import time\ndef wait(): time.sleep(60)\nwait()", "in wait", "barehost-preflight:"),
        ("def app(e, s):\n    while True: pass", "in app", "barehost-preflight:"),
    ],
)
def test_an_app_that_cannot_start_says_why(tmp_path: Path, code: str, words: str, never: str) -> None:
    status, said = start(tmp_path, code, seconds="1" if "while" in code or "sleep" in code else "20")
    assert (status != 0) == (code != "raise SystemExit")
    assert words in said
    assert never not in said
    assert answered(said)[0] is None


def test_an_app_that_fails_to_answer_has_its_traceback_told(tmp_path: Path) -> None:
    status, said = start(tmp_path, "def app(e, s): raise ValueError('no such table')")
    answer, output = answered(said)
    assert (status, answer) == (0, Answer(500))
    assert "ValueError: no such table" in output
