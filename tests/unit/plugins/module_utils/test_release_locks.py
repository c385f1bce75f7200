# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which file of an app tells what it needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._release_locks import (
    Step,
    dependency_steps,
    is_pinned,
    lock_digest,
)
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError

PYTHON, DEBIAN, FILE = Path("/venv/bin/python"), Path("/usr/bin/python3"), Path("/home/exported.txt")
PIP = ("pip", "install", "--python=/venv/bin/python")
SYNC = [("sync", "--locked", "--inexact", "--no-dev", "--no-editable", "--python=/venv/bin/python")]
PROJECT = '[project]\nname = "x"\n'
UNPACKAGED = f"{PROJECT}[tool.poetry]\npackage-mode = false\n"
REQUIREMENTS, PYLOCK, EXPORTED = (
    (*PIP, f"--requirements={file}") for file in ("requirements.txt", "pylock.toml", FILE)
)


def steps(source: Path, files: dict[str, str]) -> list[Step]:
    code = source / "app"
    code.mkdir(parents=True)
    for name, text in files.items():
        (code / name).write_text(text)
    return dependency_steps(code, source, DEBIAN, PYTHON, FILE)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, []),
        ({"requirements.txt": ""}, [REQUIREMENTS]),
        ({"pyproject.toml": PROJECT, "requirements.txt": ""}, [REQUIREMENTS]),
        ({"pyproject.toml": PROJECT, "requirements.txt": "", "uv.lock": ""}, SYNC),
        ({"pyproject.toml": PROJECT, "uv.lock": "", "pylock.toml": "", "poetry.lock": ""}, SYNC),
        ({"pyproject.toml": PROJECT, "../uv.lock": ""}, SYNC),
        ({"pyproject.toml": PROJECT, "../../uv.lock": ""}, [(*PIP, ".")]),
        ({"uv.lock": ""}, []),
        ({"pylock.toml": "", "requirements.txt": "", "poetry.lock": ""}, [PYLOCK]),
        ({"poetry.lock": "", "Pipfile.lock": "", "requirements.txt": ""}, [REQUIREMENTS]),
        ({"pyproject.toml": PROJECT}, [(*PIP, ".")]),
        ({"pyproject.toml": "[build-system]\n"}, [(*PIP, ".")]),
        ({"pyproject.toml": "[tool.ruff]\n"}, []),
        ({"setup.py": ""}, [(*PIP, ".")]),
    ],
)
def test_what_installs_an_app(tmp_path: Path, files: dict[str, str], words: list[tuple[str, ...]]) -> None:
    assert [step.words for step in steps(tmp_path / "source", files)] == words


@pytest.mark.parametrize(
    ("files", "tool", "rest"),
    [
        ({"pyproject.toml": PROJECT, "poetry.lock": "", "requirements.txt": ""}, "poetry", [(*PIP, "--no-deps", ".")]),
        ({"pyproject.toml": UNPACKAGED, "poetry.lock": ""}, "poetry", []),
        (
            {"pyproject.toml": "", "poetry.lock": "", "Pipfile": "", "Pipfile.lock": ""},
            "poetry",
            [(*PIP, "--no-deps", ".")],
        ),
        ({"pyproject.toml": PROJECT, "Pipfile": "", "Pipfile.lock": "", "requirements.txt": ""}, "pipenv", []),
    ],
)
def test_another_lock_is_exported_by_its_own_tool(
    tmp_path: Path, files: dict[str, str], tool: str, rest: list[tuple[str, ...]]
) -> None:
    export, install, *others = steps(tmp_path / "source", files)
    assert export.into == FILE
    assert export.words[:4] == ("tool", "run", "--quiet", "--python=/usr/bin/python3")
    assert export.words[4].startswith(f"--from={tool}==")
    assert tool in export.words
    assert (install.into, install.words) == (None, EXPORTED)
    assert [step.words for step in others] == rest


@pytest.mark.parametrize(
    ("requirements", "pinned"),
    [
        ("", True),
        ("# nothing\n\n", True),
        ("Flask==3.1.3\nwerkzeug == 3.1.9 # as Flask wants it\n", True),
        ("psycopg[binary,pool]==3.3.2 ; python_version >= '3.11'\n", True),
        ("flask==3.1.3 \\\n    --hash=sha256:ab \\\n    --hash sha256:cd\n", True),
        ("odd===1.0+local\r\n", True),
        ("Flask\n", False),
        ("Flask>=3\n", False),
        ("Flask==3.*\n", False),
        ("Flask==3.1.3,<4\n", False),
        ("Flask==3.1.3\n-r more.txt\n", False),
        ("-c constraints.txt\nFlask==3.1.3\n", False),
        ("./library\n", False),
        ("-e .\n", False),
        ("Flask @ https://example.test/flask.whl\n", False),
    ],
)
def test_what_has_one_answer_only(requirements: str, *, pinned: bool) -> None:
    assert is_pinned(requirements) is pinned


@pytest.mark.parametrize(
    ("files", "digest"),
    [
        ({}, ""),
        ({"requirements.txt": "x==1"}, "requirements.txt "),
        ({"requirements.txt": "x"}, None),
        ({"pyproject.toml": PROJECT}, None),
        ({"pyproject.toml": "[tool.ruff]\n"}, ""),
        ({"pyproject.toml": PROJECT, "../uv.lock": "", "requirements.txt": "x"}, "uv.lock "),
        ({"poetry.lock": "", "pyproject.toml": PROJECT}, "poetry.lock "),
        ({"setup.py": ""}, None),
    ],
)
def test_what_tells_one_state_of_the_dependencies_from_another(
    tmp_path: Path, files: dict[str, str], digest: str | None
) -> None:
    steps(tmp_path, files)
    found = lock_digest(tmp_path / "app", tmp_path)
    assert found == digest if not digest else str(found).startswith(digest)
    if digest:
        name = next(name for name in files if digest.strip() in name)
        (tmp_path / "app" / name).write_text("y==2")
        assert lock_digest(tmp_path / "app", tmp_path) not in {found, None}


def test_a_project_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match=r"pyproject\.toml cannot be read"):
        steps(tmp_path / "source", {"pyproject.toml": "[project"})
