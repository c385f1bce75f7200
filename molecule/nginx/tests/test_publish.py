# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can go wrong while a tree is published; the live server answers through all of it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.http import Http
    from testinfra.host import Host

MANY = 50
#: Everything that is published, with owner, mode and content.
LOOK = r"-printf '%p %y %l %U:%G %m\n' -type f -exec md5sum {} + | sort"
FILES = f"find /etc/nginx /etc/systemd/system/nginx.service.d {LOOK}"
#: A process that runs one of the collection's modules: a bare interpreter that reads its program from ssh.
KILL = 'pkill -9 -fx "/usr/bin/python3 -c import sys; i = .*"'


def many(version: str, **odd: Any) -> dict[str, Any]:
    """Fifty sites that tell their version, and perhaps another one; site 0 is the one that is watched."""
    listed = [
        {
            "name": f"site{number}",
            "domains": [f"site{number}.example.test"],
            "routes": [{"path": "/", "static": "/srv/www/docs"}],
            "extra": f"location = /version {{ return 200 {version}; }}",
        }
        for number in range(MANY)
    ]
    return {"nginx_sites": [*listed, odd] if odd else listed, "web_purge": True}


def odd_site(**more: Any) -> dict[str, Any]:
    """One site beside the fifty."""
    return {
        "name": "odd",
        "domains": ["odd.example.test"],
        "routes": [{"path": "/", "static": "/srv/www/docs"}],
        **more,
    }


#: More than a small disk takes, in lines that nginx reads over.
BIG = ("# " + "x" * 98 + "\n") * 4000


@pytest.fixture
def fifty(host: Host, http: Http, converge: Any) -> Iterator[str]:
    """Fifty sites of version one, which answer all the time; hands over what is on the disk."""
    outcome = converge(many("one"))
    assert outcome.rc == 0, outcome
    with http.watch("/", host="site0.example.test", least=11) as seen:
        yield host.check_output(FILES)
    assert seen.failures == []


def refused(host: Host, before: str, outcome: Any, *words: str) -> None:
    """The run failed with these words and left the disk as it was."""
    assert outcome.rc != 0
    for word in ("Nothing was changed", *words):
        assert word in outcome.output.replace("\n", " ").replace("\\n", " "), outcome
    assert host.check_output(FILES) == before
    assert leftovers(host) == ""


def leftovers(host: Host) -> str:
    """What a publish stages, wherever it may be."""
    return host.check_output("find / -xdev -path /proc -prune -o -name '.*.barehost' -print")


@contextmanager
def done_and_undone(host: Host, do: str, undo: str) -> Iterator[None]:
    """Break something and repair it, whatever happens in between."""
    host.check_output(do)
    try:
        yield
    finally:
        host.check_output(undo)


def test_bad_file_among_fifty_good_ones(host: Host, fifty: str, converge: Any) -> None:
    outcome = converge(many("two", **odd_site(extra="location = /x {\n    no_such_directive on;\n}")))
    refused(
        host, fifty, outcome, "entry 'odd'", "sites-available/odd.conf, line", "no_such_directive on;", "site.conf.j2"
    )


def test_bad_value_in_the_main_configuration(host: Host, fifty: str, converge: Any) -> None:
    outcome = converge({**many("two"), "nginx_client_max_body_size": "ten potatoes"})
    refused(host, fifty, outcome, "/etc/nginx/nginx.conf, line", "nginx.conf.j2")


def test_template_that_cannot_be_rendered(host: Host, fifty: str, converge: Any) -> None:
    outcome = converge({**many("two"), "nginx_worker_connections": "{{ 8192 / 0 }}"})
    assert outcome.rc != 0
    assert host.check_output(FILES) == fifty


def test_missing_checker(host: Host, fifty: str, converge: Any) -> None:
    with done_and_undone(host, "mv /usr/sbin/nginx /usr/sbin/nginx.off", "mv /usr/sbin/nginx.off /usr/sbin/nginx"):
        outcome = converge(many("two"))
    refused(host, fifty, outcome, "nginx, which has to check the files of 'nginx', is not installed")


def little_room(folder: str) -> str:
    """A script that puts a file system with 150 kB of room under ``folder``, content and all."""
    return (
        f"mkdir -p /mnt/small && mount -t tmpfs -o mode=755,size=64m tmpfs /mnt/small && cp -a {folder}/. /mnt/small/"
        f" && mount --move /mnt/small {folder}"
        f" && fallocate -l $(($(df -k --output=avail {folder} | tail -1) - 150))k {folder}/filler"
    )


def test_full_disk(host: Host, fifty: str, converge: Any) -> None:
    with done_and_undone(host, little_room("/etc"), "umount /etc"):
        outcome = converge(many("two", **odd_site(extra=BIG)))
        refused(host, fifty, outcome, "writing the new files failed: No space left on device", "Free some space")
        assert converge(many("one")).changed == 0


