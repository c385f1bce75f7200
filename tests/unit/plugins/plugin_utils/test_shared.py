# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shared paths of apps in the model, routes that serve them, and links that web servers follow."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils import _apache, _nginx
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems

ROUTE = {"path": "/media", "static": "/srv/shop/current/media"}


def app(*shared: Any, **changes: Any) -> dict[str, Any]:
    return {"name": "shop", "source": {"path": "a"}, "wsgi": "wsgi:app", "shared": list(shared), **changes}


def mistakes(one: dict[str, Any], *routes: dict[str, Any]) -> list[str]:
    sites = [{"name": "main", "domains": ["a.test"], "routes": [*routes]}] if routes else []
    return [str(problem) for problem in problems({"web_apps": [one], "web_sites": sites})]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (app({}), "web_apps[0].shared[0].path: is missing"),
        (app("media"), "web_apps[0].shared[0]: must be a mapping"),
        (app({"path": ""}), "web_apps[0].shared[0].path: is empty; name a folder or a file of the release"),
        (app({"path": "/media"}), "web_apps[0].shared[0].path: '/media' is absolute; write it relative to the release"),
        (app({"path": "a/../b"}), "web_apps[0].shared[0].path: 'a/../b' has '.' or '..' in it; write the path out"),
        (app({"path": "a b"}), "web_apps[0].shared[0].path: 'a b' has a character that is not safe in a path"),
        (app({"path": ".venv/x"}), "web_apps[0].shared[0].path: '.venv/x' is what every release has of its own"),
        (app({"path": ".live"}), "web_apps[0].shared[0].path: '.live' is what every release has of its own"),
        (
            app({"path": "a", "type": "socket"}),
            "web_apps[0].shared[0].type: 'socket' is not one of its values; write directory or file",
        ),
        (
            app({"path": "a", "type": "file", "public": True}),
            "web_apps[0].shared[0].public: no route serves a single file; share the folder that it is in",
        ),
        (
            app({"path": "media"}, {"path": "media/"}),
            "web_apps[0].shared[1].path: 'media/' holds 'media' (web_apps[0].shared[0].path); keep one of them",
        ),
        (
            app({"path": "media"}, {"path": "media/a"}),
            "web_apps[0].shared[1].path: 'media/a' is in 'media' (web_apps[0].shared[0].path); keep one of them",
        ),
        (
            app({"path": "media/a"}, {"path": "media"}),
            "web_apps[0].shared[1].path: 'media' holds 'media/a' (web_apps[0].shared[0].path); keep one of them",
        ),
        (
            app({"path": "static"}, public=["static/"]),
            "web_apps[0].shared[0].path: 'static' is in 'public' as well (web_apps[0].public[0]); write 'public: true'",
        ),
        (
            app({"path": "static"}, public=["static/css"]),
            "web_apps[0].shared[0].path: 'static' holds 'static/css' (web_apps[0].public[0]); keep one of them",
        ),
        (
            app({"path": "media"}, server="none", wsgi=None),
            "web_apps[0].shared: an app without a server writes nothing; leave it out, and serve a folder of its own",
        ),
        (
            app({"path": "media"}, user="anna"),
            "web_apps[0].shared: belongs to the app's own user and not to 'anna'; leave out 'user', and 'shop' runs",
        ),
    ],
)
def test_mistake_has_its_message(entry: dict[str, Any], message: str) -> None:
    (found,) = mistakes(entry)
    assert found.startswith(message)


def test_good_paths_have_no_mistake() -> None:
    paths = [{"path": "media", "public": True}, {"path": "mediathek"}, {"path": "instance/site.db", "type": "file"}]
    assert mistakes(app(*paths, {"path": "static/uploads", "public": True}, public=["static"])) == []


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (app({"path": "media", "public": True}), []),
        (app({"path": "media/", "public": True}), []),
        (app({"path": "media"}), ["write 'public: true' there (web_apps[0].shared[0])"]),
        (app({"path": "mediathek", "public": True}), ["add 'media' to 'public' of the app (web_apps[0])"]),
        (app(public=["media"]), []),
    ],
)
def test_a_route_serves_what_is_public(entry: dict[str, Any], expected: list[str]) -> None:
    reason = "web_sites[0].routes[0].static: the web server cannot read '/srv/shop/current/media' of app 'shop'"
    assert mistakes(entry, ROUTE) == [f"{reason}; {way_out}" for way_out in expected]


def test_a_folder_that_is_called_nearly_so_is_another_one() -> None:
    route = {"path": "/a", "static": "/srv/shop/current/mediathek"}
    (found,) = mistakes(app({"path": "media", "public": True}), route)
    assert found.endswith("add 'mediathek' to 'public' of the app (web_apps[0])")


def test_a_folder_in_a_shared_one_is_as_public_as_that() -> None:
    route = {"path": "/a", "static": "/srv/shop/current/static/uploads/a"}
    entry = app({"path": "static/uploads"}, public=["static"])
    (found,) = mistakes(entry, route)
    assert found.endswith("write 'public: true' there (web_apps[0].shared[0])")


@pytest.mark.parametrize(
    ("folder", "is_app"),
    [
        ("/srv/shop/current/media", True),
        ("/srv/shop/current/media/", True),
        ("/srv/shop", False),
        ("/srv/other/current/media", False),
        ("/srv/www", False),
    ],
)
def test_a_link_that_an_app_could_have_made_leads_to_its_own_files_only(folder: str, is_app: bool) -> None:
    site = {"name": "main", "domains": ["a.test"], "routes": [{"path": "/a", "static": folder}]}
    apps = [{"name": "shop", "address": "unix:/run/gunicorn/shop.sock"}]
    location = _nginx.published([site], apps, ipv6=True)["files"][1]["vars"]["site"]["locations"][0]
    assert location["owned"] == is_app
    parts = _apache.published([{**site, "server": "apache"}], apps)["parts"]["files"]
    (route,) = next(file["vars"]["site"]["routes"] for file in parts if file.get("entry") == "main")
    assert route["owned"] == is_app
