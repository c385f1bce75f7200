# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes reach one installation, faults are survived, mistakes change nothing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from testbed.converge import Outcome
    from testbed.http import Http
    from testinfra.host import Host

NOTES, SHOP = "notes.example.test", "example.test"


def changes(outcome: Outcome) -> list[str]:
    """Give what was done to the installations."""
    results = [task.result for task in outcome.tasks if "Bring each WordPress" in task.name]
    found = [result["changes"] for result in results if "changes" in result]
    assert len(found) == 1, outcome
    return list(found[0])


def test_settings_reach_their_installation_only(converge: Any, host: Host, http: Http, varied: Any) -> None:
    pool = "systemctl show --property=MainPID --value php_fpm@shop.service"
    before = host.check_output(pool)
    wanted = varied(key="web_wordpress", notes={"title": "Notes of a cook", "options": {"posts_per_page": 7}})
    outcome = converge(wanted)
    assert changes(outcome) == ["notes: set option blogname", "notes: set option posts_per_page"]
    assert "Notes of a cook" in http("/", host=NOTES).text
    assert "Kleiner Laden" in http("/blog/", host=SHOP).text
    assert host.check_output(pool) == before
    assert converge(wanted).changed == 0


def test_address_changes_with_its_entry(converge: Any, http: Http, varied: Any) -> None:
    assert http("/hello-world/", host=f"www.{NOTES}").status == 301
    wanted = varied(key="web_wordpress", notes={"url": f"http://www.{NOTES}"})
    assert converge(wanted).rc == 0
    assert converge(wanted).changed == 0
    assert http("/hello-world/", host=f"www.{NOTES}").status == 200
    assert http("/hello-world/", host=NOTES).header("Location") == f"http://www.{NOTES}/hello-world/"


def test_tls_may_end_in_front_of_the_host(converge: Any, http: Http, varied: Any) -> None:
    assert converge(varied(key="web_wordpress", notes={"url": f"https://{NOTES}"})).rc == 0
    page = http("/hello-world/", host=NOTES)
    assert page.status == 200
    assert f"https://{NOTES}/feed/" in page.text
    assert [form for form in (f"http://{NOTES}", rf"http:\/\/{NOTES}") if form in page.text] == []
    assert http("/wp-admin/", host=NOTES).header("Location").startswith(f"https://{NOTES}/wp-login.php")


def test_two_installations_share_a_domain(converge: Any, http: Http) -> None:
    routes = [{"path": "/", "wordpress": "notes"}, {"path": "/blog", "wordpress": "shop"}]
    wanted = {"web_sites": [{"name": "main", "domains": [SHOP], "routes": routes}], "web_purge": True}
    assert converge(wanted).rc == 0
    for prefix, title in (("", "Notes of a gardener"), ("/blog", "Kleiner Laden")):
        for path in ("/", "/feed/", "/wp-json/"):
            assert title in http(f"{prefix}{path}", host=SHOP).text, path
        assert http(f"{prefix}/wp-login.php", host=SHOP).status == 200
        assert http(f"{prefix}/wp-admin/", host=SHOP).header("Location").startswith(f"http://{SHOP}{prefix}/wp-login")
        assert http(f"{prefix}/xmlrpc.php", host=SHOP).status == 404
        assert http(f"{prefix}/nothing-here/", host=SHOP).status == 404


def test_pages_are_kept_from_the_day_that_they_are_wanted(converge: Any, http: Http, varied: Any) -> None:
    assert converge(varied(key="web_wordpress", shop={"cache": True})).rc == 0
    assert [http("/blog/", host=SHOP).status for _time in range(2)] == [200, 200]
    assert http("/blog/", host=SHOP).header("X-Cache") == "HIT"


def test_password_of_the_entry_is_the_one_that_lets_in(converge: Any, varied: Any, writer: Any) -> None:
    fresh = {"user": "ladner", "email": "laden@example.test", "password": "another-long-secret"}
    outcome = converge(varied(key="web_wordpress", shop={"admin": fresh}))
    assert changes(outcome) == ["shop: set the password of ladner"]
    writer(SHOP, "/blog", "ladner", "another-long-secret")
    told = outcome.output + json.dumps([task.result for task in outcome.tasks])
    assert "another-long-secret" not in told
    assert "correct-horse-battery" not in told


