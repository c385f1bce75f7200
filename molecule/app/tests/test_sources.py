# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every kind of source becomes a release that runs."""

from __future__ import annotations

from typing import Any

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
