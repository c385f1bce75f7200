# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""WordPress entries: their addresses, what other roles get of them, and their mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils import _wordpress
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems

ADMIN = {"email": "anna@example.test"}
RAIN, SUM = "https://example.test/rain.zip", f"sha256:{'0' * 64}"
ARCHIVE = {"archive": RAIN, "checksum": SUM}


def site(*routes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "main", "domains": ["*.example.test", "example.test", "b.test"], "routes": [*routes], **more}


def blog(**more: Any) -> dict[str, Any]:
    return {"name": "blog", "admin": ADMIN, **more}


@pytest.mark.parametrize(
    ("path", "more", "expected"),
    [
        ("/", {}, "http://example.test"),
        ("/blog", {}, "http://example.test/blog"),
        ("/blog/", {}, "http://example.test/blog"),
        ("/blog", {"listen": ["8080", "80"]}, "http://example.test:8080/blog"),
        ("/blog", {"listen": ["127.0.0.1:80"]}, "http://example.test/blog"),
        ("/blog", {"domains": ["*.example.test"]}, "http://localhost/blog"),
        ("/blog", {"tls": {"mode": "none"}}, "http://example.test/blog"),
        ("/blog", {"tls": {"mode": "self_signed"}}, "https://example.test/blog"),
        ("/", {"tls": {"mode": "self_signed", "listen": ["8443"]}}, "https://example.test:8443"),
        ("/blog", {"state": "absent"}, ""),
    ],
)
def test_address_follows_from_the_route(path: str, more: dict[str, Any], expected: str) -> None:
    (entry,) = _wordpress.mounted([blog()], [site({"path": path, "wordpress": "blog"}, **more)])
    assert entry["url"] == expected


def test_address_that_is_given_stays() -> None:
    given = blog(url="https://other.test")
    (entry,) = _wordpress.mounted([given], [site({"path": "/blog", "wordpress": "blog"})])
    assert entry["url"] == "https://other.test"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://example.test", ""),
        ("http://example.test/", ""),
        ("http://example.test/blog", "/blog"),
        ("http://example.test/a/b/", "/a/b"),
    ],
)
def test_path_of_an_address(url: str, path: str) -> None:
    assert _wordpress.path_of(url) == path


def test_other_roles_get_their_part() -> None:
    entries = [
        blog(url="http://example.test/blog", memory_limit="512M", upload_max="1G"),
        {"name": "old", "state": "absent"},
    ]
    pool, gone = _wordpress.pools(entries)
    assert (pool["name"], pool["user"], pool["memory_limit"]) == ("blog", "blog", "512M")
    assert gone == {"name": "old", "state": "absent", "user": "old"}
    assert _wordpress.databases(entries) == [{"name": "blog", "state": "present"}, {"name": "old", "state": "absent"}]
    (served,) = _wordpress.served(entries)
    assert (served["address"], served["body"]) == ("unix:/run/php_fpm/blog.sock", "1026m")


@pytest.mark.parametrize(("size", "body"), [("64M", "66m"), ("2G", "2050m"), ("512K", "3m")])
def test_form_is_larger_than_its_file(size: str, body: str) -> None:
    (served,) = _wordpress.served([blog(upload_max=size)])
    assert served["body"] == body


def test_everything_of_an_installation_is_its_entrys() -> None:
    plan = _wordpress.plan([blog(url="http://example.test/blog"), {"name": "old", "state": "absent"}])
    own = [item for kind in ("files", "links") for item in plan["parts"][kind] if item.get("entry") == "blog"]
    assert {"/etc/wordpress/blog.php", "/srv/blog/web/blog"} <= {item["dest"] for item in own}
    assert plan["parts"]["entries"] == ["blog", "old"]
    assert plan["installations"][1] == {"name": "old", "state": "absent"}
    assert "password" not in str(plan["parts"])


def test_timer_of_backups_is_there_for_those_that_want_one() -> None:
    wanted = blog(url="http://example.test", backup={"schedule": "Mon 04:00"})
    plan = _wordpress.plan([wanted, {**wanted, "name": "shop", "backup": None}])
    about = [item for kind in ("files", "links") for item in plan["parts"][kind] if "backup@" in item["dest"]]
    assert {item.get("entry", "") for item in about} == {"", "blog"}
    assert [unit["name"] for unit in plan["units"] if "backup" in unit["name"]] == ["wordpress-backup@blog.timer"]
    given = next(
        item["vars"]["wordpress"]["backup"] for item in about if item["dest"].endswith("timer.d/barehost.conf")
    )
    assert given == {"schedule": "Mon 04:00", "keep": 7}


