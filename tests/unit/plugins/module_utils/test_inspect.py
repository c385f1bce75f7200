# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.module_utils import _inspect, _inspect_units, _inspect_wordpress

SITES = "/etc/nginx/sites-enabled"
UNITS = "/etc/systemd/system"
PUBLIC = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
PRIVATE = "-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----\n"


def record(entry: str) -> dict[str, Any]:
    return {"entry": entry, "kind": "file"}


def test_units_that_start_with_the_host_are_to_run() -> None:
    published = {
        "gunicorn": {
            f"{UNITS}/gunicorn@.service": record(""),
            f"{UNITS}/multi-user.target.wants/gunicorn@util.service": record("util"),
            f"{UNITS}/sockets.target.wants/gunicorn@util.socket": record("util"),
            f"{UNITS}/gunicorn@util.service.d/barehost.conf": record("util"),
        },
        "wordpress": {f"{UNITS}/timers.target.wants/wordpress-cron@blog.timer": record("blog")},
    }
    assert _inspect.wanted_units(published) == {
        "gunicorn@util.service": "util",
        "gunicorn@util.socket": "util",
        "wordpress-cron@blog.timer": "blog",
    }
    assert _inspect.entries(published) == {"gunicorn": ["util"], "wordpress": ["blog"]}


NGINX = """
server {
    listen 80;
    server_name a.test b.test;
    location / { return 301 https://$host$request_uri; }
}
server {
    listen 443 ssl;
    server_name a.test b.test;
    ssl_certificate /etc/barehost/tls/main.pem;
    ssl_certificate_key /etc/barehost/tls/main.key;
}
"""
APACHE = "<VirtualHost *:80>\n    ServerName a.invalid\n    ServerAlias *.a.test b.test\n</VirtualHost>\n"


@pytest.mark.parametrize(
    ("text", "server", "domains", "certificate"),
    [
        (NGINX, "nginx", ["a.test", "b.test"], "/etc/barehost/tls/main.pem"),
        (NGINX.replace("/etc/barehost/tls/main.pem", '"/srv/a b.pem"'), "nginx", ["a.test", "b.test"], "/srv/a b.pem"),
        (APACHE, "apache", ["*.a.test", "b.test"], ""),
        ("", "nginx", [], ""),
    ],
)
def test_a_site_is_what_its_file_says(text: str, server: str, domains: list[str], certificate: str) -> None:
    wanted = {"served": bool(text), "domains": domains, "certificate": certificate}
    assert _inspect.read_site(text, server) == wanted


def test_sites_are_those_that_are_switched_on(tmp_path: Path) -> None:
    folder = tmp_path / "sites-enabled"
    folder.mkdir()
    (folder / "main.conf").write_text(NGINX)
    paths = {str(folder / name): record(entry) for name, entry in (("main.conf", "main"), ("gone.conf", "gone"))}
    more = {str(folder / "000-unknown-hosts"): record(""), str(tmp_path / "sites-available/main.conf"): record("main")}
    found = {site["name"]: site["served"] for site in _inspect.sites({"nginx": paths | more})}
    assert found == {"main": True, "gone": False}


