# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the program that runs apps under the development server takes for a change of their code."""

from __future__ import annotations

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
RUNNER = REPOSITORY / "roles/flask/templates/barehost_flask.py"
WERKZEUG = {
    "werkzeug": (),
    "werkzeug.debug": ("DebuggedApplication",),
    "werkzeug.serving": ("ThreadedWSGIServer", "WSGIRequestHandler", "make_server"),
    "werkzeug.wsgi": ("get_input_stream",),
}


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import the program as Python starts it; of Werkzeug, which apps bring, the names are enough."""
    for name, members in WERKZEUG.items():
        module = ModuleType(name)
        for member in members:
            setattr(module, member, type(member, (), {}))
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys, "path", [str(RUNNER.parent), str(REPOSITORY / "templates"), *sys.path])
    spec = spec_from_file_location("barehost_flask", RUNNER)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Give a folder of code."""
    for name in ("wsgi.py", "shop/views.py", "shop/templates/cart.html", "notes.txt", ".git/hook.py", "env/lib/x.py"):
        path = tmp_path / "first" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("old")
    (tmp_path / "first/env/pyvenv.cfg").touch()
    (tmp_path / "current").symlink_to("first")
    return tmp_path / "current"


def test_settings_in_the_folder_of_the_program_are_no_modules_of_the_app(runner: Any) -> None:
    assert runner
    assert str(RUNNER.parent) not in sys.path


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("wsgi.py", True),
        ("shop/views.py", True),
        ("shop/templates/cart.html", True),
        ("shop/new.py", True),
        ("notes.txt", False),
        (".git/hook.py", False),
        ("env/lib/x.py", False),
    ],
)
def test_change_counts_when_it_is_over(runner: Any, code: Path, name: str, counts: bool) -> None:
    watch = runner.Watch(str(code))
    assert [watch.changed(), watch.changed()] == [False, False]
    (code / name).write_text("new")
    os.utime(code / name, ns=(1, 1))
    assert [watch.changed(), watch.changed()] == [False, counts]


def test_other_release_and_a_file_that_is_gone_are_changes(runner: Any, code: Path) -> None:
    first = runner.scan(str(code))
    (code.parent / "second").mkdir()
    (code.parent / "second/wsgi.py").write_text("old")
    code.unlink()
    code.symlink_to("second")
    second = runner.scan(str(code))
    assert second.keys() < first.keys()
    assert second[str(code / "wsgi.py")] != first[str(code / "wsgi.py")]


def test_link_that_leads_nowhere_is_passed_over(runner: Any, code: Path) -> None:
    first = runner.scan(str(code))
    (code / "lost.py").symlink_to("nowhere.py")
    assert runner.scan(str(code)) == first


def test_signals_wait_until_somebody_asks(runner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        runner.signal, "set_wakeup_fd", lambda write: os.write(write, bytes([17, runner.signal.SIGTERM]))
    )
    assert runner.wait(runner.signals(), None) == runner.signal.SIGTERM
