# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every kind of source becomes a release that runs."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from testbed.podman import podman_ok

PROJECT = """[project]
name = "locked"
version = "1"
requires-python = ">=3.11"
dependencies = []
"""
LOCK = """version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "locked"
version = "1"
source = { virtual = "." }
"""


def test_the_example_is_released_with_its_pinned_dependencies(released: Any) -> None:
    app = released("util")
    ask = 'import wsgi; print(wsgi.server.test_client().get("/search").text)'
    assert app.python(ask).stdout == "hello Elasticsearch6\n"
    assert "Flask 3.1.3" in app.run("/srv/util/current/.venv/bin/flask --version").stdout
    assert app.run("cd /srv/util/current && .venv/bin/gunicorn --check-config wsgi:server").rc == 0


def test_a_tag_a_branch_and_a_commit_of_a_repository(
    converge: Any, released: Any, repository: Any, samples: Any
) -> None:
    library = repository("library", {"lib.py": "ANSWER = 'from a submodule'\n"})
    library.push()
    module = "import sub.lib\ndef app(e, s): return [sub.lib.ANSWER.encode()]\n"
    notes = repository("notes", {"deep/app/wsgi.py": module})
    notes.git("submodule", "--quiet", "add", str(library.folder), "deep/app/sub")
    modules = notes.folder / ".gitmodules"
    modules.write_text(modules.read_text().replace(str(library.folder), library.url))
    notes.push()
    first = notes.git("rev-parse", "HEAD")
    notes.git("tag", "--annotate", "--message=One", "v1")
    notes.send()

    def entry(version: str) -> list[dict[str, Any]]:
        source = {"git": notes.url, "version": version, "subdirectory": "deep/app"}
        return [{"name": "notes", "source": source}]

    assert converge(entry("v1"), app_purge=True).rc == 0
    app = released("notes")
    assert app.answer() == "from a submodule"
    assert app.record["version"] == first
    assert app.run("find /srv/notes/current/ -name .git").stdout == ""
    assert converge(entry("main")).changed == 0, "the branch is at the tag"
    assert converge(entry(first)).changed == 0, "and at the commit"

    samples.write("notes", {"deep/app/wsgi.py": "def app(e, s): return [b'moved']\n"})
    notes.push()
    assert converge(entry("v1")).changed == 0
    assert converge(entry("main")).apps["notes"] == "released"
    assert app.answer() == "moved"
    assert converge(entry(first)).apps["notes"] == "switched", "nothing is built twice"
    assert app.answer() == "from a submodule"


def test_archives_of_the_host_and_of_the_controller(converge: Any, released: Any, machine: Any, samples: Any) -> None:
    samples.code("one", "from an archive")
    file, checksum = samples.archive("one")
    podman_ok("cp", file, f"{machine.container}:/srv/one.tar.gz")
    apps = [
        {"name": "fetched", "source": {"archive": "file:///srv/one.tar.gz", "checksum": checksum}},
        {
            "name": "sent",
            "source": {"archive": file, "checksum": checksum},
            "requirements": ["itsdangerous==2.2.0"],
        },
    ]
    assert converge(apps, app_purge=True).rc == 0
    assert released("fetched").answer() == "from an archive"
    assert released("sent").answer() == "from an archive"
    assert released("sent").python("import itsdangerous").rc == 0
    assert converge(apps).changed == 0


def test_a_package_and_a_project_with_a_lock(converge: Any, released: Any, samples: Any) -> None:
    samples.code("locked", "locked")
    project = samples.write("locked", {"pyproject.toml": PROJECT, "uv.lock": LOCK})
    apps = [
        {"name": "packaged", "source": {"package": "werkzeug==3.1.9"}},
        {"name": "locked", "source": {"path": str(project)}},
    ]
    assert converge(apps, app_purge=True).rc == 0
    page = "from werkzeug.test import Client; from werkzeug.testapp import test_app; print(Client(test_app).get().text)"
    assert "WSGI Information" in released("packaged").python(page).stdout
    assert released("packaged").run("/srv/packaged/current/.venv/bin/gunicorn --version").rc == 0
    assert released("locked").answer() == "locked"

    samples.write("locked", {"uv.lock": LOCK.replace('">=3.11"', '">=3.10"')})
    failed = converge(apps)
    assert failed.rc != 0
    assert "app 'locked': installing the dependencies failed" in failed.message


PINNED = {
    "name": "itsdangerous",
    "version": "2.2.0",
    "hash": "sha256:c6242fc49e35958c8b15141343aa660db5fc54d4f13a1db01a3f5891b98700ef",
}
POETRY = """[project]
name = "locked"
version = "1"
requires-python = ">=3.11"
dependencies = ["itsdangerous>=2.1"]

[tool.poetry]
package-mode = false
"""
#: As Poetry 2 writes it. The last line is a digest of what pyproject.toml asks for.
POETRY_LOCK = """[[package]]
name = "{name}"
version = "{version}"
optional = false
python-versions = ">=3.8"
groups = ["main"]
files = [{{file = "itsdangerous-2.2.0-py3-none-any.whl", hash = "{hash}"}}]

[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
content-hash = "abcceabec03579c1662aa9627c9311b6be5445a073f775a71b4edfdc42c4e64c"
"""
PYLOCK = """lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.11"

[[packages]]
name = "itsdangerous"
version = "2.2.0"
wheels = [{{path = "{wheel}", hashes = {{sha256 = "{digest}"}}}}]
"""


def pylock(folder: Path) -> None:
    """Write the lock that the standard describes. It names files, so that one of them stands beside it."""
    wheel, about = folder / "itsdangerous-2.2.0-py3-none-any.whl", "itsdangerous-2.2.0.dist-info"
    with ZipFile(wheel, "w") as archive:
        archive.writestr("itsdangerous.py", '__version__ = "2.2.0"\n')
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: itsdangerous\nVersion: 2.2.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "pylock.toml").write_text(PYLOCK.format(wheel=wheel.name, digest=digest))


def test_locks_of_other_tools(converge: Any, released: Any, samples: Any) -> None:
    pipfile = {"itsdangerous": {"hashes": [PINNED["hash"]], "version": "==2.2.0"}}
    meta = {"hash": {"sha256": "0" * 64}, "pipfile-spec": 6, "requires": {}, "sources": []}
    sources = {
        "poetry": {"pyproject.toml": POETRY, "poetry.lock": POETRY_LOCK.format(**PINNED)},
        "pipenv": {"Pipfile": "", "Pipfile.lock": json.dumps({"_meta": meta, "default": pipfile, "develop": {}})},
        "standard": {},
    }
    for name, files in sources.items():
        samples.code(name, name)
        samples.write(name, files)
    pylock(samples.folder / "standard")
    apps = [{"name": name, "source": {"path": str(samples.folder / name)}} for name in sources]
    outcome = converge(apps, app_purge=True)
    assert outcome.rc == 0, outcome
    for name in sources:
        app = released(name)
        assert app.answer() == name
        assert app.python("import itsdangerous; print(itsdangerous.__version__)").stdout == "2.2.0\n"
    # What is installed is what was locked.
    for file in ("poetry/poetry.lock", "pipenv/Pipfile.lock", "standard/pylock.toml"):
        lock = samples.folder / file
        lock.write_text(re.sub('[0-9a-f]{64}(?="}|"])', "0" * 64, lock.read_text()))
    outcome = converge(apps)
    assert outcome.rc != 0
    for name in sources:
        assert f"app '{name}': installing the dependencies failed" in outcome.message
