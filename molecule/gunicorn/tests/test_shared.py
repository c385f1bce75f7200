# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What outlives a release: data that all releases share, and files for pages that were loaded before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from testbed.http import Http
    from testinfra.host import Host

SITE = "keeper.test"
#: Keeps what it is sent, and tells what it has.
WSGI = """
import pathlib

def app(environ, start_response):
    place = pathlib.Path(environ["PATH_INFO"].lstrip("/"))
    if environ["REQUEST_METHOD"] == "PUT":
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [place.read_bytes() if place.is_file() else b"{number}"]
"""
SHARED = [
    {"path": "media", "public": True},
    {"path": "private"},
    {"path": "instance/keeper.db", "type": "file"},
]


@pytest.fixture
def release(varied: Any, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Give the stack of the inventory and another app with some code of its own, behind a site of its own."""

    def model(number: int, files: Mapping[str, str], **changes: Any) -> dict[str, Any]:
        code = {"wsgi.py": WSGI.replace("{number}", str(number)), "media/.gitkeep": "", **files}
        for name, text in code.items():
            path = tmp_path / str(number) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        app = {
            "name": "keeper",
            "source": {"path": str(tmp_path / str(number))},
            "commands": ["sh -c 'echo made >> instance/keeper.db'"],
            "wsgi": "wsgi:app",
            "public": ["static"],
            "shared": SHARED,
            "keep_releases": 2,
            **changes,
        }
        routes = [{"path": "/", "app": "keeper"}]
        routes += [{"path": f"/{name}", "static": f"/srv/keeper/current/{name}"} for name in ("static", "media")]
        site = {"name": "keeper", "domains": [SITE], "routes": routes}
        process = {"name": "keeper", "wsgi": "wsgi:app", "processes": 1}
        return {
            **varied(app, key="app_apps"),
            **varied(process, key="gunicorn_apps"),
            **varied(site, key="nginx_sites"),
        }

    return model


def test_data_and_files_of_open_pages_outlive_a_release(
    converge: Any, host: Host, http: Http, release: Callable[..., dict[str, Any]]
) -> None:
    def get(path: str) -> tuple[int, str]:
        answer = http(path, host=SITE)
        return answer.status, answer.text

    first = release(1, {"static/app.1.css": "one", "static/same.css": "old", "static/old.html": "old"})
    outcome = converge(first)
    assert outcome.rc == 0, outcome
    for place, text in (("media/photo.txt", "photo"), ("media/deep/a.txt", "deep"), ("private/x", "hush")):
        # Past nginx, which serves the folder itself.
        assert http(f"/{place}", unix="/run/gunicorn/keeper.sock", method="PUT", body=text).text == text
    assert [get(f"/{place}") for place in ("media/photo.txt", "media/deep/a.txt")] == [(200, "photo"), (200, "deep")]
    assert get("/instance/keeper.db") == (200, "made\n")

    # Nobody but the web server gets to see more than before.
    for user, command, works in (
        ("www-data", "cat /srv/keeper/current/media/photo.txt", True),
        ("www-data", "cat /var/lib/keeper/shared/private/x", False),
        ("www-data", "ls /var/lib/keeper", False),
        ("www-data", "ls /srv/keeper/current/", False),
        ("www-data", "touch /var/lib/keeper/shared/media/x", False),
        ("nobody", "cat /var/lib/keeper/shared/media/photo.txt", False),
        ("hello", "cat /var/lib/keeper/shared/media/photo.txt", False),
        ("hello", "cat /srv/keeper/current/media/photo.txt", False),
    ):
        assert (host.run(f"runuser -u {user} -- {command}").rc == 0) is works, (user, command)

    # A link of the app leads to its own files, and not to what only the web server can read.
    link = "runuser -u keeper -- ln -s %s /var/lib/keeper/shared/media/%s"
    host.check_output("install -o www-data -m 400 /dev/null /srv/of-the-web-server")
    host.check_output(link, "/srv/of-the-web-server", "theirs.txt")
    host.check_output(link, "photo.txt", "own.txt")
    assert [get(f"/media/{name}")[0] for name in ("theirs.txt", "own.txt")] == [403, 200]
    host.check_output("rm /srv/of-the-web-server")

    second = release(2, {"static/app.2.css": "two", "static/same.css": "new"})
    with http.watch("/static/app.1.css", host=SITE) as styles, http.watch("/media/photo.txt", host=SITE) as photos:
        outcome = converge(second)
    assert outcome.rc == 0, outcome
    assert (styles.failures, photos.failures) == ([], [])
    assert get("/nothing") == (200, "2"), "the new release is live"
    assert get("/instance/keeper.db") == (200, "made\nmade\n")
    static = {name: get(f"/static/{name}")[1] for name in ("app.1.css", "app.2.css", "same.css")}
    assert static == {"app.1.css": "one", "app.2.css": "two", "same.css": "new"}
    assert get("/static/old.html")[0] == 404, "a page that was taken away is gone"
    assert converge(second).changed == 0

    before = host.check_output("readlink /srv/keeper/current")
    outcome = converge(release(3, {"static/app.3.css": "three", "media/own.png": "x"}))
    assert outcome.rc != 0
    reason = "'media' is in 'shared', and the code has it itself: a folder with 'own.png'."
    assert f"- app 'keeper': {reason}" in outcome.task("barehost.web.release").result["msg"]
    assert host.check_output("readlink /srv/keeper/current") == before

    gone = {"name": "keeper", "state": "absent"}
    without = {key: [*entries[:-1], gone] for key, entries in second.items()}
    assert converge(without).rc == 0
    assert host.check_output("stat -c '%U %a' /var/lib/keeper") == "root 700"
    assert host.check_output("cat /var/lib/keeper/shared/media/photo.txt") == "photo"
    assert host.run("runuser -u www-data -- cat /var/lib/keeper/shared/media/photo.txt").rc != 0

    # The app comes back, and somebody else has the number that its user had.
    host.check_output("useradd --system --no-create-home between")
    outcome = converge(second)
    host.check_output("userdel between")
    assert outcome.rc == 0, outcome
    assert [get(f"/{place}") for place in ("media/photo.txt", "media/deep/a.txt")] == [(200, "photo"), (200, "deep")]
    assert http("/media/new", unix="/run/gunicorn/keeper.sock", method="PUT", body="new").text == "new"
    assert get("/media/new") == (200, "new")

    # Folders that nobody has anything in are no data.
    host.check_output("find /var/lib/keeper -not -type d -delete")
    assert converge(without).rc == 0
    assert not host.file("/var/lib/keeper").exists
