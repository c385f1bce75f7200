# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What single texts of an app may look like."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils import _values
from ansible_collections.barehost.web.plugins.plugin_utils._problem import Fault

RULE = "a name has lower case letters, digits, '-' and '_', a letter first"
SHA = "a" * 64
DIGITS = "write 'sha256:' and 64 hexadecimal digits"

GOOD: list[tuple[Callable[[str], Fault | None], list[str]]] = [
    (_values.name, ["a", "shop-2", "my_app", "a" * 31]),
    (_values.app_name, ["util", "default", "admin"]),
    (_values.site_name, ["main", "www-data", "mail"]),
    (_values.user, ["util", "deploy", "_x", "a" * 32]),
    (_values.python, ["3.9", "3.12"]),
    (_values.folder, ["/srv/a", "/srv/a/", "/a.b/c-d_e/@x+~=,", "/srv/straße"]),
    (_values.subdirectory, ["backend", "src/app/"]),
    (_values.public, ["static", "app/static/", ".well-known"]),
    (
        _values.command,
        ["python manage.py migrate --noinput", "flask --app journal init-db", "sh -c 'a && b'", "x --set A=b"],
    ),
    (_values.wsgi, ["wsgi:app", "pkg.mod:obj.attr", "app:create_app()"]),
    (_values.memory, ["512M", "1G", "1048576", "25%", "100%"]),
    (
        _values.requirement,
        ["redis", "redis>=5,<6", "a[b]~=1.0; python_version > '3'", "a @ https://example.test/a.whl"],
    ),
    (
        _values.git,
        [
            "https://example.test/a.git",
            "ssh://git@example.test/a",
            "git@example.test:a/b.git",
            "git.example.test:a",
            "/srv/git/a",
        ],
    ),
    (_values.version, ["v1.2.3", "main", "release/2024", "0123abc"]),
    (
        _values.archive,
        ["code/a.tgz", "https://example.test/a.tar.gz", "https://example.test/a.ZIP?x=1", "file:///srv/a.tar"],
    ),
    (_values.checksum, [f"sha256:{SHA}", f"sha256:{SHA.upper()}"]),
    (_values.variable, ["PATH", "_x", "A1"]),
]


@pytest.mark.parametrize(("check", "text"), [(check, text) for check, texts in GOOD for text in texts])
def test_a_good_text_passes(check: Callable[[str], Fault | None], text: str) -> None:
    assert check(text) is None


