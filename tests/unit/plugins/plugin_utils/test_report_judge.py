# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of a host needs attention."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils import _report_certificates
from ansible_collections.barehost.web.plugins.plugin_utils._report import Certificate, Host
from ansible_collections.barehost.web.plugins.plugin_utils._report_judge import Limits, Model, judged, model_of

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
HOUR, DAY = 3600, 86400
GIB = 1 << 30


def unit(active: str = "active", **more: Any) -> dict[str, Any]:
    usual = {"load": "loaded", "sub": "", "result": "success", "restarts": 0, "since": 0, "last": None, "next": None}
    return {**usual, "php": "", "memory": 0, "active": active, **more}


def facts(**more: Any) -> dict[str, Any]:
    """What a good host says: a site, an app, a WordPress with backups."""
    now = NOW.timestamp()
    return {
        "now": now,
        "system": "Debian GNU/Linux 13 (trixie)",
        "uptime": 3.5 * DAY,
        "entries": {"nginx": ["main"], "gunicorn": ["util"], "wordpress": ["blog"]},
        "sites": [
            {"name": "main", "server": "nginx", "served": True, "domains": ["a.test", "b.test"], "certificate": ""}
        ],
        "certificates": [],
        "apps": [
            {
                "name": "util",
                "unit": "gunicorn@util.service",
                "server": "gunicorn",
                "server_version": "27.0.1",
                "released": True,
                "release": "20261120T000000Z-0123abcd",
                "source": "git https://git.test/util.git",
                "version": "0123456789" * 4,
                "created": "",
            }
        ],
        "wordpress": [
            {
                "name": "blog",
                "code": "wordpress",
                "version": "6.8",
                "tables_wanted": 60,
                "tables": 60,
                "begun": False,
                "restoring": False,
                "archive": now - 2 * HOUR,
                "archive_size": 5,
            }
        ],
        "wanted": {
            "nginx.service": "",
            "mariadb.service": "",
            "supervisor.service": "",
            "gunicorn@util.service": "util",
            "gunicorn@util.socket": "util",
            "php_fpm@blog.service": "blog",
            "wordpress-backup@blog.timer": "blog",
        },
        "units": {
            "nginx.service": unit(memory=7 << 20),
            "mariadb.service": unit(memory=90 << 20),
            "supervisor.service": unit(memory=20 << 20),
            "gunicorn@util.service": unit(memory=30 << 20),
            "gunicorn@util.socket": unit(),
            "php_fpm@blog.service": unit(memory=50 << 20, php="8.4"),
            "wordpress-backup@blog.timer": unit(last=now - 2 * HOUR - 5, next=now + 22 * HOUR),
            "wordpress-backup@blog.service": unit("inactive"),
        },
        "failed": [],
        "owed": {},
        "versions": {"nginx": "1.26.3-3", "mariadb-server": "1:11.8.3-1", "supervisor": "4.2.5-3"},
        "disks": [{"path": "/", "used": 10 * GIB, "free": 90 * GIB, "files": 1000, "files_free": 9000}],
        **more,
    }


def with_units(**changed: Any) -> dict[str, Any]:
    """The same, with changes of units; ``_`` stands for what a keyword cannot have."""
    units = facts()["units"]
    for name, change in changed.items():
        full = next(one for one in units if one.replace("@", "_").replace(".", "_").replace("-", "_") == name)
        units[full] = {**units[full], **change}
    return facts(units=units)


def with_worker(**changed: Any) -> dict[str, Any]:
    name = "worker-util.mail@2.service"
    known = facts()
    return facts(wanted={**known["wanted"], name: "util"}, units={**known["units"], name: unit(**changed)})


def with_wordpress(**more: Any) -> dict[str, Any]:
    return facts(wordpress=[{**facts()["wordpress"][0], **more}])


def with_app(**more: Any) -> dict[str, Any]:
    return facts(apps=[{**facts()["apps"][0], **more}])


def with_site(**more: Any) -> dict[str, Any]:
    return facts(sites=[{**facts()["sites"][0], **more}])


SITE = {"name": "main", "domains": ["a.test"], "routes": [{"path": "/", "app": "util"}]}
APP = {"name": "util", "wsgi": "wsgi:app", "source": {"path": "x"}}
BLOG: dict[str, Any] = {"name": "blog", "admin": {"email": "a@a.test"}, "backup": {"schedule": "daily"}}
MODEL: dict[str, Any] = {"web_sites": [SITE], "web_apps": [APP], "web_wordpress": [BLOG]}


def judge(given: dict[str, Any], model: dict[str, Any] | None = None, **limits: int) -> Host:
    return judged("web1", given, Model() if model is None else model_of(model), Limits(**limits), NOW)


