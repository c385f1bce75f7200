# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes in databases and their server, and what is published for it."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import jinja2
import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._databases import (
    password_hash,
    published,
    setting_lines,
    wanted,
)
from ansible_collections.barehost.web.plugins.plugin_utils._entries import part, select
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems, strays
from jinja2.sandbox import SandboxedEnvironment

REPOSITORY = Path(__file__).parents[4]
PHRASE = "correct horse"
REMOTE = {"host": "192.0.2.20", "password": PHRASE}
EVERYWHERE = {**REMOTE, "host": "%"}


def mistakes(*databases: Any, **server: Any) -> list[str]:
    variables = {"mariadb_databases": [*databases], **{f"mariadb_{name}": value for name, value in server.items()}}
    return [str(problem) for problem in problems(variables)]


def database(name: str = "util", **changes: Any) -> dict[str, Any]:
    return {"name": name, **changes}


def test_good_databases_have_no_mistake() -> None:
    databases = [
        database(),
        database("shop_data", user="shop", charset="latin1", collation="latin1_german1_ci"),
        database("reports", **REMOTE),
        database("more-reports", user="reports", **REMOTE),
        database("everywhere", **EVERYWHERE),
        database("net", **REMOTE | {"host": "192.0.2.0/255.255.255.0"}),
        database("part", **REMOTE | {"host": "192.0.2.%"}),
        database("six", **REMOTE | {"host": "2001:db8::20"}),
        database("raw", charset="binary", collation="binary"),
        database("old", state="absent", host="192.0.2.20"),
    ]
    server = {"memory": "25%", "bind": ["192.0.2.10", "::"], "settings": {"max-connections": 5, "sql_mode": ["A", "B"]}}
    assert mistakes(*databases, **server) == []


@pytest.mark.parametrize(
    ("databases", "message"),
    [
        ([database("My")], "mariadb_databases[0].name: 'My' cannot be a name"),
        ([database("mysql")], "mariadb_databases[0].name: 'mysql' is a database of the server itself"),
        ([database("test")], "mariadb_databases[0].name: 'test' is a database of the server itself"),
        (
            [database("root")],
            "mariadb_databases[0].name: 'root' is an account of the server itself; give the entry a 'u",
        ),
        ([database(), database()], "mariadb_databases[1].name: 'util' is the name of mariadb_databases[0] already"),
        ([database(user="root")], "mariadb_databases[0].user: 'root' is an account of the server itself"),
        ([database(user="a b")], "mariadb_databases[0].user: 'a b' cannot be a name"),
        ([database(password=PHRASE)], "mariadb_databases[0].password: nobody is asked for it: without 'host' the"),
        ([database(host="%")], "mariadb_databases[0].password: is missing; an account with 'host' needs it"),
        ([database(**REMOTE | {"password": ""})], "mariadb_databases[0].password: is empty or has a control character"),
        (
            [database(**REMOTE | {"password": "a\nb"})],
            "mariadb_databases[0].password: is empty or has a control character",
        ),
        ([database(host="localhost", password=PHRASE)], "mariadb_databases[0].host: 'localhost' is this host; leave"),
        ([database(host="a'b", password=PHRASE)], 'mariadb_databases[0].host: "a\'b" is not an address'),
        (
            [database(host="192.0.2.0/24", password=PHRASE)],
            "mariadb_databases[0].host: '192.0.2.0/24' is a network in a notation that MariaDB does not know",
        ),
        ([database(**REMOTE | {"host": "192.0.2/24"})], "mariadb_databases[0].host: '192.0.2/24' is not an address"),
        ([database(**REMOTE | {"host": "app.test"})], "mariadb_databases[0].host: 'app.test' is not an address; write"),
        ([database(**REMOTE | {"host": "2001:db8::/32"})], "mariadb_databases[0].host: '2001:db8::/32' is a network"),
        (
            [database(**REMOTE | {"host": "192.0.2.20/255.255.255.0"})],
            "mariadb_databases[0].host: '192.0.2.20/255.255.255.0' is not an address",
        ),
        ([database(charset="utf8;")], "mariadb_databases[0].charset: 'utf8;' is not the name of a character set"),
        (
            [database(collation="latin1_bin")],
            "mariadb_databases[0].collation: 'latin1_bin' is not of the character set 'utf8mb4'",
        ),
        (
            [database(**REMOTE), database("b", user="util", **REMOTE | {"password": "other"})],
            "mariadb_databases[1].password: is not that of mariadb_databases[0], which has the same account util@192.0",
        ),
        (
            [{"name": "util", "pasword": PHRASE}],
            "mariadb_databases[0].pasword: there is no such key; did you mean 'password'?",
        ),
    ],
)
def test_mistake_in_a_database(databases: list[Any], message: str) -> None:
    found = mistakes(*databases)
    assert [text for text in found if text.startswith(message)], found
    assert PHRASE not in "".join(found)


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ({"memory": "lots"}, "mariadb_memory: 'lots' is not an amount of memory"),
        ({"memory": "512 mb"}, "mariadb_memory: '512 mb' is not an amount of memory; write it with K, M, G or T, such"),
        ({"memory": "120%"}, "mariadb_memory: '120%' is not an amount of memory"),
        ({"bind": ["db.example.test"]}, "mariadb_bind[0]: 'db.example.test' is not an IP address"),
        ({"bind": ["127.0.0.1:3306"]}, "mariadb_bind[0]: '127.0.0.1:3306' is not an IP address"),
        ({"settings": {"datadir": "/x"}}, "mariadb_settings.datadir: it is not for settings; leave it out"),
        ({"settings": {"bind_address": "::"}}, "mariadb_settings.bind_address: mariadb_bind decides it; set mariadb_b"),
        ({"settings": {"loose-user": "x"}}, "mariadb_settings.loose-user: it is not for settings"),
        ({"settings": {"sql mode": "x"}}, "mariadb_settings.sql mode: 'sql mode' is not the name of an option"),
        ({"settings": {"init-connect": "a\nuser=root"}}, "mariadb_settings.init-connect: has a line break"),
        ({"settings": {"a": {"b": 1}}}, "mariadb_settings.a: is a mapping"),
    ],
)
def test_mistake_in_the_server(server: dict[str, Any], message: str) -> None:
    found = mistakes(**server)
    assert [text for text in found if text.startswith(message)], found


