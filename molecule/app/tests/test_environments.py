# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Virtual environments: taken over from release to release, made from an index of one's own, for any Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest
import yaml
from testbed.patience import patiently
from testbed.podman import podman_ok

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testinfra.host import Host

#: The pip that a host has because of its apps.
PIP = "python3 $(ls /usr/share/python-wheels/pip-*.whl)/pip"
PROJECT = """[project]
name = "own"
version = "1"
requires-python = ">=3.11"
dependencies = []

[build-system]
requires = ["setuptools==80.9.0"]
build-backend = "setuptools.build_meta"

[tool.setuptools]
py-modules = ["word"]
"""
LOCK = """version = 1
revision = 3
requires-python = ">=3.11"

[[package]]
name = "own"
version = "1"
source = { editable = "." }
"""


def test_an_environment_is_taken_over_as_long_as_its_lock_is_the_same(
    converge: Any, released: Any, samples: Any
) -> None:
    names = ("pinned", "own")
    samples.code("pinned", "first")
    samples.write("pinned", {"requirements.txt": "itsdangerous==2.2.0\n"})
    samples.code("own", "first")
    samples.write("own", {"pyproject.toml": PROJECT, "uv.lock": LOCK, "word.py": "word = 'first'\n"})
    apps = [{"name": name, "source": {"path": str(samples.folder / name)}} for name in names]

    def made() -> list[str]:
        return [released(name).run(f"stat -c %y /srv/{name}/current/.venv/pyvenv.cfg").stdout for name in names]

    def word() -> str:
        return str(
            released("own")
            .run("cd / && /srv/own/current/.venv/bin/python -c 'print(__import__(\"word\").word)'")
            .stdout
        )

    assert converge(apps, app_purge=True).rc == 0
    first = made()
    for name in names:
        samples.code(name, "second")
    samples.write("own", {"word.py": "word = 'second'\n"})
    assert set(converge(apps).apps.values()) == {"unchanged", "released"}
    assert made() == first
    assert [released(name).answer() for name in names] == ["second", "second"]
    assert word() == "second\n", "what is installed of the code itself is new with every release"
    assert len(released("pinned").ids) == 2
    pin = released("pinned").python("import itsdangerous, sys; print(itsdangerous.__version__, sys.prefix)").stdout
    assert pin.split() == ["2.2.0", f"/srv/pinned/releases/{released('pinned').live}/.venv"]
    owners = released("pinned").host.check_output("find /srv/pinned/releases /srv/own/releases ! -user root")
    assert owners == ""

    samples.write("pinned", {"requirements.txt": "itsdangerous==2.1.2\n"})
    samples.write("own", {"uv.lock": LOCK.replace("revision = 3", "revision = 2")})
    assert converge(apps).rc == 0
    assert not {*made()} & {*first}
    assert released("pinned").python("import itsdangerous; print(itsdangerous.__version__)").stdout == "2.1.2\n"


SESAME = "open-Sesame"
SERVER = """
import base64, functools, http.server, sys
expected = "Basic " + base64.b64encode(b"anna:%s").decode()
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.headers.get("Authorization") == expected:
            return super().do_GET()
        self.send_response(401)
        self.send_header("WWW-Authenticate", "Basic realm=packages")
        self.send_header("Content-Length", "0")
        self.end_headers()
handler = functools.partial(Handler, directory="/srv/packages")
http.server.ThreadingHTTPServer(("127.0.0.1", 8099), handler).serve_forever()
"""


def wheel(folder: Path) -> Path:
    """Make a package that is in no public index."""
    folder.mkdir(parents=True, exist_ok=True)
    file, about = folder / "barehost_sesame-1.0-py3-none-any.whl", "barehost_sesame-1.0.dist-info"
    with ZipFile(file, "w") as archive:
        archive.writestr("barehost_sesame.py", "word = 'sesame'\n")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: barehost-sesame\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return file