def said(host: Host) -> list[str]:
    return [f"{finding.subject}: {finding.reason}" for finding in host.attention()]


def notes(host: Host) -> list[str]:
    return [f"{note.subject}: {note.reason}" for note in host.notes]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(), []),
        (Limits(0, 1, 0), []),
        (Limits(disk=100), []),
        (
            Limits(-1, 101, -2),
            [
                "report_days: is -1; the least is 0",
                "report_disk: is 101; the least is 1, the most is 100",
                "report_backup_days: is -2; the least is 0",
            ],
        ),
        (Limits(disk=0), ["report_disk: is 0; the least is 1, the most is 100"]),
    ],
)
def test_limits_mean_something(limits: Limits, expected: list[str]) -> None:
    assert [str(problem) for problem in limits.problems()] == expected


@pytest.mark.parametrize("model", [None, MODEL])
def test_a_good_host_needs_nothing(model: dict[str, Any] | None) -> None:
    host = judge(facts(), model)
    assert said(host) == []
    assert notes(host) == []
    rows = {f"{one.kind} {one.name}": (one.unit, one.state, one.version, one.memory) for one in host.services}
    assert rows == {
        "site main": ("nginx.service", "running", "nginx 1.26.3-3", 7 << 20),
        "app util": (
            "gunicorn@util.service",
            "running",
            "20261120T000000Z-0123abcd (012345678901), gunicorn 27.0.1",
            30 << 20,
        ),
        "WordPress blog": (
            "php_fpm@blog.service",
            "running",
            "WordPress 6.8, PHP 8.4, backup of 2026-11-21",
            50 << 20,
        ),
        "server mariadb": ("mariadb.service", "running", "MariaDB 11.8.3-1", 90 << 20),
        "server supervisor": ("supervisor.service", "running", "supervisord 4.2.5-3", 20 << 20),
    }
    assert [(one.unit, one.last) for one in host.timers] == [("wordpress-backup@blog.timer", "2026-11-21 00:59 UTC")]


def test_each_process_of_a_worker_has_a_row() -> None:
    host = judge(with_worker(memory=5 << 20))
    (row,) = [one for one in host.services if one.kind == "worker"]
    assert (row.name, row.unit, row.state, row.memory) == (
        "util.mail@2",
        "worker-util.mail@2.service",
        "running",
        5 << 20,
    )
    assert said(host) == []
    broken = judge(with_worker(active="activating", sub="auto-restart"))
    assert said(broken) == ["worker-util.mail@2.service: ends as soon as it is started"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (with_units(gunicorn_util_service=unit("failed", result="exit-code")), "has failed (exit-code)"),
        (with_units(gunicorn_util_service=unit("inactive")), "does not run"),
        (with_units(gunicorn_util_service=unit("activating", sub="auto-restart")), "ends as soon as it is started"),
        (
            with_units(gunicorn_util_service=unit("activating", sub="start", restarts=5)),
            "ends as soon as it is started",
        ),
        (with_units(gunicorn_util_service=unit("inactive", load="not-found")), "is not on the host"),
        (with_units(gunicorn_util_service=unit("activating", sub="start")), None),
        (with_units(gunicorn_util_service=unit("reloading")), None),
    ],
)
def test_a_unit_that_does_not_run_is_named_once(given: dict[str, Any], expected: str | None) -> None:
    host = judge(given)
    assert said(host) == ([f"gunicorn@util.service: {expected}"] if expected else [])
    assert all("journalctl --unit=gunicorn@util.service" in finding.way_out for finding in host.attention())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (with_units(nginx_service=unit("inactive")), ["nginx.service: does not run"]),
        (with_units(mariadb_service=unit("failed", result="oom-kill")), ["mariadb.service: has failed (oom-kill)"]),
        (with_units(gunicorn_util_socket=unit("inactive")), ["gunicorn@util.socket: does not run"]),
        (with_units(wordpress_backup_blog_timer=unit("inactive")), ["wordpress-backup@blog.timer: does not run"]),
        (
            with_units(wordpress_backup_blog_service=unit("failed", result="exit-code")),
            ["wordpress-backup@blog.timer: what it starts has failed (exit-code)"],
        ),
        (
            with_units(wordpress_backup_blog_service=unit("inactive", result="timeout")),
            ["wordpress-backup@blog.timer: what it starts has failed (timeout)"],
        ),
        (facts(owed={"nginx.service": "reload"}), ["nginx.service: has still to reload for what a run has changed"]),
        (with_app(release=""), ["app util: has no release"]),
        (with_app(release="", released=False), []),
        (with_site(served=False), ["site main: its file in sites-enabled is gone"]),
        (with_wordpress(begun=True), ["WordPress blog: its installation was begun and is not finished"]),
        (with_wordpress(restoring=True), ["WordPress blog: a restore was begun and is not finished"]),
        (
            with_wordpress(tables=59),
            ["WordPress blog: its update to 6.8 is not finished: its tables are of version 59, and the code wants 60"],
        ),
        (with_wordpress(tables=0), []),
        (with_wordpress(version=""), ["WordPress blog: has no code"]),
        (
            with_wordpress(archive=NOW.timestamp() - 26 * HOUR),
            ["wordpress-backup@blog.timer: there is no backup since it went off on 2026-11-21 00:59 UTC"],
        ),
        (
            facts(disks=[{"path": "/srv", "used": 899, "free": 101, "files": 1, "files_free": 99}]),
            ["disk /srv: is 90 % full"],
        ),
        (facts(disks=[{"path": "/srv", "used": 89, "free": 11, "files": 1, "files_free": 99}]), []),
        (
            facts(disks=[{"path": "/", "used": 1, "free": 9, "files": 99, "files_free": 1}]),
            ["disk /: has 99 % of its files"],
        ),
        (facts(disks=[{"path": "/", "used": 1, "free": 9, "files": 0, "files_free": 0}]), []),
    ],
)
def test_what_is_wrong_on_a_host_is_named(given: dict[str, Any], expected: list[str]) -> None:
    assert said(judge(given)) == expected


