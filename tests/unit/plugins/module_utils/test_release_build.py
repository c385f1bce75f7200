# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which command installs an app, and what it is told about the index."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._release_build import (
    Recipe,
    build_variables,
    check_environment,
    dependency_command,
    pip_settings,
)
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError

PYTHON = Path("/venv/bin/python")
PIP = ["pip", "install", "--python=/venv/bin/python"]
SYNC = ["sync", "--locked", "--no-dev", "--no-editable", "--python=/venv/bin/python"]
PROJECT = '[project]\nname = "x"\n'


def recipe(*, package: bool = False) -> Recipe:
    extra = Path("/extra") if package else None
    return Recipe(Path("/usr/bin/python3"), package, extra, "gunicorn", "gunicorn==1")


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({}, []),
        ({"requirements.txt": ""}, [*PIP, "--requirements=requirements.txt"]),
        ({"pyproject.toml": PROJECT, "requirements.txt": ""}, [*PIP, "--requirements=requirements.txt"]),
        ({"pyproject.toml": PROJECT, "requirements.txt": "", "uv.lock": ""}, SYNC),
        ({"pyproject.toml": PROJECT, "../uv.lock": ""}, SYNC),
        ({"pyproject.toml": PROJECT, "../../uv.lock": ""}, [*PIP, "."]),
        ({"uv.lock": ""}, []),
        ({"pyproject.toml": PROJECT}, [*PIP, "."]),
        ({"pyproject.toml": "[build-system]\n"}, [*PIP, "."]),
        ({"pyproject.toml": "[tool.ruff]\n"}, []),
        ({"setup.py": ""}, [*PIP, "."]),
    ],
)
def test_what_installs_an_app(tmp_path: Path, files: dict[str, str], command: list[str]) -> None:
    source = tmp_path / "source"
    code = source / "app"
    code.mkdir(parents=True)
    for name, text in files.items():
        (code / name).write_text(text)
    assert dependency_command(code, source, recipe(), PYTHON) == command


def test_a_package_is_installed_whatever_is_there(tmp_path: Path) -> None:
    assert dependency_command(tmp_path, tmp_path, recipe(package=True), PYTHON) == [*PIP, "--requirements=/extra"]


def test_a_project_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project")
    with pytest.raises(WorkError, match=r"pyproject\.toml cannot be read"):
        dependency_command(tmp_path, tmp_path, recipe(), PYTHON)


@pytest.mark.parametrize(
    ("variables", "file", "settings"),
    [
        ({}, "", {}),
        ({}, "no section = 1", {}),
        ({}, "[global]\nindex-url = https://a.test/%40\n", {"UV_DEFAULT_INDEX": "https://a.test/%40"}),
        ({"PIP_INDEX_URL": "https://b.test"}, "[global]\nindex-url = x", {"UV_DEFAULT_INDEX": "https://b.test"}),
        (
            {},
            "[global]\nextra-index-url =\n  https://a.test\n  https://b.test",
            {"UV_INDEX": "https://a.test https://b.test"},
        ),
        ({"PIP_CERT": "/ca.pem"}, "", {"SSL_CERT_FILE": "/ca.pem"}),
    ],
)
def test_what_pip_was_told(variables: dict[str, str], file: str, settings: dict[str, str]) -> None:
    assert pip_settings(variables, file) == settings


def test_a_build_sees_the_index_and_no_other_secret() -> None:
    login = {
        "UV_INDEX_URL": "https://own.test",
        "PIP_INDEX_URL": "https://other.test",
        "PIP_CERT": "/ca.pem",
        "HTTPS_PROXY": "http://proxy.test",
        "no_proxy": "localhost",
        "UV_LINK_MODE": "hardlink",
        "AWS_SECRET_ACCESS_KEY": "hush",
        "SSH_AUTH_SOCK": "/tmp/agent",
        "MY_UV_TOKEN": "hush",
        "PATH": "/root/bin",
        "UV_ODD": "a\nb",
    }
    found = build_variables(login, "", Path("/home"), Path("/cache"))
    assert found["UV_INDEX_URL"] == "https://own.test"
    assert "UV_DEFAULT_INDEX" not in found, "uv's own setting goes first"
    assert found["SSL_CERT_FILE"] == "/ca.pem"
    assert (found["HTTPS_PROXY"], found["no_proxy"]) == ("http://proxy.test", "localhost")
    assert (found["UV_LINK_MODE"], found["PATH"]) == ("copy", "/usr/local/bin:/usr/bin:/bin")
    assert not {"AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "MY_UV_TOKEN", "UV_ODD"} & found.keys()


def test_an_environment_that_would_not_work(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="has no program 'gunicorn'"):
        check_environment(tmp_path, recipe())
    packages = tmp_path / ".venv/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (tmp_path / ".venv/bin").mkdir()
    (tmp_path / ".venv/bin/gunicorn").touch()
    check_environment(tmp_path, recipe())
    (packages / "x.pth").write_text(f"{tmp_path}/src\n")
    with pytest.raises(WorkError, match=r"editable \(x\.pth\)"):
        check_environment(tmp_path, recipe())