@pytest.fixture
def packages(host: Host, machine: Any, tmp_path: Path) -> Iterator[str]:
    """Serve a package to those who know the password; gives the URL of the index for the others."""
    file = wheel(tmp_path / "packages/simple/barehost-sesame")
    file.with_name("index.html").write_text(f'<a href="{file.name}">{file.name}</a>', encoding="utf-8")
    (tmp_path / "packages/server.py").write_text(SERVER % SESAME, encoding="utf-8")
    host.check_output("rm -rf /srv/packages")
    podman_ok("cp", str(tmp_path / "packages"), f"{machine.container}:/srv/packages")
    host.check_output("chmod -R a+rX /srv/packages")
    host.check_output("systemd-run --quiet --unit=packages python3 /srv/packages/server.py")
    host.check_output("timeout 60 sh -c 'until ss -Hlnt | grep -q 127.0.0.1:8099; do sleep 0.1; done'")
    yield "127.0.0.1:8099/simple"
    host.check_output("systemctl stop packages.service")


def test_packages_come_from_an_index_of_ones_own_whose_password_nobody_sees(
    converge: Any, released: Any, samples: Any, packages: str
) -> None:
    samples.code("insider", "insider")
    app = {"name": "insider", "source": {"path": str(samples.folder / "insider")}}
    app["requirements"] = ["barehost-sesame==1.0"]
    outcome = converge([app], app_purge=True)
    assert outcome.rc != 0
    assert "app 'insider': installing the requirements of the entry failed" in outcome.message

    wrong = {"extra": [f"http://anna:not-{SESAME}@{packages}"]}
    outcome = converge([{**app, "index": wrong}])
    assert outcome.rc != 0
    assert "401" in outcome.message
    assert SESAME not in outcome.output

    right = {"extra": [f"http://anna:{SESAME}@{packages}"]}
    outcome = converge([app], app_index=right)
    assert outcome.rc == 0, outcome
    assert SESAME not in outcome.output
    assert released("insider").python("import barehost_sesame; print(barehost_sesame.word)").stdout == "sesame\n"
    assert SESAME not in released("insider").run("grep -r Sesame /srv/insider/releases /etc/barehost; true").stdout
    assert converge([app], app_index=right).changed == 0

    # An index that takes the place of the host's own has to have everything.
    samples.code("insider", "again")
    outcome = converge([{**app, "index": {"url": right["extra"][0]}}])
    assert outcome.rc != 0
    assert "gunicorn was not found" in " ".join(outcome.message.split())
    assert SESAME not in outcome.output


def test_packages_are_files_and_no_index_is_asked(host: Host, converge: Any, released: Any, samples: Any) -> None:
    samples.code("offline", "offline")
    wheel(samples.folder / "offline/vendor")
    host.check_output("rm -rf /srv/wheels && mkdir /srv/wheels")
    app = {
        "name": "offline",
        "source": {"path": str(samples.folder / "offline")},
        "requirements": ["barehost-sesame"],
        "index": {"wheels": ["/srv/wheels", "vendor"], "only_wheels": True},
    }
    outcome = converge([app], app_purge=True)
    assert outcome.rc != 0
    assert "installing gunicorn failed" in outcome.message
    patiently(lambda: host.check_output(f"{PIP} download --quiet --dest /srv/wheels gunicorn==27.0.1"))
    outcome = converge([app])
    assert outcome.rc == 0, outcome
    assert released("offline").python("import barehost_sesame; print(barehost_sesame.word)").stdout == "sesame\n"
    assert (
        released("offline").run("/srv/offline/current/.venv/bin/gunicorn --version").stdout
        == "gunicorn (version 27.0.1)\n"
    )


#: An index that sends half of a file to whoever asks for it first.
SHAKY = """
import functools, http.server
asked = set()
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path in asked or not self.path.endswith(".whl"):
            return super().do_GET()
        asked.add(self.path)
        with open(self.translate_path(self.path), "rb") as file:
            content = file.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:len(content) // 2])
handler = functools.partial(Handler, directory="/srv/halves")
http.server.ThreadingHTTPServer(("127.0.0.1", 8098), handler).serve_forever()
"""


