# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes in pools of PHP processes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems


def mistakes(*pools: object) -> list[str]:
    return [str(problem) for problem in problems({"php_fpm_pools": list(pools)})]


def test_good_pools_have_no_mistake() -> None:
    full = {
        "name": "shop",
        "user": "www",
        "php": "8.2",
        "extensions": ["mysql", "pdo_sqlite"],
        "directory": "/srv/shop",
        "memory_limit": "-1",
        "memory_max": "50%",
        "upload_max": "64M",
        "slow_log": 5,
        "settings": {"date.timezone": "UTC", "opcache.enable": False, "precision": 14},
        "options": {"pm": "static", "pm.status_path": "/status"},
        "environment": {"KEY": 'a "b" ${c}'},
        "writable": ["/srv/shop/uploads"],
        "binds": ["/srv/a:/opt/a"],
    }
    assert mistakes({"name": "hello"}, full, {"name": "old", "state": "absent", "php": "x"}) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "global"}, "name: 'global' is the name of PHP-FPM's own section; take another name, such as 'main'"),
        ({"name": "mail"}, "name: 'mail' is a user or group of the system; take another name, such as 'mail-app'"),
        ({"php": "8"}, "php: '8' is not a version of PHP; write two numbers, such as '8.2'"),
        ({"php": "php8.2"}, "php: 'php8.2' is not a version of PHP; write two numbers, such as '8.2'"),
        ({"extensions": ["php8.2-gd"]}, "extensions[0]: 'php8.2-gd' is not the name of an extension; write 'gd'"),
        (
            {"extensions": ["-o x"]},
            "extensions[0]: '-o x' is not the name of an extension; write its name, such as 'mysql'",
        ),
        ({"user": "root"}, "user: an app must not run as root; leave it out for a user of the app's own"),
        (
            {"memory_limit": "256MB"},
            "memory_limit: '256MB' is not an amount of memory; write it with K, M or G, such as '256M'",
        ),
        (
            {"memory_max": "-1"},
            "memory_max: '-1' is not an amount of memory; write it with K, M, G or T, such as '512M'",
        ),
        ({"upload_max": "-1"}, "upload_max: '-1' is not an amount of memory; write it with K, M or G, such as '64M'"),
        ({"processes": 0}, "processes: is 0; the least is 1"),
        ({"timeout": 5, "slow_log": 5}, "slow_log: is 5; it must be below timeout, which is 5"),
        ({"writable": ["uploads"]}, "writable[0]: 'uploads' is not absolute; begin it with '/'"),
        (
            {"directory": "/tmp/shop"},
            "directory: '/tmp/shop' is in a folder of which the pool has its own; take a folder such as '/srv/www'",
        ),
        (
            {"binds": ["/srv/a"]},
            "binds[0]: '/srv/a' does not say what is seen where; write 'source:target', two absolute paths",
        ),
        ({"binds": ["a:/srv/a"]}, "binds[0]: 'a' is not absolute; begin it with '/'"),
        ({"binds": ["/a:/srv/../b"]}, "binds[0]: '/srv/../b' has '.' or '..' in it; write the path out"),
        (
            {"environment": {"FPM_SOCKETS": "x"}},
            "environment.FPM_SOCKETS: FPM_SOCKETS hands the pool its socket; leave it out",
        ),
        (
            {"environment": {"A-B": "x"}},
            "environment.A-B: 'A-B' cannot be the name of a variable; use letters, digits and '_', no digit first",
        ),
        ({"environment": {"KEY": None}}, "environment.KEY: has no value; write '' for an empty one"),
        (
            {"settings": {"memory_limit": "1G"}},
            "settings.memory_limit: is a key of the pool itself; write 'memory_limit' beside settings",
        ),
        (
            {"settings": {"upload_max_filesize": "1G"}},
            "settings.upload_max_filesize: is a key of the pool itself; write 'upload_max' beside settings",
        ),
        ({"settings": {"a b": 1}}, "settings.a b: is not the name of a setting; write it as in php.ini"),
        (
            {"settings": {"precision": [1]}},
            "settings.precision: is not one value; write a text, a number, true or false",
        ),
        (
            {"settings": {"error_prepend_string": 'a"\nuser = root'}},
            "settings.error_prepend_string: has a character that PHP would misread; leave out",
        ),
        (
            {"options": {"pm.max_children": 5}},
            "options.pm.max_children: is a key of the pool itself; write 'processes' beside options",
        ),
        (
            {"options": {"listen.group": "x"}},
            "options.listen.group: is up to the unit that runs the pool; leave it out",
        ),
        ({"options": {"clear_env": False}}, "options.clear_env: is up to the unit that runs the pool; leave it out"),
        (
            {"options": {"php_value[precision]": 5}},
            "options.php_value[precision]: is a setting of PHP; write the name in its brackets into 'settings'",
        ),
        (
            {"options": {"env[KEY]": 5}},
            "options.env[KEY]: is an environment variable; write the name in its brackets into 'environment'",
        ),
        (
            {"options": {"A b": 5}},
            "options.A b: is not the name of a directive; write it as in a pool's file of PHP-FPM",
        ),
        ({"proceses": 5}, "proceses: there is no such key; did you mean 'processes'? (keys here: "),
    ],
)
def test_mistake_is_named_with_a_way_out(changes: dict[str, Any], message: str) -> None:
    (found,) = mistakes({"name": "shop"} | changes)
    assert found.startswith(f"php_fpm_pools[0].{message}")


def test_two_pools_of_one_name_are_a_mistake() -> None:
    (found,) = mistakes({"name": "shop"}, {"name": "shop"})
    assert found == "php_fpm_pools[1].name: 'shop' is the name of php_fpm_pools[0] already; take another name"


def test_values_of_variables_are_never_shown() -> None:
    assert "hidden" not in "".join(mistakes({"name": "shop", "environment": {"A-B": "hidden", "C": ["hidden"]}}))