def test_of_a_file_with_a_key_only_the_certificates_are_told(tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls/main.pem").write_text(PRIVATE + PUBLIC + PUBLIC)
    (tmp_path / "tls/key.pem").write_text(PRIVATE)
    (tmp_path / "authority.pem").write_text(PUBLIC)
    (tmp_path / "authority.key").write_text(PRIVATE)
    served = [
        {"name": "main", "certificate": str(tmp_path / "tls/main.pem")},
        {"name": "other", "certificate": str(tmp_path / "gone.pem")},
        {"name": "plain", "certificate": ""},
    ]
    found = {one["site"]: one for one in _inspect.certificates(served, tmp_path)}
    assert found.keys() == {"main", "key", "other", ""}
    assert found["main"]["pem"] == PUBLIC + PUBLIC
    assert found["other"]["fault"] == "No such file or directory"
    assert found["key"] == {
        "site": "key",
        "path": str(tmp_path / "tls/key.pem"),
        "pem": "",
        "fault": "no certificate is in it",
    }
    assert "hush" not in json.dumps(found)


def test_a_host_without_certificates_has_none(tmp_path: Path) -> None:
    assert _inspect.certificates([], tmp_path / "nothing") == []


def test_apps_are_those_that_were_released_and_those_that_run(tmp_path: Path) -> None:
    state, root = tmp_path / "state", tmp_path / "srv"
    (state / "apps").mkdir(parents=True)
    (state / "apps/util").write_text("gunicorn@util.service\n")
    (state / "apps/pages").write_text("\n")
    release = root / "util/releases/20261120T000000Z-0123abcd"
    release.mkdir(parents=True)
    fields = {"id": release.name, "app": "util", "digest": "0", "created": "2026-11-20T00:00:00Z", "manifest": []}
    source = {"source": "git https://anna:hush@git.test/util", "version": "0123"}
    (release / ".release.json").write_text(json.dumps(fields | source))
    (root / "util/current").symlink_to(f"releases/{release.name}")
    wants = f"{UNITS}/multi-user.target.wants"
    published = {
        "gunicorn": {f"{wants}/gunicorn@util.service": record("util"), "/etc/gunicorn/kept.conf.py": record("kept")},
        "uwsgi": {f"{wants}/uwsgi@own.service": record("own")},
        "supervisor": {"/etc/supervisor/conf.d/kept.conf": record("kept")},
    }
    found = {app["name"]: app for app in _inspect.apps(published, state, root)}
    units = {name: (app["unit"], app["server"], app["released"]) for name, app in found.items()}
    assert units == {
        "util": ("gunicorn@util.service", "gunicorn", True),
        "pages": ("", "", True),
        "kept": ("kept.program", "gunicorn", False),
        "own": ("uwsgi@own.service", "uwsgi", False),
    }
    assert (found["util"]["release"], found["util"]["version"]) == (release.name, "0123")
    assert found["pages"]["release"] == ""
    assert "hush" not in json.dumps(found)


def test_each_file_system_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (found,) = _inspect.disks([str(tmp_path), str(tmp_path / "below"), str(tmp_path / "nothing")])
    assert found["path"] == str(tmp_path)
    assert found["used"] > 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("Sat 2026-11-21 02:40:22 UTC", 1795228822), ("", None), ("n/a", None), ("0", None)],
)
def test_times_of_systemd_are_read(text: str, seconds: int | None) -> None:
    assert _inspect_units.moment(text) == seconds


def test_what_systemd_shows_is_read_without_its_commands() -> None:
    shown = (
        "Id=php_fpm@blog.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\n"
        "NRestarts=2\nControlGroup=/a/b\nActiveEnterTimestamp=\n"
        "ExecStart={ path=/usr/sbin/php-fpm8.4 ; argv[]=/usr/sbin/php-fpm8.4 --hush=1 }\n"
    )
    found = _inspect_units.read(shown)
    assert found["php"] == "8.4"
    assert (found["active"], found["result"], found["restarts"], found["since"]) == ("failed", "exit-code", 2, None)
    assert "hush" not in json.dumps(found)


@pytest.mark.parametrize(
    ("state", "active", "load"),
    [
        ("RUNNING", "active", "loaded"),
        ("STARTING", "activating", "loaded"),
        ("FATAL", "failed", "loaded"),
        ("BACKOFF", "failed", "loaded"),
        ("STOPPED", "inactive", "loaded"),
        ("", "inactive", "not-found"),
    ],
)
def test_states_of_supervisord_are_said_in_words_of_systemd(state: str, active: str, load: str) -> None:
    found = _inspect_units.in_words_of_systemd(state)
    assert (found["active"], found["load"]) == (active, load)


def test_the_latest_archive_is_the_backup(tmp_path: Path) -> None:
    names = ("20261118T000000Z", "20261119T000000Z-scheduled", "20261120T000000Z-before-restore", "notes")
    for name in names:
        (tmp_path / f"{name}.tar.gz").write_bytes(b"12345")
    (tmp_path / ".unfinished-20261121T000000Z.tar.gz").touch()
    assert _inspect_wordpress.latest_archive(tmp_path) == {"archive": 1795046400, "archive_size": 5}
    assert _inspect_wordpress.latest_archive(tmp_path / "nothing") == {"archive": None, "archive_size": 0}


def test_a_wordpress_is_told_with_what_is_not_finished(tmp_path: Path) -> None:
    code = tmp_path / "srv/blog/code/0123456789ab/wp-includes"
    code.mkdir(parents=True)
    (code / "version.php").write_text("$wp_version = '6.8';\n$wp_db_version = 60;\n")
    (tmp_path / "srv/blog/code/current").symlink_to("0123456789ab")
    for path in ("var/lib/barehost/wordpress/blog", "var/lib/barehost/restore/news.json"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    news, blog = _inspect_wordpress.installations(["news", "blog"], tmp_path)[::-1]
    assert (blog["version"], blog["code"], blog["tables_wanted"]) == ("6.8", "0123456789ab", 60)
    assert (blog["begun"], blog["restoring"]) == (True, False)
    assert (news["version"], news["begun"], news["restoring"]) == ("", False, True)