CONSTANTS = {
    "WP_POST_REVISIONS": 3,
    "SHOP_TEXT": "it's \\'); system('touch /tmp/shop'); //\n?><?php $x {$y}",
    "SHOP_LIST": [1, "a'b", None, True, 2.5],
    "SHOP_NOTHING": None,
    "WP_DEBUG": True,
}
#: Reads the settings of an installation as PHP does, and ends before WordPress begins.
SETTINGS_PHP = """
$text = str_replace("require_once ABSPATH", "return; //", file_get_contents("/etc/wordpress/notes.php"));
eval("?>" . $text);
echo json_encode(array_map("constant", array_slice($argv, 1)));
"""


def test_secrets_are_not_shown_while_they_are_used(converge: Any, host: Host, varied: Any) -> None:
    watch = "while sleep .01; do cat /proc/[0-9]*/cmdline /run/systemd/transient/*; done >/run/watched 2>/dev/null"
    host.check_output("systemd-run --unit=watch --collect sh -c %s", watch)
    fresh = {"user": "ladner", "email": "laden@example.test", "password": "yet-another-secret"}
    wanted = varied(key="web_wordpress", notes={"constants": CONSTANTS}, shop={"admin": fresh})
    outcomes = [converge(wanted, verbose=True, check=check) for check in (True, False)]
    host.check_output("systemctl stop watch")
    assert [outcome.rc for outcome in outcomes] == [0, 0], outcomes
    told = "".join(outcome.output for outcome in outcomes)
    assert "WP_POST_REVISIONS" in told
    read = host.check_output(f"runuser -u notes -- php -r %s {' '.join(CONSTANTS)}", SETTINGS_PHP)
    assert json.loads(read) == [*CONSTANTS.values()]
    assert not host.file("/tmp/shop").exists
    assert host.run("grep -qa lib/barehost/wordpress.php /run/watched").rc == 0
    files = (f"/etc/wordpress/{name}.keys.php" for name in ("notes", "shop"))
    keys = [key for file in files for key in re.findall(r"', '(.{64})'", host.check_output("cat %s", file))]
    secrets = [fresh["password"], "correct-horse-battery", host.check_output("cat /etc/barehost/wordpress/*"), *keys]
    assert len(secrets) == 19
    assert [secret for secret in secrets if secret in told] == []
    assert [secret for secret in secrets if host.run("grep -qaF -e %s /run/watched", secret).rc != 1] == []


def test_secrets_are_nowhere(host: Host) -> None:
    kept = "/etc/barehost/wordpress/notes.password"
    for text, places in ((host.check_output(f"cat {kept}"), [kept]), ("correct-horse-battery", [])):
        assert host.run(f"journalctl --no-pager -o cat | grep -cF -e {text} | grep -vx 0").stdout == ""
        found = host.run(f"grep -rlF -e {text} /etc /srv /run /var/lib /usr/local 2>/dev/null")
        assert found.stdout.split() == places
    assert host.check_output("stat -c %a /etc/barehost/wordpress/notes.password") == "600"
    assert host.check_output("find /etc/wordpress -name '*.php' -perm /o=r") == ""


def test_database_that_is_away_makes_a_plain_page_and_comes_back(host: Host, http: Http, soon: Any) -> None:
    http("/", host=NOTES)
    host.check_output("systemctl stop mariadb")
    answer = http("/?away", host=NOTES)
    kept = http("/", host=NOTES)
    host.check_output("systemctl start mariadb")
    assert answer.status == 503
    assert "short break" in answer.text
    assert not [word for word in ("/srv", "/usr", "install", "mysqli", "#0") if word in answer.text]
    # What nginx has kept is there meanwhile.
    assert kept.status == 200
    soon(lambda: http("/?back", host=NOTES).status == 200)