def test_a_backup_that_is_being_made_is_not_missed() -> None:
    given = with_units(wordpress_backup_blog_service=unit("activating", sub="start"))
    given["wordpress"][0]["archive"] = NOW.timestamp() - 26 * HOUR
    assert said(judge(given)) == []


def test_a_backup_of_the_very_second_of_its_timer_is_one() -> None:
    given = with_wordpress(archive=facts()["units"]["wordpress-backup@blog.timer"]["last"])
    assert said(judge(given)) == []


@pytest.mark.parametrize(("hours", "missed"), [(2, False), (30, True)])
def test_the_first_backup_is_waited_for(hours: int, missed: bool) -> None:
    given = with_units(wordpress_backup_blog_timer=unit(last=NOW.timestamp() - hours * HOUR))
    given["wordpress"][0]["archive"] = None
    assert bool(said(judge(given))) is missed


@pytest.mark.parametrize(
    ("archive", "expected"),
    [
        (NOW.timestamp() - 1.9 * DAY, []),
        (
            NOW.timestamp() - 2.1 * DAY,
            ["WordPress blog: the latest backup is of 2026-11-19, and there should be one of the last 2 days"],
        ),
        (None, ["WordPress blog: there is no backup, and there should be one of the last 2 days"]),
    ],
)
def test_backups_may_be_wanted_of_the_last_days(archive: float | None, expected: list[str]) -> None:
    given = with_wordpress(archive=archive)
    del given["wanted"]["wordpress-backup@blog.timer"]
    assert said(judge(given)) == []
    assert said(judge(given, backup_days=2)) == expected


def changed(key: str, **more: Any) -> dict[str, Any]:
    return {**MODEL, key: [{**MODEL[key][0], **more}]}


@pytest.mark.parametrize(
    ("given", "model", "expected"),
    [
        (
            facts(),
            {**MODEL, "web_sites": [SITE, {**SITE, "name": "shop", "domains": ["shop.test"]}]},
            ["site shop: the host does not serve it"],
        ),
        (facts(), changed("web_sites", domains=["a.test", "c.test"]), ["site main: the host does not serve c.test"]),
        (facts(), changed("web_sites", server="apache"), ["site main: is served by nginx, and not by apache"]),
        (
            facts(),
            changed("web_sites", tls={"mode": "self_signed"}),
            ["site main: the host does not serve it over https"],
        ),
        (
            facts(),
            {**MODEL, "web_apps": [APP, {**APP, "name": "shop"}]},
            ["app shop: has no release on this host"],
        ),
        (
            facts(),
            {**MODEL, "web_wordpress": [BLOG, {**BLOG, "name": "news"}]},
            ["WordPress news: is not on this host"],
        ),
        (
            facts(),
            changed("web_wordpress", source={"archive": "x", "checksum": f"sha256:{'AB' * 32}"}),
            ["WordPress blog: an update is pending: the model names another archive than the one that is live"],
        ),
        (
            with_wordpress(code="ab" * 6),
            changed("web_wordpress", source={"archive": "x", "checksum": f"sha256:{'AB' * 32}"}),
            [],
        ),
        (
            {**facts(), "wanted": {"php_fpm@blog.service": "blog"}},
            MODEL,
            ["WordPress blog: is not backed up, although the model wants it"],
        ),
        (
            facts(),
            {
                "web_sites": [SITE, {"name": "old", "state": "absent"}],
                **{k: MODEL[k] for k in MODEL if k != "web_sites"},
            },
            [],
        ),
    ],
)
def test_what_the_model_wants_and_the_host_has_not_is_named(
    given: dict[str, Any], model: dict[str, Any], expected: list[str]
) -> None:
    assert said(judge(given, model)) == expected


