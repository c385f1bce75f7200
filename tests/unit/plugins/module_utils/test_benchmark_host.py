# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A folder is put back as it was, and nothing else is touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.barehost.web.plugins.module_utils._benchmark_host import Places, put_back


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else f"{path.stat().st_mode:o} {'' if path.is_dir() else path.read_text()}"
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(("gunicorn",), tmp_path / "root")


@pytest.fixture
def nginx(places: Places) -> Path:
    live = places.root / "etc/nginx"
    (live / "sites-enabled").mkdir(parents=True)
    (live / "nginx.conf").write_text("before")
    (live / "mime.types").write_text("types")
    (live / "sites-enabled/a").symlink_to("../sites-available/a")
    return live


def test_everything_that_is_different_is_put_back(places: Places, nginx: Path, tmp_path: Path) -> None:
    copy, before = tmp_path / "copy", tree(nginx)
    shutil.copytree(nginx, copy, symlinks=True)
    (nginx / "nginx.conf").write_text("after")
    (nginx / "mime.types").chmod(0o600)
    (nginx / "sites-enabled/a").unlink()
    (nginx / "sites-enabled/a").mkdir()
    (nginx / "snippets").mkdir()
    (nginx / "snippets/new").write_text("new")
    changed = put_back(copy, nginx, places)
    assert tree(nginx) == before
    assert {str(path.relative_to(nginx)) for path in changed} == {
        "nginx.conf",
        "mime.types",
        "sites-enabled/a",
        "snippets",
        "snippets/new",
    }


def test_nothing_is_written_where_nothing_is_different(places: Places, nginx: Path, tmp_path: Path) -> None:
    shutil.copytree(nginx, tmp_path / "copy", symlinks=True)
    assert put_back(tmp_path / "copy", nginx, places) == []


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("gunicorn@.service", True),
        ("multi-user.target.wants/gunicorn@util.service", True),
        ("nginx.service.d/barehost.conf", True),
        ("multi-user.target.wants/nginx.service", True),
        ("mygunicorn@a.service", False),
        ("redis.service", False),
        ("multi-user.target.wants/ssh.service", False),
    ],
)
def test_units_of_others_are_left_alone(places: Places, name: str, ours: bool) -> None:
    units = places.root / "etc/systemd/system"
    assert places.concerns(units, units / name) is ours


def test_folders_that_may_go_are_those_of_programs(places: Places) -> None:
    relative = {str(folder.relative_to(places.root)) for folder in places.folders}
    assert relative >= {"etc/nginx", "etc/gunicorn", "var/lib/barehost", "run/gunicorn", "var/log/nginx"}
    assert not relative & {"etc", "run", "srv", "var/lib", "var/log"}
