# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which Python an app runs on, and how long one that was fetched stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _release_python
from ansible_collections.barehost.web.plugins.module_utils._release_python import fetch, find_interpreter, tidy
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError


def put(folder: Path, version: str) -> Path:
    minor = version.rpartition(".")[0]
    program = folder / f"cpython-{version}-linux-x86_64-gnu/bin/python{minor}"
    program.parent.mkdir(parents=True)
    program.touch()
    link = folder / f"cpython-{minor}-linux-x86_64-gnu"
    link.unlink(missing_ok=True)
    link.symlink_to(program.parents[1].name)
    return program


def test_the_newest_that_was_fetched_is_taken_where_the_host_has_none(tmp_path: Path) -> None:
    assert find_interpreter("2.9", tmp_path) is None
    for version in ("2.9.9", "2.9.10", "2.91.1"):
        put(tmp_path, version)
    assert find_interpreter("2.9", tmp_path) == tmp_path / "cpython-2.9.10-linux-x86_64-gnu/bin/python2.9"
    assert find_interpreter("2.8", tmp_path) is None


def test_python_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, calls = tmp_path / "python", []

    def as_root(command: list[str], doing: str, variables: dict[str, str], way_out: str) -> None:
        calls.append((command[:3], doing, variables.keys() & {"AWS_SECRET", "UV_PYTHON_INSTALL_MIRROR"}, way_out))
        put(folder, "2.9.1")

    monkeypatch.setenv("AWS_SECRET", "hush")
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", "https://a.test")
    monkeypatch.setattr(_release_python, "as_root", as_root)
    for _time in range(2):
        assert fetch(lambda: Path("/uv"), "2.9", folder).name == "python2.9"
    ((command, doing, variables, way_out),) = calls
    assert (command, doing) == (["/uv", "python", "install"], "fetching Python 2.9")
    assert variables == {"UV_PYTHON_INSTALL_MIRROR"}
    assert "Install python2.9 on the host" in way_out


def test_what_cannot_be_fetched_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match=r"fetching Python 2\.9 failed \(exit status 1\)"):
        fetch(lambda: Path("/bin/false"), "2.9", tmp_path)
    with pytest.raises(FileNotFoundError, match="says that it has fetched"):
        fetch(lambda: Path("/bin/true"), "2.9", tmp_path)


def test_what_no_environment_needs_goes(tmp_path: Path) -> None:
    folder = tmp_path / "python"
    old, new = put(folder, "2.8.1"), put(folder, "2.9.1")
    (folder / ".lock").touch()
    environments = []
    for name, program in (("a", old), ("b", new)):
        environment = tmp_path / name
        (environment / "bin").mkdir(parents=True)
        (environment / "bin/python").symlink_to(program)
        environments.append(environment)
    assert not tidy(environments, folder)
    assert tidy(environments[1:], folder)
    assert sorted(one.name for one in folder.iterdir()) == [
        ".lock",
        "cpython-2.9-linux-x86_64-gnu",
        "cpython-2.9.1-linux-x86_64-gnu",
    ]
    assert tidy([], folder)
    assert not folder.exists()
    assert not tidy([], folder)
