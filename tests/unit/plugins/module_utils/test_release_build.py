# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which command installs an app, and what it is told about the index."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils._release_build import (
    Recipe,
    build_variables,
    check_environment,
    is_whole,
    pip_settings,
)
from ansible_collections.barehost.web.plugins.module_utils._release_index import Index
from ansible_collections.barehost.web.plugins.module_utils._release_user import WorkError


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
        ({"PIP_FIND_LINKS": "/srv/a /srv/b"}, "", {"UV_FIND_LINKS": "/srv/a,/srv/b"}),
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


RECIPE = Recipe(Path("/usr/bin/python3"), False, None, "gunicorn", "gunicorn==1", ("redis==5",))


@pytest.mark.parametrize(
    ("changes", "pinned"),
    [
        ({}, True),
        ({"wanted": ("redis>=5",)}, False),
        ({"program_requirement": "gunicorn"}, False),
        ({"package": True, "wanted": ("util==1",)}, False),
        ({"index": Index(url="https://anna:hush@a.test")}, True),
    ],
)
def test_only_what_is_pinned_can_be_told_from_others(tmp_path: Path, changes: dict[str, Any], *, pinned: bool) -> None:
    (tmp_path / "requirements.txt").write_text("flask==3")
    found = replace(RECIPE, **changes).digest(tmp_path, tmp_path, ["1"])
    assert bool(found) is pinned


def test_environments_are_told_apart_and_passwords_are_not(tmp_path: Path) -> None:
    def digest(recipe: Recipe, uv: str = "1") -> str:
        return recipe.digest(tmp_path, tmp_path, [uv])

    indexes = [
        Index(),
        *(Index(url=f"https://{who}a.test") for who in ("anna:old@", "anna:new@")),
        Index(wheels=("w",)),
    ]
    recipes = [
        replace(RECIPE, wanted=("redis==6",)),
        replace(RECIPE, program_requirement="gunicorn==2"),
        *(replace(RECIPE, index=index) for index in indexes),
    ]
    found = [digest(recipe) for recipe in recipes]
    assert found[3] == found[4]
    assert len({*found, digest(RECIPE, "2")}) == len(recipes)
    (tmp_path / "requirements.txt").write_text("flask==3")
    assert digest(RECIPE) not in {*found, ""}


def test_an_environment_that_something_is_missing_of(tmp_path: Path) -> None:
    assert is_whole(tmp_path), "nothing is installed"
    packages = tmp_path / "lib/python3.13/site-packages"
    (packages / "x-1.dist-info").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    files = {packages / "x.py": "12345", packages / "a,b.py": "1", tmp_path / "bin/x": "#!"}
    for file, text in files.items():
        file.write_text(text)
    lines = ("x.py,sha256=ab,5", '"a,b.py",sha256=cd,1', "../../../bin/x,sha256=ef,2", "x-1.dist-info/RECORD,,")
    (packages / "x-1.dist-info/RECORD").write_text("\n".join(lines))
    assert is_whole(tmp_path)
    for file, text in files.items():
        file.unlink()
        assert not is_whole(tmp_path)
        file.write_text(f"{text}!")
        assert not is_whole(tmp_path)
        file.write_text(text)
    assert is_whole(tmp_path)
    (packages / "x-1.dist-info/RECORD").write_text("x.py,sha256=ab")
    assert not is_whole(tmp_path), "a list that cannot be read"


def test_an_environment_that_would_not_work(tmp_path: Path) -> None:
    recipe = Recipe(Path("/usr/bin/python3"), False, None, "gunicorn", "gunicorn==1")
    with pytest.raises(WorkError, match="has no program 'gunicorn'"):
        check_environment(tmp_path, recipe)
    packages = tmp_path / ".venv/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (tmp_path / ".venv/bin").mkdir()
    (tmp_path / ".venv/bin/gunicorn").touch()
    check_environment(tmp_path, recipe)
    (packages / "x.pth").write_text(f"{tmp_path}/src\n")
    with pytest.raises(WorkError, match=r"editable \(x\.pth\)"):
        check_environment(tmp_path, recipe)