HOST = "write two slashes and the name of a host"
PORT = "write host and port anew, and '/' in a password as %2F"
DASH = "a host or a user does not begin with '-'"
BAD: list[tuple[Callable[[str], Fault | None], str, str, str]] = [
    (_values.name, "", "is empty", RULE),
    (_values.name, "My App", "'My App' cannot be a name", f"{RULE}, such as 'my-app'"),
    (_values.name, "a/b", "'a/b' cannot be a name", f"{RULE}, such as 'a-b'"),
    (_values.name, "7up", "'7up' cannot be a name", RULE),
    (_values.name, "-a", "'-a' cannot be a name", f"{RULE}, such as 'a'"),
    (_values.name, "a\n", r"'a\n' cannot be a name", f"{RULE}, such as 'a'"),
    (_values.name, "é", "'é' cannot be a name", RULE),
    (_values.name, "a@b", "'a@b' cannot be a name", f"{RULE}, such as 'a-b'"),
    (_values.name, "a" * 32, f"'{'a' * 32}' has 32 characters", "a name has at most 31"),
    (
        _values.app_name,
        "www-data",
        "'www-data' is a user or group of the system",
        "take another name, such as 'www-data-app'",
    ),
    (
        _values.app_name,
        "nobody",
        "'nobody' is a user or group of the system",
        "take another name, such as 'nobody-app'",
    ),
    (
        _values.app_name,
        "nginx",
        "'nginx' is the name of a folder of the system",
        "take another name, such as 'nginx-app'",
    ),
    (_values.app_name, "A", "'A' cannot be a name", f"{RULE}, such as 'a'"),
    (_values.site_name, "default", "'default' is Debian's own site", "take another name, such as 'main'"),
    (_values.site_name, "a.b", "'a.b' cannot be a name", f"{RULE}, such as 'a-b'"),
    (_values.user, "root", "an app must not run as root", "leave it out for a user of the app's own"),
    (_values.user, "www-data", "'www-data' is the user of another service", "leave it out for a user of the app's own"),
    (_values.user, "postgres", "'postgres' is the user of another service", "leave it out for a user of the app's own"),
    (_values.user, "A b", "'A b' cannot be a user name", ""),
    (_values.git, "https:///x", "'https:///x' names no host", HOST),
    (_values.git, "https://h:99999/x", "'https://h:99999/x' has no port from 1 to 65535, or no address in []", PORT),
    (_values.git, "https://me:sec/ret@h/y", "it has no port from 1 to 65535, or no address in []", PORT),
    (_values.git, "ssh://-oX=x/y", "'ssh://-oX=x/y' would be an option of a program", DASH),
    (_values.git, "-oX:y", "'-oX:y' would be an option of a program", DASH),
    (_values.git, "-o@host:y", "'-o@host:y' would be an option of a program", DASH),
    (_values.git, "file://host/x", "'file://host/x' names a host", "write three slashes: file:///path"),
    (_values.git, "/srv/a b", "'/srv/a b' is not the path of a repository", ""),
    (_values.archive, "https:///x.zip", "'https:///x.zip' names no host", HOST),
    (_values.archive, "https://h:0/x.zip", "'https://h:0/x.zip' leads to port 0", "write the port, or leave it out"),
    (_values.index, "https://[::1/s", "'https://[::1/s' has no port from 1 to 65535, or no address in []", PORT),
    (_values.python, "3", "'3' is not a version of Python", "write '3.' and one number, such as '3.12'"),
    (_values.python, "3.12.1", "'3.12.1' is not a version of Python", "write '3.' and one number, such as '3.12'"),
    (_values.folder, "srv/a", "'srv/a' is not absolute", "begin it with '/'"),
    (_values.folder, "/", "'/' is the whole machine", "name a folder in it"),
    (_values.folder, "/srv/../etc", "'/srv/../etc' has '.' or '..' in it", "write the path out"),
    (_values.subdirectory, "/a", "'/a' is absolute", "write it relative to the source"),
    (_values.subdirectory, "a/../..", "'a/../..' has '.' or '..' in it", "write the path out"),
    (_values.public, "", "is empty", "name a folder of the release, such as 'static'"),
    (
        _values.public,
        "/srv/x/current/static",
        "'/srv/x/current/static' is absolute",
        "write it relative to the release, such as 'static'",
    ),
    (_values.public, "static/../..", "'static/../..' has '.' or '..' in it", "write the path out"),
    (_values.public, ".", "'.' has '.' or '..' in it", "write the path out"),
    (
        _values.public,
        ".venv/lib",
        "'.venv/lib' is not for publishing",
        "name a folder of files that browsers ask for",
    ),
    (_values.command, " ", "is empty", "write a command, such as 'python manage.py migrate --noinput'"),
    (_values.command, "a 'b", '"a \'b" has a quotation mark or a backslash too many', "close what is opened"),
    (
        _values.command,
        "a\nb",
        "'a\\nb' has a line break or another control character in it",
        "write it on one line",
    ),
    (_values.command, "A=b c", "'A=b c' begins with a variable", "put it into 'environment'"),
    (
        _values.command,
        "a && b",
        "'a && b' needs a shell for '&&', and there is none",
        "make each command an entry of its own, or put the program into a script of the source",
    ),
    (_values.wsgi, "wsgi", "'wsgi' names no callable", "write 'module:callable', such as 'wsgi:app'"),
    (
        _values.wsgi,
        "src/app.py:app",
        "'src/app.py:app' names a file",
        "write the module with dots, such as 'src.app:app'",
    ),
    (_values.wsgi, "my-app:app", "'my-app:app' is not a WSGI callable", "write 'module:callable', such as 'wsgi:app'"),
    (_values.wsgi, "wsgi:app;x", "'wsgi:app;x' is not a WSGI callable", "write 'module:callable', such as 'wsgi:app'"),
    (_values.wsgi, "wsgi:", "'wsgi:' is not a WSGI callable", "write 'module:callable', such as 'wsgi:app'"),
    (_values.memory, "512mb", "'512mb' is not an amount of memory", "write it with K, M, G or T, such as '512M'"),
    (_values.memory, "much", "'much' is not an amount of memory", "write it with K, M, G or T, such as '512M'"),
    (_values.memory, "0", "'0' is not an amount of memory", "write it with K, M, G or T, such as '512M'"),
    (_values.memory, "200%", "'200%' is not an amount of memory", "write it with K, M, G or T, such as '512M'"),
    (_values.requirement, "-r x", "'-r x' is an option of the installer", "write a requirement, such as 'redis>=5'"),
    (_values.requirement, "a\nb", r"'a\nb' is not a requirement", "write a name with its versions, such as 'redis>=5'"),
    (
        _values.git,
        "example.test/a",
        "'example.test/a' is not the URL of a repository",
        "write https://, ssh:// or user@host:path",
    ),
    (
        _values.git,
        "ext::sh -c x",
        "'ext::sh -c x' is not the URL of a repository",
        "write https://, ssh:// or user@host:path",
    ),
    (
        _values.git,
        "--upload-pack=x",
        "'--upload-pack=x' is not the URL of a repository",
        "write https://, ssh:// or user@host:path",
    ),
    (
        _values.index,
        "packages.example.test",
        "'packages.example.test' is not the URL of an index",
        "write https:// and the address of its simple pages",
    ),
    (
        _values.index,
        "ftp://anna:hush@example.test",
        "'ftp://***@example.test' is not the URL of an index",
        "write https:// and the address of its simple pages",
    ),
    (_values.wheels, "/", "'/' is the whole machine", "name a folder in it"),
    (_values.wheels, "../wheels", "'../wheels' has '.' or '..' in it", "write the path out"),
    (_values.wheels, "a,b", "'a,b' has a comma in it", "name the folder otherwise"),
    (
        _values.wheels,
        "https://a.test/x,y",
        "'https://a.test/x,y' is not the URL of an index",
        "write https:// and the address of its simple pages",
    ),
    (_values.version, "-x", "'-x' cannot be a tag, branch or commit", ""),
    (_values.version, "a..b", "'a..b' cannot be a tag, branch or commit", ""),
    (
        _values.archive,
        "ftp://example.test/a.zip",
        "'ftp://example.test/a.zip' is not a URL",
        "write https:// and the address of the archive",
    ),
    (
        _values.archive,
        "https://example.test/a.rar",
        "'https://example.test/a.rar' is of no known kind",
        "an archive ends in .tar.gz, .tgz, .tar.xz, .tar.bz2, .tar, .zip",
    ),
    (_values.checksum, f"md5:{'a' * 32}", "checksums of kind 'md5' are not supported", DIGITS),
    (_values.checksum, "sha256:abc", "'sha256:abc' is not a checksum", DIGITS),
    (_values.checksum, "abc", "'abc' is not a checksum", DIGITS),
    (_values.variable, "2x", "'2x' cannot be the name of a variable", "use letters, digits and '_', no digit first"),
    (_values.variable, "A-B", "'A-B' cannot be the name of a variable", "use letters, digits and '_', no digit first"),
    (
        _values.variable,
        "LISTEN_FDS",
        "LISTEN_FDS is set by systemd, which tells processes of a unit something by it",
        "leave it out",
    ),
    (
        _values.variable,
        "MAINPID",
        "MAINPID is set by systemd, which tells processes of a unit something by it",
        "leave it out",
    ),
    (
        _values.variable,
        "LD_PRELOAD",
        "LD_PRELOAD is heeded by the loader of every program, also of those that root runs",
        "leave it out",
    ),
]


