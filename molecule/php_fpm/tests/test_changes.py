# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change reaches the pool that it is about, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from testinfra.host import Host

TELL = "have the pools run"


def test_settings_reload_and_environment_restarts_one_pool_only(
    ask: Any, converge: Any, unit: Any, varied: Any, busy: Any
) -> None:
    other, master = unit("hello").master, unit("shop").master
    shop = {"settings": {"opcache.memory_consumption": 32}, "memory_limit": "200M", "timeout": 3}
    outcome = converge(varied(shop=shop))
    assert outcome.task(TELL).result["actions"] == ["reload php_fpm@shop.service"]
    settings = ask("shop", "settings").value
    assert (settings["opcache.memory_consumption"], settings["memory_limit"]) == ("32", "200M")
    assert unit("shop").master == master
    broken_off = ask("shop", "wait", seconds=20)
    assert broken_off.status != 200
    assert broken_off.seconds < 6 * busy()

    odd = 'a "b" \\c $HOME ${HOME} ;d #e'
    outcome = converge(varied(shop={**shop, "environment": {"SHOP_KEY": odd}}))
    assert outcome.task(TELL).result["actions"] == ["restart php_fpm@shop.service"]
    assert odd not in outcome.output
    assert ask("shop", "variable", path="SHOP_KEY").value == odd
    assert unit("shop").master != master
    assert unit("hello").master == other


def test_directive_that_is_unknown_is_refused_before_anything_changes(
    ask: Any, converge: Any, host: Host, masters: Any, varied: Any
) -> None:
    before, conf = masters(), host.file("/etc/php_fpm/shop.conf").content_string
    outcome = converge(varied(shop={"options": {"pm.max_spwan_rate": 5}}))
    assert outcome.rc != 0
    assert "unknown entry 'pm.max_spwan_rate'" in outcome.output
    assert "entry 'shop': /etc/php_fpm/shop.conf" in outcome.output
    assert host.file("/etc/php_fpm/shop.conf").content_string == conf
    assert masters() == before
    assert ask("shop", "who").status == 200


def test_package_that_the_host_cannot_have_is_named_before_anything_changes(
    converge: Any, host: Host, varied: Any
) -> None:
    old = {"name": "old", "php": "5.6", "extensions": ["mysqli"]}
    outcome = converge(varied(old, shop={"extensions": ["curl", "no_such"]}))
    assert outcome.rc != 0
    for said in (
        "pool 'old' wants PHP 5.6; leave out 'php'",
        "php5.6-mysql: ",
        "pool 'shop' wants extension 'no_such'",
    ):
        assert said in outcome.output
    assert not host.user("old").exists
    assert not host.file("/etc/php_fpm/old.conf").exists


def test_version_that_is_named_runs(ask: Any, converge: Any, varied: Any, version: str) -> None:
    outcome = converge(varied({"name": "named", "php": version, "extensions": ["curl"]}))
    assert outcome.rc == 0, outcome
    ask.place("named")
    assert ask("named", "version").value == version
    assert converge(varied({"name": "named", "php": version, "extensions": ["curl"]})).changed == 0


def test_pool_comes_and_goes_without_the_others_noticing(
    ask: Any, converge: Any, host: Host, masters: Any, varied: Any
) -> None:
    before = masters()
    second = {
        "name": "second",
        "user": "tenant",
        "writable": ["/srv/second/up"],
        "binds": ["/srv/seen:/opt", "/srv/seen/file:/srv/second/probe.txt"],
        "options": {"pm": "static"},
    }
    host.run("rm -r /srv/second; useradd --system --user-group tenant")
    ask.place("second", "tenant")
    host.check_output("mkdir -p /srv/second/up /srv/seen && echo seen > /srv/seen/file && chown tenant /srv/second/up")
    outcome = converge(varied(second))
    assert outcome.rc == 0, outcome
    assert ask("second", "who").value == "tenant"
    assert ask("second", "write", path="/srv/second/up/x").value == len("written\n")
    assert ask("second", "write", path="/srv/second/x").value is False
    for path in ("/opt/file", "/srv/second/probe.txt"):
        assert ask("second", "read", path=path).value == "seen\n"
    assert ask("second", "write", path="/opt/file").value is False
    assert not host.file("/opt/file").exists
    assert converge(varied({"name": "second", "user": "tenant", "state": "absent"})).rc == 0
    assert host.user("tenant").exists
    assert host.run("find /etc /run -name '*second*'").stdout == ""
    assert masters() == before


def test_pool_that_cannot_start_names_itself_and_heals(
    ask: Any, converge: Any, host: Host, unit: Any, varied: Any
) -> None:
    master = unit("hello").master
    outcome = converge(varied(shop={"binds": ["/srv/none:/opt"]}))
    assert outcome.rc != 0
    assert "entry 'shop': php_fpm@shop.service" in outcome.output
    # systemd names the place where it is to be seen.
    assert "/opt: No such file or directory" in outcome.output
    assert unit("hello").master == master
    assert ask("hello", "who").status == 200
    host.check_output("mkdir /srv/none")
    assert converge(varied(shop={"binds": ["/srv/none:/opt"]})).rc == 0
    assert ask("shop", "who").status == 200
    host.check_output("rmdir /srv/none")


def test_nothing_is_changed_by_a_look_at_what_would_come(converge: Any, host: Host, varied: Any) -> None:
    outcome = converge(varied({"name": "later", "environment": {"KEY": "to be hidden"}}), check=True)
    assert outcome.rc == 0, outcome
    assert "php_fpm@later.service" in outcome.output
    assert "to be hidden" not in outcome.output
    assert not host.user("later").exists
    assert host.run("find /etc -name '*later*'").stdout == ""
