# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Handing the roles their parts of the model."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._entries import addresses, part, select
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems

APPS = [
    {"name": "util", "source": {"path": "a"}, "wsgi": "wsgi:app", "processes": "4", "environment": {"A": 1}},
    {"name": "tcp", "source": {"path": "a"}, "wsgi": "wsgi:app", "bind": ":5000"},
    {"name": "own", "source": {"path": "a"}, "wsgi": "wsgi:app", "bind": "192.0.2.1:5000"},
    {"name": "front", "source": {"path": "a"}, "server": "none"},
    {"name": "old", "state": "absent"},
]
WELL = {"path": "/", "method": "GET", "status": 0, "host": "localhost", "timeout": 30}


def test_a_role_gets_the_keys_it_knows_with_defaults() -> None:
    assert select(APPS[:1], "app") == [
        {
            "name": "util",
            "state": "present",
            "server": "gunicorn",
            "manager": "systemd",
            "wsgi": "wsgi:app",
            "health": WELL,
            "source": {"path": "a", "subdirectory": ""},
            "python": "",
            "install": "auto",
            "requirements": [],
            "commands": [],
            "irreversible": False,
            "public": [],
            "environment": {"A": 1},
            "keep_releases": 5,
            "keep_assets": True,
            "shared": [],
            "user": "",
            "directory": "",
            "venv": "",
            "environment_file": "",
            "writable": [],
            "memory_deny_write_execute": True,
        }
    ]
    gunicorn = select(APPS[:1], "gunicorn")[0]
    assert (gunicorn["processes"], gunicorn["threads"], gunicorn["health"]) == (4, 1, WELL)
    assert "source" not in gunicorn
    assert "environment" not in gunicorn


def test_entries_can_be_chosen_by_state() -> None:
    assert [app["name"] for app in part(APPS, "app", "absent")] == ["old"]
    assert len(part(APPS, "app", "present")) == 4


def test_a_second_pass_changes_nothing() -> None:
    once = select(APPS, "gunicorn")
    assert select(once, "gunicorn") == once


def test_apps_with_a_server_have_an_address() -> None:
    assert {app["name"]: app["address"] for app in addresses(APPS)} == {
        "util": "unix:/run/gunicorn/util.sock",
        "tcp": "127.0.0.1:5000",
        "own": "192.0.2.1:5000",
    }
    assert addresses(APPS[:1])[0]["protocol"] == "http"


@pytest.mark.parametrize(
    ("app", "seconds"),
    [
        ({"threads": 4}, 60),
        ({"threads": 4, "keepalive": 20}, 5),
        ({"threads": 4, "keepalive": 15}, None),
        ({"threads": 4, "keepalive": 0}, None),
        ({"threads": 1}, None),
        ({"threads": 4, "server": "uwsgi"}, None),
        ({"threads": 1, "server": "mod_wsgi"}, 60),
    ],
)
def test_connections_are_kept_for_less_long_than_the_server_keeps_them(
    app: dict[str, object], seconds: int | None
) -> None:
    (address,) = addresses([{"name": "util", "wsgi": "a:b", **app}])
    assert address.get("keepalive") == seconds


def test_a_site_of_another_web_server_is_none_of_this_one() -> None:
    sites = [
        {"name": "a", "domains": ["a.test"], "routes": [{"path": "/", "proxy": "http://127.0.0.1:8080"}]},
        {"name": "b", "domains": ["b.test"], "server": "apache", "routes": [{"path": "/", "static": "/srv/b"}]},
    ]
    assert [(site["name"], site["state"]) for site in part(sites, "apache")] == [("a", "absent"), ("b", "present")]
    assert [(site["name"], site["server"]) for site in part(sites, "nginx")] == [("a", "nginx"), ("b", "apache")]
    sites[1]["listen"] = ["8080"]
    assert problems({"apache_sites": part(sites, "apache")}) == []
    assert problems({"nginx_sites": part(sites, "nginx")}) == []


def test_a_certificate_that_something_else_looks_after_is_none_of_ours() -> None:
    site = {"name": "a", "domains": ["a.test"], "routes": [{"path": "/", "static": "/srv/a"}]}
    tls = {"mode": "provided", "certificate_file": "/c.pem", "key_file": "/k.pem"}
    (entry,) = part([{**site, "tls": tls}], "certificates")
    assert not entry.get("tls")
    assert problems({"certificates_sites": [entry]}) == []
    assert part([{**site, "tls": tls}], "nginx")[0]["tls"]["certificate_file"] == "/c.pem"
