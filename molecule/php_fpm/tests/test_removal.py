# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pools leave nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from testinfra.host import Host


def test_pools_leave_nothing_behind(converge: Any, host: Host) -> None:
    outcome = converge({"php_fpm_pools": [{"name": "hello"}]})
    assert outcome.rc == 0, outcome
    assert "shop" in outcome.output
    assert host.service("php_fpm@shop.service").is_running

    outcome = converge({"php_fpm_pools": [{"name": "hello"}], "web_purge": True})
    assert outcome.rc == 0, outcome
    assert not host.service("php_fpm@shop.service").is_running
    assert not host.user("shop").exists
    assert host.user("hello").exists

    gone = {"php_fpm_pools": [{"name": "hello", "state": "absent"}]}
    outcome = converge(gone)
    assert outcome.rc == 0, outcome
    # In this call, not in one of another role.
    assert "stop php_fpm@hello.service" in outcome.task("have the pools run").result["actions"]
    found = host.run("find /etc /run /var/lib /var/log -name '*php_fpm*' -not -path '*/barehost/*'").stdout
    assert {*found.split()} <= {"/run/php_fpm"}
    assert host.run("ls -A /run/php_fpm").stdout == ""
    assert host.run("systemctl list-units --all --no-legend 'php_fpm@*'").stdout == ""
    for name in ("hello", "shop"):
        assert not host.user(name).exists
        assert not host.group(name).exists
    assert converge(gone).changed == 0