def test_what_is_left_over_is_a_note() -> None:
    certificate = {"site": "old", "path": "/etc/barehost/tls/old.pem", "pem": "", "fault": ""}
    model = {"web_sites": [{"name": "main", "state": "absent"}], "web_apps": [], "web_wordpress": [BLOG]}
    host = judge(facts(certificates=[certificate]), model)
    assert notes(host) == [
        "site main: is to be absent, and is still on the host",
        "app util: is on the host, and the model does not mention it",
        "certificate old: is on the host, and no site needs it",
    ]
    assert notes(judge(facts(certificates=[certificate]))) == [], "without a model nothing is left over"
    assert notes(judge(facts(certificates=[certificate]), {"web_apps": []})) == [
        "app util: is on the host, and the model does not mention it"
    ], "sites may be in the variables of a role"


def test_accidents_and_others_failures_are_notes() -> None:
    given = with_units(gunicorn_util_service=unit(restarts=3)) | {"failed": ["nginx.service", "foreign.service"]}
    host = judge(given)
    assert said(host) == []
    assert notes(host) == [
        "foreign.service: has failed, which is not of this collection",
        "gunicorn@util.service: has ended 3 times by accident since it was started, and runs again",
    ]


def bare() -> dict[str, Any]:
    empty: dict[str, Any] = {key: [] for key in ("sites", "certificates", "apps", "wordpress")}
    return facts(entries={}, wanted={}, units={}, versions={}, **empty)


@pytest.mark.parametrize(
    ("model", "needed"), [(None, False), ({"web_sites": []}, False), (MODEL, True), ({"web_apps": [APP]}, True)]
)
def test_a_bare_host_is_told_in_one_line(model: dict[str, Any] | None, needed: bool) -> None:
    host = judge(bare(), model)
    line = ["host: nothing of barehost.web is on this host yet"]
    assert (said(host), notes(host)) == ((line, []) if needed else ([], line))
    assert host.services == ()


def test_an_app_under_supervisord_is_one_like_others() -> None:
    given = with_app(unit="util.program")
    given["units"]["util.program"] = unit("failed", result="fatal")
    assert said(judge(given))[0] == "util.program: has failed (fatal)"
    assert "supervisorctl tail util" in judge(given).attention()[0].way_out


@pytest.mark.parametrize(
    ("version", "written"),
    [("v1.4.2", "r (v1.4.2), gunicorn 27.0.1"), ("sha256:0123", "r, gunicorn 27.0.1"), ("", "r, gunicorn 27.0.1")],
)
def test_the_version_of_an_app_is_one_for_people(version: str, written: str) -> None:
    (row,) = [one for one in judge(with_app(version=version, release="r")).services if one.kind == "app"]
    assert row.version == written


def test_an_app_without_a_process_is_released() -> None:
    given = with_app(unit="", server="", server_version="")
    (row,) = [one for one in judge(given).services if one.kind == "app"]
    assert (row.state, row.version, row.memory) == ("released", "20261120T000000Z-0123abcd (012345678901)", None)


@pytest.mark.parametrize(
    ("model", "domains", "modes"),
    [
        (None, {"main": ["a.test", "b.test"]}, {}),
        (changed("web_sites", tls={"mode": "acme"}), {"main": ["a.test"]}, {"main": "acme"}),
        ({"web_sites": [{"name": "main", "state": "absent"}]}, {"main": ["a.test", "b.test"]}, {}),
    ],
)
def test_a_certificate_is_judged_by_the_model_or_else_by_what_is_served(
    monkeypatch: pytest.MonkeyPatch, model: dict[str, Any] | None, domains: object, modes: object
) -> None:
    asked: list[tuple[object, object]] = []

    def record(_facts: object, *wanted: object, **_limits: object) -> list[Certificate]:
        asked.append((wanted[0], wanted[1]))
        return []

    monkeypatch.setattr(_report_certificates, "judged", record)
    judge(facts(), model)
    assert asked == [(domains, modes)]