@pytest.fixture
def shaky(host: Host) -> Iterator[str]:
    """Have such an index with uv and gunicorn; gives its URL."""
    host.check_output("rm -rf /srv/halves && mkdir /srv/halves")
    uv = yaml.safe_load(Path(__file__).parents[3].joinpath("roles/app/defaults/main.yml").read_text())["app_uv_version"]
    download = f"{PIP} download --quiet --dest /srv/halves uv=={uv} gunicorn==27.0.1"
    patiently(lambda: host.check_output(download))
    host.check_output(
        "cd /srv/halves && for file in *.whl; do name=simple/$(echo ${file%%-*} | tr _ -); mkdir -p $name;"
        ' mv $file $name; echo "<a href=$file>$file</a>" >$name/index.html; done'
    )
    host.check_output("systemd-run --quiet --unit=shaky python3 -c %s", SHAKY)
    host.check_output("timeout 60 sh -c 'until ss -Hlnt | grep -q 127.0.0.1:8098; do sleep 0.1; done'")
    yield "http://127.0.0.1:8098/simple"
    host.check_output("systemctl stop shaky.service; rm -r /srv/halves")


def test_transfer_that_breaks_off_is_begun_again(
    host: Host, converge: Any, released: Any, samples: Any, shaky: str
) -> None:
    samples.code("shaky", "shaky")
    host.check_output("rm -rf /opt/barehost/uv-*")
    outcome = converge([{"name": "shaky", "source": {"path": str(samples.folder / "shaky")}, "index": {"url": shaky}}])
    assert outcome.rc == 0, outcome
    version = released("shaky").run("/srv/shaky/current/.venv/bin/gunicorn --version").stdout
    assert version == "gunicorn (version 27.0.1)\n"
    asked = host.check_output("journalctl --unit=shaky --output=cat | grep -o '[a-z]*-[0-9].*whl' | sort | uniq -c")
    assert all(int(line.split()[0]) > 1 for line in asked.splitlines()), asked
    assert len(asked.splitlines()) == 2, asked


#: A build of Python for uv to fetch, of the files of Debian's own. Its number is one that no Debian has.
PACK = """
set -eu
own=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
rm -rf /srv/pythons; mkdir -p /srv/pythons/python/bin /srv/pythons/python/lib; cd /srv/pythons/python
cp "/usr/bin/$own" bin/python3.9
cp -r "/usr/lib/$own" lib/
rm "lib/$own/sitecustomize.py"
ln -s "$own" lib/python3.9
cd ..
tar -czf python.tar.gz python
sha256sum python.tar.gz | cut -d' ' -f1
"""


def test_uv_fetches_a_python_that_the_host_does_not_have(
    host: Host, converge: Any, released: Any, samples: Any, machine: Any
) -> None:
    samples.code("other", "other")
    app = {"name": "other", "source": {"path": str(samples.folder / "other")}, "python": "3.9"}
    outcome = converge([app], app_purge=True)
    assert outcome.rc != 0
    assert "app 'other': the host has no python3.9" in outcome.message
    assert "app_fetch_python: true" in outcome.message

    digest = host.check_output(PACK)
    about = {
        "name": "cpython",
        "arch": {"family": "x86_64", "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": 3,
        "minor": 9,
        "patch": 99,
        "prerelease": "",
        "variant": None,
        "build": "20260102",
        "url": "file:///srv/pythons/python.tar.gz",
    }
    downloads = samples.folder / "downloads.json"
    for told in ("0" * 64, digest):
        downloads.write_text(
            json.dumps({"cpython-3.9.99-linux-x86_64-gnu": {**about, "sha256": told}}), encoding="utf-8"
        )
        podman_ok("cp", str(downloads), f"{machine.container}:/srv/pythons/downloads.json")
        settings = 'python-downloads-json-url = "file:///srv/pythons/downloads.json"'
        host.check_output(f"mkdir -p /etc/uv && echo '{settings}' >/etc/uv/uv.toml")
        outcome = converge([app], app_fetch_python=True)
        assert (outcome.rc == 0) is (told == digest), outcome.message
        if outcome.rc:
            assert "app 'other': fetching Python 3.9 failed" in outcome.message
            assert "UV_PYTHON_INSTALL_MIRROR" in outcome.message
    assert released("other").answer() == "other"
    base = released("other").python("import sys; print(sys._base_executable)").stdout
    assert base.startswith("/opt/barehost/python/cpython-3.9.99-linux-x86_64-gnu/bin/python3.9")
    assert host.check_output("find /opt/barehost/python ! -user root") == ""
    assert converge([app]).changed == 0

    assert converge([{"name": "other", "state": "absent"}]).rc == 0
    host.check_output("rm -r /etc/uv /srv/pythons")
    assert not host.file("/opt/barehost/python").exists