def test_nothing_is_needed_without_installations() -> None:
    plan = _wordpress.plan([{"name": "old", "state": "absent"}])
    assert (plan["packages"], plan["parts"]["files"], plan["units"]) == ([], [], [])
    assert plan["accounts"] == {"users": [], "directories": []}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"admin": None}, "web_wordpress[0].admin: is missing"),
        ({"admin": {"email": "anna"}}, "web_wordpress[0].admin.email: 'anna' is no e-mail address"),
        ({"admin": {}}, "web_wordpress[0].admin.email: is missing"),
        ({"admin": {**ADMIN, "user": "a<b"}}, "web_wordpress[0].admin.user: 'a<b' is no name for a user"),
        ({"admin": {**ADMIN, "password": "secret"}}, "web_wordpress[0].admin.password: has 6 characters"),
        ({"language": "de"}, "web_wordpress[0].language: no language 'de'"),
        ({"timezone": "Mars/Olympus"}, "web_wordpress[0].timezone: no time zone 'Mars/Olympus'"),
        ({"permalinks": "/%year%/"}, "web_wordpress[0].permalinks: '/%year%/' does not tell one post from another"),
        ({"theme": "../x"}, "web_wordpress[0].theme: '../x' is no name of a folder"),
        ({"plugins": [{"name": "a b"}]}, "web_wordpress[0].plugins[0].name: 'a b' is no name of a folder"),
        ({"plugins": ["akismet"]}, "web_wordpress[0].plugins[0]: "),
        (
            {"plugins": [{"name": "rain", **ARCHIVE, "package": "x-y"}]},
            "web_wordpress[0].plugins[0]: has archive and package",
        ),
        ({"plugins": [{"name": "rain", "archive": RAIN}]}, "web_wordpress[0].plugins[0].checksum: is missing"),
        ({"plugins": [{"name": "rain", "checksum": SUM}]}, "web_wordpress[0].plugins[0].checksum: belongs to archive"),
        (
            {"plugins": [{"name": "rain"}, {"name": "rain"}]},
            "web_wordpress[0].plugins[1].name: 'rain' is web_wordpress[0].plugi",
        ),
        (
            {"plugins": [{"name": "rain", "package": "Rain!"}]},
            "web_wordpress[0].plugins[0].package: 'Rain!' is no name of a",
        ),
        (
            {"plugins": [{"name": "rain", "archive": "rain.rar", "checksum": SUM}]},
            "web_wordpress[0].plugins[0].archive: 'rain.rar' is of no known kind",
        ),
        ({"themes": [{"name": "dunes"}]}, "web_wordpress[0].themes[0]: has none of archive and package"),
        (
            {"themes": [{"name": "dunes", "archive": "dunes.zip", "checksum": SUM}]},
            "web_wordpress[0].themes[0].archive: there is no file 'dunes.zip' on the control node",
        ),
        ({"source": {"archive": RAIN}}, "web_wordpress[0].source.checksum: is missing"),
        ({"source": {"checksum": SUM}}, "web_wordpress[0].source.archive: is missing"),
        (
            {"source": {"archive": RAIN, "checksum": "md5:1"}},
            "web_wordpress[0].source.checksum: checksums of kind 'md5'",
        ),
        ({"source": ARCHIVE, "language": "deutsch"}, "web_wordpress[0].language: 'deutsch' is no language"),
        ({"upload_max": "64"}, "web_wordpress[0].upload_max: '64' is not a size"),
        ({"url": "example.test"}, "web_wordpress[0].url: 'example.test' does not begin with"),
        (
            {"url": "http://example.test/?p=1"},
            "web_wordpress[0].url: 'http://example.test/?p=1' is more than an address",
        ),
        ({"cron": 0}, "web_wordpress[0].cron: is 0"),
        ({"backup": {}}, "web_wordpress[0].backup.schedule: is missing"),
        (
            {"backup": {"schedule": "nightly"}},
            "web_wordpress[0].backup.schedule: 'nightly' is no calendar event; write 'daily'",
        ),
        ({"backup": {"schedule": "daily", "keep": 0}}, "web_wordpress[0].backup.keep: is 0; the least is 1"),
        ({"name": "Blog"}, "web_wordpress[0].name: "),
        ({"titel": "x"}, "web_wordpress[0].titel: "),
    ],
)
def test_mistake_in_an_entry_has_its_message(entry: dict[str, Any], message: str) -> None:
    found = [str(problem) for problem in problems({"web_wordpress": [blog() | entry]}, [Path("/nowhere")])]
    assert len(found) == 1, found
    assert found[0].startswith(message)