def test_killed_installation_is_begun_anew(converge: Any, host: Host, http: Http, writer: Any) -> None:
    # What is left when a run is killed between the tables and the first user.
    host.check_output("touch /var/lib/barehost/wordpress/notes")
    host.check_output("mariadb notes -e 'DROP TABLE wp_users; DELETE FROM wp_options WHERE option_name = \"blogname\"'")
    tables = host.check_output("mariadb -Ne 'SHOW TABLES' notes")
    looked = converge(check=True)
    assert (looked.rc, "notes: install WordPress" in changes(looked)) == (0, True), looked
    assert host.check_output("mariadb -Ne 'SHOW TABLES' notes") == tables
    outcome = converge()
    assert outcome.rc == 0
    assert "notes: install WordPress" in changes(outcome)
    assert "Notes of a gardener" in http("/", host=NOTES).text
    writer(NOTES)
    assert converge().changed == 0


def test_content_that_was_there_is_never_begun_anew(converge: Any, http: Http, writer: Any, varied: Any) -> None:
    writer(NOTES).publish("A year of beans")
    assert converge(varied(key="web_wordpress", notes={"permalinks": "/%post_id%/%postname%/"})).rc == 0
    assert "A year of beans" in http("/", host=NOTES).text


def test_scheduled_work_is_done(host: Host) -> None:
    for name in ("notes", "shop"):
        assert host.run(f"systemctl start wordpress-cron@{name}.service").rc == 0
        said = host.check_output(f"journalctl --no-pager -o cat -n 5 -u wordpress-cron@{name}.service")
        assert "failed" not in said
        assert host.check_output(f"systemctl is-active wordpress-cron@{name}.timer") == "active"


def test_mistakes_are_named_together_before_anything_changes(converge: Any, host: Host, varied: Any) -> None:
    before = host.check_output("stat -c %Z /etc/wordpress/notes.php")
    outcome = converge(
        varied(key="web_wordpress", notes={"language": "de_XX", "title": "New"}, shop={"name": "market"})
    )
    assert outcome.rc != 0
    assert "web_wordpress[0].language: no language 'de_XX'" in outcome.output
    assert "web_sites[1].routes[1].wordpress: no WordPress named 'shop'" in outcome.output
    assert outcome.changed == 0
    assert host.check_output("stat -c %Z /etc/wordpress/notes.php") == before


def test_removed_installation_leaves_its_data_until_that_goes_too(converge: Any, host: Host, http: Http) -> None:
    sites = [{"name": "main", "domains": [SHOP], "routes": [{"path": "/", "redirect": "http://notes.example.test/"}]}]
    notes = [{"name": "notes", "title": "Notes of a gardener", "admin": {"email": "anna@example.test"}}]
    there = [{"name": "notes", "domains": [NOTES], "routes": [{"path": "/", "wordpress": "notes"}]}, *sites]
    gone = {"web_wordpress": [*notes, {"name": "shop", "state": "absent"}], "web_sites": there}
    assert converge(gone).rc == 0
    found = "find /etc /run /srv /var/lib/barehost /var/log -path '*shop*' ! -path '*/published/*' | sort"
    assert {path.split("/media")[0] for path in host.check_output(found).split()} <= {"/srv/shop"}
    assert host.run("id shop").rc != 0
    assert host.check_output("mariadb -Ne \"SHOW DATABASES LIKE 'shop'\"") == "shop"
    assert http("/", host=NOTES).status == 200
    assert converge(gone).changed == 0
    assert converge({**gone, "web_remove_data": True}).rc == 0
    assert host.check_output(found) == ""
    assert host.check_output("mariadb -Ne \"SHOW DATABASES LIKE 'shop'\"") == ""


def test_everything_is_back_after_a_reboot(host: Host, http: Http, reboot: Any, soon: Any) -> None:
    listening = "ss -Hltn | awk '{print $4}' | sort -u"
    before = host.check_output(listening)
    reboot()
    soon(lambda: [http("/?fresh", host=NOTES).status, http("/blog/", host=SHOP).status] == [200, 200])
    assert host.check_output(listening) == before
    assert host.check_output("systemctl --failed --no-legend") == ""