def test_password_account_needs_a_server_that_listens() -> None:
    (message,) = mistakes(database(**REMOTE), bind=[])
    assert message.startswith("mariadb_databases[0].host: nobody can come from there: the server listens on no address")


def test_misspelt_variable_is_found() -> None:
    assert strays(["mariadb_database", "mariadb_backup_command"]) == {"mariadb_database": "mariadb_databases"}


def test_role_gets_its_entries_with_defaults() -> None:
    (entry,) = part([{"name": "util"}], "mariadb")
    assert entry == {
        "name": "util",
        "state": "present",
        "user": "",
        "host": "",
        "charset": "utf8mb4",
        "collation": "",
    }


@pytest.mark.parametrize(
    ("settings", "lines"),
    [
        ({"max-connections": 5}, ["max-connections = 5"]),
        ({"slow-query-log": True, "log-bin": None}, ["slow-query-log"]),
        ({"name-resolve": False}, ["name-resolve = OFF"]),
        ({"plugin-load-add": ["a", "b"]}, ["plugin-load-add = a", "plugin-load-add = b"]),
        ({"init-connect": 'SET @a="#1\\n"'}, ['init-connect = "SET @a=\\"#1\\\\n\\""']),
    ],
)
def test_settings_as_lines(settings: dict[str, Any], lines: list[str]) -> None:
    assert setting_lines(settings) == lines


def render(bind: list[str]) -> dict[str, str]:
    environment = SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(REPOSITORY / "roles/mariadb/templates"),
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return {
        file["template"]: environment.get_template(file["template"]).render(ansible_managed="-", **file["vars"])
        for file in published({"max-connections": 5}, bind, "512M")["parts"]["files"]
    }


@pytest.mark.parametrize(
    ("bind", "options", "families"),
    [
        ([], {"skip-networking": None}, "AF_UNIX"),
        (
            ["192.0.2.10", "::1"],
            {"bind-address": "192.0.2.10,::1", "skip-name-resolve": None},
            "AF_UNIX AF_INET AF_INET6",
        ),
    ],
)
def test_network_only_where_it_is_asked_for(bind: list[str], options: dict[str, Any], families: str) -> None:
    texts = render(bind)
    parser = RawConfigParser(allow_no_value=True)
    parser.read_string(texts["barehost.cnf.j2"])
    expected = {"innodb-buffer-pool-size": "512M", "local-infile": "OFF", "max-connections": "5"}
    assert dict(parser["mariadbd"]) == expected | options
    assert f"RestrictAddressFamilies={families}\n" in texts["mariadb.service.j2"]
    assert ("PrivateNetwork=yes" in texts["mariadb.service.j2"]) is not bool(bind)


def test_sockets_of_the_package_are_masked() -> None:
    links = published({}, [], "8M")["parts"]["links"]
    assert {(link["dest"], link["target"]) for link in links} == {
        ("/etc/systemd/system/mariadb.socket", "/dev/null"),
        ("/etc/systemd/system/mariadb-extra.socket", "/dev/null"),
    }


def test_password_does_not_leave_the_controller() -> None:
    entries = select([database(**REMOTE), database("plain")], "mariadb")
    remote, plain = wanted(entries)
    assert remote["hash"] == password_hash(PHRASE) != password_hash("other")
    assert PHRASE not in str(remote)
    assert (plain["user"], plain["host"], plain["hash"]) == ("plain", "localhost", "")