def test_archive_may_be_in_any_language() -> None:
    assert problems({"web_wordpress": [blog(source=ARCHIVE, language="de_DE_formal", url="http://b.test")]}) == []


@pytest.mark.parametrize(
    ("entries", "packages"),
    [
        ([], []),
        ([{"name": "old", "state": "absent"}], []),
        ([blog(source=ARCHIVE)], ["php-fpm", "php-cli"]),
        ([blog(source=ARCHIVE), {**blog(), "name": "notes"}], list(_wordpress._PACKAGES)),
        (
            [blog(source=ARCHIVE, themes=[{"name": "x", "package": "wordpress-theme-x"}])],
            [*_wordpress._PACKAGES, "wordpress-theme-x"],
        ),
    ],
)
def test_packages_are_those_that_somebody_needs(entries: list[dict[str, Any]], packages: list[str]) -> None:
    assert _wordpress.plan(entries)["packages"] == packages


def test_code_of_an_installation_is_told_to_the_host() -> None:
    entry = blog(url="http://b.test", source=ARCHIVE, plugins=[{"name": "akismet"}, {"name": "rain", **ARCHIVE}])
    plan = _wordpress.plan([entry, {"name": "old", "state": "absent"}])
    (code,) = plan["code"]
    assert code["source"] == ARCHIVE
    assert code["plugins"] == [
        {"name": "akismet", "source": None, "package": False},
        {"name": "rain", "source": ARCHIVE, "package": False},
    ]
    wanted = plan["installations"][0]
    assert (wanted["plugins"], wanted["digest"]) == (["akismet", "rain"], "0" * 64)
    assert wanted["added"] == {"plugins": {"rain": "0" * 64}, "themes": {}}
    assert _wordpress.pools([entry])[0]["binds"] == []
    assert _wordpress.pools([blog()])[0]["binds"] == ["/etc/wordpress/blog.php:/usr/share/wordpress/wp-config.php"]


@pytest.mark.parametrize(
    ("routes", "entries", "message"),
    [
        (["blog"], [], "web_sites[0].routes[0].wordpress: no WordPress named 'blog'"),
        (
            ["blgo"],
            [blog(url="http://b.test")],
            "web_sites[0].routes[0].wordpress: no WordPress named 'blgo'; did you mean 'blog'?",
        ),
        (
            ["blog"],
            [{"name": "blog", "state": "absent"}],
            "web_sites[0].routes[0].wordpress: WordPress 'blog' is to be removed",
        ),
        (["blog", "blog"], [blog()], "web_sites[0].routes[1].wordpress: WordPress 'blog' has a route already"),
    ],
)
def test_mistake_in_a_route_has_its_message(routes: list[str], entries: list[dict[str, Any]], message: str) -> None:
    sites = [site(*({"path": f"/{number}", "wordpress": name} for number, name in enumerate(routes)))]
    found = [str(problem) for problem in problems({"web_wordpress": entries, "web_sites": sites})]
    assert len(found) == 1, found
    assert found[0].startswith(message)


def test_installation_that_nothing_leads_to_has_no_address() -> None:
    model = {"web_wordpress": [blog(), {"name": "old", "state": "absent"}], "web_sites": []}
    (found,) = problems(model)
    assert str(found) == "web_wordpress[0]: no route leads to it; add a route with 'wordpress: blog'"
    assert problems({**model, "web_wordpress": [blog(url="http://example.test")]}) == []


def test_role_by_itself_needs_the_address() -> None:
    found = [str(problem) for problem in problems({"wordpress_installations": [blog()]})]
    assert [text.partition(":")[0] for text in found] == ["wordpress_installations[0].url"]


def test_apache_serves_no_wordpress() -> None:
    sites = [site({"path": "/", "wordpress": "blog"}, server="apache")]
    found = [str(problem) for problem in problems({"web_wordpress": [blog()], "web_sites": sites})]
    assert found[0].startswith("web_sites[0].routes[0].wordpress: is something that only nginx does")
