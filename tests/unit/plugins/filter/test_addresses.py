# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filter barehost.web.addresses."""

from __future__ import annotations

from ansible_collections.barehost.web.plugins.filter.addresses import FilterModule


def test_it_gives_nginx_the_addresses_of_apps() -> None:
    addresses = FilterModule().filters()["addresses"]
    assert addresses([{"name": "util"}, {"name": "old", "state": "absent"}]) == [
        {"name": "util", "protocol": "http", "address": "unix:/run/gunicorn/util.sock"}
    ]