@pytest.mark.parametrize(("check", "text", "reason", "way_out"), BAD)
def test_a_bad_text_has_its_message(check: Callable[[str], Fault | None], text: str, reason: str, way_out: str) -> None:
    assert check(text) == Fault(reason, way_out)


@pytest.mark.parametrize("special", [" ", "\n", "\0", ";", "{", "}", '"', "'", "\\", "$", "#", "%", "*", ":"])
def test_a_path_with_a_special_character_is_refused(special: str) -> None:
    fault = _values.folder(f"/srv/a{special}b")
    assert fault is not None
    assert fault.reason.endswith("has a character that is not safe in a path")


@pytest.mark.parametrize("value", ["text", "", 5, "with 'quotes' and $", "a\tb"])
def test_a_value_of_the_environment_passes(value: object) -> None:
    assert _values.secret(value) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "has no value"),
        (True, "is not a text"),
        (1.5, "is not a text"),
        (["hush"], "is not a text"),
        ("hush\nhush", "has a line break or another control character in it"),
        ("hush\0", "has a line break or another control character in it"),
    ],
)
def test_a_value_of_the_environment_is_refused_without_being_shown(value: object, reason: str) -> None:
    fault = _values.secret(value)
    assert fault is not None
    assert fault.reason == reason
    assert "hush" not in str(fault)
