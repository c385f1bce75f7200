# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packages are installed in spite of what Debian hosts and their networks are like: see barehost.web.packages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from testbed.patience import patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from testinfra.host import Host

#: A package source with the files of a folder, which answers the first request for each of them with 503.
MIRROR = """
import http.server, os

asked = set()

class Mirror(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.path in asked:
            return super().do_GET()
        asked.add(self.path)
        self.send_error(503)

os.chdir("/srv/mirror")
http.server.ThreadingHTTPServer(("127.0.0.1", 5002), Mirror).serve_forever()
"""

#: What apt-get itself has while it reads lists or fetches packages, as it does on Debian twice a day.
HOLD = """
import fcntl, time

files = [open(path, "a") for path in ("/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock")]
for file in files:
    fcntl.lockf(file, fcntl.LOCK_EX)
time.sleep(10)
"""

#: Fails while somebody else has the second of them.
LOOK = """
import fcntl

fcntl.lockf(open("/var/cache/apt/archives/lock", "a"), fcntl.LOCK_EX | fcntl.LOCK_NB)
"""


def test_interrupted_installation_is_repaired(host: Host, converge: Any) -> None:
    patiently(lambda: host.check_output("cd /tmp && apt-get -q download logrotate"))
    host.check_output("dpkg --unpack /tmp/logrotate_*.deb && rm /tmp/logrotate_*.deb")
    host.check_output(
        "printf '#!/bin/sh\\n# barehost.web: services start when their configuration is in place\\nexit 101\\n'"
        " > /usr/sbin/policy-rc.d"
    )
    outcome = converge()
    assert outcome.rc == 0, outcome
    assert outcome.task("barehost.web.publish").result["installed"] == ["logrotate"]
    assert host.package("logrotate").is_installed
    assert not host.file("/usr/sbin/policy-rc.d").exists
    assert converge().changed == 0


def test_another_package_manager_is_waited_for(host: Host, converge: Any, soon: Callable[..., float]) -> None:
    host.check_output("dpkg --purge logrotate")
    host.check_output("systemd-run --unit=hold --collect python3 -c %s", HOLD)
    soon(lambda: host.run("python3 -c %s", LOOK).failed)
    outcome = converge()
    assert outcome.rc == 0, outcome
    assert host.package("logrotate").is_installed


@pytest.fixture
def mirror(host: Host) -> Iterator[None]:
    """The only package source of the machine, which has one package and is overloaded."""
    patiently(lambda: host.check_output("mkdir -p /srv/mirror && cd /srv/mirror && apt-get -q download logrotate"))
    host.check_output(
        "cd /srv/mirror && file=$(echo *.deb) && { dpkg-deb --field $file; echo Filename: ./$file;"
        " echo Size: $(stat --format=%s $file); echo SHA256: $(sha256sum $file | cut -d' ' -f1); } > Packages"
    )
    host.check_output("echo 'deb [trusted=yes] http://127.0.0.1:5002/ ./' > /srv/mirror/sources.list")
    settings = (
        'Dir::Etc::SourceList "/srv/mirror/sources.list"; Dir::Etc::SourceParts "/dev/null";'
        ' Acquire::http::Proxy::127.0.0.1 "DIRECT";'
    )
    host.check_output("echo %s > /etc/apt/apt.conf.d/99mirror", settings)
    host.check_output("systemd-run --unit=mirror --collect python3 -c %s", MIRROR)
    yield
    host.check_output("systemctl stop mirror; rm -r /etc/apt/apt.conf.d/99mirror /srv/mirror && apt-get -q update")


@pytest.mark.usefixtures("mirror")
def test_source_that_is_overloaded_is_asked_again(host: Host, converge: Any) -> None:
    host.check_output("dpkg --purge logrotate && apt-get -q clean && rm -rf /var/lib/apt/lists/*")
    outcome = converge()
    assert outcome.rc == 0, outcome
    assert host.package("logrotate").is_installed
    answers = host.check_output("journalctl --unit=mirror --output=cat")
    assert '.deb HTTP/1.1" 503' in answers, answers
    assert '.deb HTTP/1.1" 200' in answers, answers