def test_full_disk_while_a_mounted_folder_is_filled(host: Host, converge: Any, fifty: str) -> None:
    with done_and_undone(host, little_room("/etc/nginx"), "umount /etc/nginx"):
        before = host.check_output(FILES)
        outcome = converge(many("two", **odd_site(extra=BIG)))
        refused(host, before, outcome, "putting the new files in place failed: No space left on device")
        host.check_output("rm /etc/nginx/filler")
        outcome = converge(many("two"))
        assert outcome.rc == 0, outcome
        assert "return 200 two" in host.file("/etc/nginx/sites-enabled/site9.conf").content_string
        assert converge(many("one")).rc == 0
    assert host.check_output(FILES) == fifty


@pytest.mark.parametrize(
    ("obstacle", "words"),
    [("mkdir -p {0}/inside", "there is a folder"), ("ln -s /etc/passwd {0}", "a symbolic link to /etc/passwd")],
)
def test_something_else_where_a_file_should_be(
    host: Host, fifty: str, converge: Any, obstacle: str, words: str
) -> None:
    target = "/etc/nginx/sites-available/odd.conf"
    with done_and_undone(host, obstacle.format(target), f"rm -r {target}"):
        blocked = host.check_output(FILES)
        refused(host, blocked, converge(many("two", **odd_site())), words, "entry 'odd'")
    assert host.check_output(FILES) == fifty


def test_file_that_was_edited_by_hand(host: Host, fifty: str, converge: Any) -> None:
    path = "/etc/nginx/sites-available/site7.conf"
    host.check_output(f"echo '# by hand' >> {path} && chmod 600 {path}")
    outcome = converge(many("one"))
    assert outcome.rc == 0, outcome
    assert host.check_output(FILES) == fifty
    (saved,) = outcome.task("barehost.web.publish").result["saved"]
    assert host.file(saved).content_string.endswith("# by hand\n")
    assert host.file(saved).mode == 0o600


@pytest.mark.parametrize("program", ["/usr/sbin/nginx", "/usr/bin/systemctl"], ids=["validating", "telling"])
def test_killed_in_the_middle(host: Host, http: Http, converge: Any, program: str) -> None:
    # The new tree is staged when nginx judges it, and live when systemd is told of it.
    assert converge(many("one")).rc == 0
    kill = f"printf '#!/bin/sh\\n{KILL}\\n' > {program}; chmod 755 {program}"
    with done_and_undone(host, f"mv {program} {program}.off; {kill}", f"mv {program}.off {program}"):
        killed = converge(many("two", **odd_site()))
    assert killed.rc, "the run was over before it was killed"
    assert killed.task("barehost.web.publish").status == "failed"
    between = set(host.check_output("grep -h 'return 200' /etc/nginx/sites-enabled/site* | sort -u").splitlines())
    assert len(between) == 1, f"neither the old nor the new sites: {between}"
    assert host.run("nginx -t").rc == 0
    host.check_output("systemctl restart nginx")
    assert http("/version", host="site49.example.test").text in {"one", "two"}
    assert converge(many("two", **odd_site())).rc == 0
    assert http("/version", host="site49.example.test").text == "two"
    assert http("/", host="odd.example.test").status == 200
    again = converge(many("two", **odd_site()))
    assert (again.rc, again.changed) == (0, 0), again
    assert leftovers(host) == ""


@pytest.mark.usefixtures("fifty")
def test_reload_that_a_killed_run_owed_is_made_good(host: Host, http: Http, converge: Any) -> None:
    # Dies after the files are in place and before nginx is told.
    with done_and_undone(
        host, "mv /usr/bin/systemctl /usr/bin/systemctl.off", "mv /usr/bin/systemctl.off /usr/bin/systemctl"
    ):
        assert converge(many("two")).rc != 0
    assert http("/version", host="site3.example.test").text == "one"
    outcome = converge(many("two"))
    assert outcome.task("barehost.web.publish").result["files"] == []
    assert outcome.task("barehost.web.publish").result["actions"] == ["reload nginx.service"]
    assert http("/version", host="site3.example.test").text == "two"
    assert converge(many("two")).changed == 0


@pytest.mark.usefixtures("fifty")
def test_two_runs_at_once(host: Host, http: Http, converge: Any) -> None:
    outcomes: list[Any] = []
    runs = [
        threading.Thread(target=lambda version=version: outcomes.append(converge(many(version))))
        for version in ("two", "three")
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [outcome.rc for outcome in outcomes] == [0, 0], outcomes
    on_disk = set(host.check_output("grep -h 'return 200' /etc/nginx/sites-enabled/site* | sort -u").splitlines())
    assert len(on_disk) == 1
    written = on_disk.pop()
    served = {http("/version", host=f"site{number}.example.test").text for number in range(0, MANY, 10)}
    assert len(served) == 1
    assert served.pop() in written
    assert leftovers(host) == ""
