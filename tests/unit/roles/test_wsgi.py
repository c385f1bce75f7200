# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an app under gunicorn is told about its client and its mount point."""

from __future__ import annotations

import io
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).parents[3] / "templates/barehost_wsgi.py"
LOCAL = ["127.0.0.1", "::1"]
#: What the snippet of role nginx sets, or empties.
SNIPPET = (Path(__file__).parents[3] / "roles/nginx/templates/proxy.conf.j2").read_text(encoding="utf-8")
HEADERS_OF_THE_WEB_SERVER = [
    f"HTTP_{line.split()[1].upper().replace('-', '_')}"
    for line in SNIPPET.splitlines()
    if line.startswith("proxy_set_header") and " Connection " not in line
]


def load() -> Any:
    """Import the file as a configuration of gunicorn does."""
    spec = spec_from_file_location("barehost_wsgi", SOURCE)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOKS = load()


def seen(proxies: list[str] | None = None, **environ: Any) -> dict[str, Any]:
    """Give the environment that the app gets for a request which gunicorn describes by environ."""
    got: dict[str, Any] = {}

    def app(env: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        got.update(env)
        return [b""]

    worker = SimpleNamespace(wsgi=app, cfg=SimpleNamespace(forwarded_allow_ips=LOCAL if proxies is None else proxies))
    HOOKS.post_worker_init(worker)
    request = {"REMOTE_ADDR": "", "SCRIPT_NAME": "", "PATH_INFO": "/", "RAW_URI": "/", "wsgi.url_scheme": "http"}
    worker.wsgi(request | environ, lambda *_answer: None)
    return got


@pytest.mark.parametrize(
    ("path", "mount", "expected"),
    [
        ("/", "", ("", "/")),
        ("/search", "", ("", "/search")),
        ("//a/../b", "", ("", "//a/../b")),
        ("/util", "/util", ("/util", "")),
        ("/util/", "/util", ("/util", "/")),
        ("/util/search", "/util", ("/util", "/search")),
        ("/util/search", "/util/", ("/util", "/search")),
        ("//util//search", "/util", ("/util", "//search")),
        ("/./util/search", "/util", ("/util", "/search")),
        ("/x/../util/search", "/util", ("/util", "/search")),
        ("/util/../util/search", "/util", ("/util", "/search")),
        ("/util/a/../search", "/util", ("/util", "/a/../search")),
        ("/../util/search", "/util", ("/util", "/search")),
        ("/util/http://x.test/util/", "/util", ("/util", "/http://x.test/util/")),
        ("/util/util", "/util", ("/util", "/util")),
        ("/a/b/c", "/a/b", ("/a/b", "/c")),
        ("/a/b/../b/c", "/a/b", ("/a/b", "/c")),
        ("/a/x/../b/c", "/a/b", ("/a/b", "/c")),
        ("/a//b/c", "/a/b", ("/a/b", "/c")),
        ("/caf\xc3\xa9/x", "/caf\xc3\xa9", ("/caf\xc3\xa9", "/x")),
        ("/my files/x", "/my files", ("/my files", "/x")),
        ("/utility", "/util", ("", "/utility")),
        ("/util/..", "/util", ("", "/util/..")),
        ("/other", "/util", ("", "/other")),
        ("/a", "/a/b", ("", "/a")),
    ],
)
def test_path_is_split_where_the_web_server_sees_the_mount_end(
    path: str, mount: str, expected: tuple[str, str]
) -> None:
    got = seen(PATH_INFO=path, HTTP_X_SCRIPT_NAME=mount)
    assert (got["SCRIPT_NAME"], got["PATH_INFO"]) == expected
    assert "HTTP_X_SCRIPT_NAME" not in got


def test_script_name_of_the_app_environment_is_part_of_the_path() -> None:
    got = seen(SCRIPT_NAME="/util", PATH_INFO="/search", HTTP_X_SCRIPT_NAME="/util")
    assert (got["SCRIPT_NAME"], got["PATH_INFO"]) == ("/util", "/search")
    got = seen(SCRIPT_NAME="/util", PATH_INFO="/search", HTTP_X_SCRIPT_NAME="")
    assert (got["SCRIPT_NAME"], got["PATH_INFO"]) == ("/util", "/search")


@pytest.mark.parametrize(
    ("peer", "header", "expected"),
    [
        ("", "192.0.2.7", "192.0.2.7"),
        ("", "2001:db8::7", "2001:db8::7"),
        ("", "::ffff:192.0.2.7", "192.0.2.7"),
        ("", None, "127.0.0.1"),
        ("", "unix:", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("::1", "192.0.2.7", "192.0.2.7"),
        ("::ffff:127.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("::ffff:127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "a, b", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.5, 192.0.2.7", "192.0.2.7"),
        ("198.51.100.9", "192.0.2.7", "198.51.100.9"),
        ("::ffff:198.51.100.9", "192.0.2.7", "198.51.100.9"),
        ("2001:db8::9", "192.0.2.7", "2001:db8::9"),
    ],
)
def test_client_is_who_the_web_server_says_and_nobody_else(peer: str, header: str | None, expected: str) -> None:
    headers: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": header} if header is not None else {}
    assert seen(REMOTE_ADDR=peer, **headers)["REMOTE_ADDR"] == expected


def test_port_of_the_web_server_is_not_given_out_as_the_clients() -> None:
    assert "REMOTE_PORT" not in seen(REMOTE_ADDR="127.0.0.1", REMOTE_PORT="4711", HTTP_X_FORWARDED_FOR="192.0.2.7")
    assert seen(REMOTE_ADDR="198.51.100.9", REMOTE_PORT="4711")["REMOTE_PORT"] == "4711"


def test_stranger_can_claim_nothing() -> None:
    claims: dict[str, Any] = dict.fromkeys(HEADERS_OF_THE_WEB_SERVER, "https") | {
        "HTTP_X_SCRIPT_NAME": "/util",
        "HTTP_HOST": "example.test:81",
    }
    got = seen(REMOTE_ADDR="198.51.100.9", PATH_INFO="/util/x", SERVER_NAME="app", SERVER_PORT="5000", **claims)
    assert not [name for name in got if name.startswith(("HTTP_X_FORWARDED", "HTTP_FORWARDED", "HTTP_PROXY"))]
    assert "HTTP_X_REAL_IP" not in got
    assert (got["SCRIPT_NAME"], got["PATH_INFO"], got["wsgi.url_scheme"]) == ("", "/util/x", "http")
    assert (got["SERVER_NAME"], got["SERVER_PORT"]) == ("app", "5000")


@pytest.mark.parametrize(
    ("proxies", "peer", "trusted"),
    [
        (["*"], "198.51.100.9", True),
        (["198.51.100.0/24"], "198.51.100.9", True),
        (["198.51.100.0/24"], "203.0.113.9", False),
        (["198.51.100.0/24"], "127.0.0.1", False),
        ([], "127.0.0.1", False),
    ],
)
def test_setting_forwarded_allow_ips_decides_who_is_believed(proxies: list[str], peer: str, trusted: bool) -> None:
    got = seen(proxies, REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR="192.0.2.7")
    assert got["REMOTE_ADDR"] == ("192.0.2.7" if trusted else peer)


@pytest.mark.parametrize(
    ("scheme", "host", "expected"),
    [
        ("http", "example.test", ("http", "example.test", "80")),
        ("https", "example.test", ("https", "example.test", "443")),
        ("https", "example.test:8443", ("https", "example.test", "8443")),
        ("http", "[::1]", ("http", "[::1]", "80")),
        ("http", "[::1]:8080", ("http", "[::1]", "8080")),
        ("gopher", "example.test", ("http", "example.test", "80")),
    ],
)
def test_scheme_and_server_are_those_that_the_client_asked_for(
    scheme: str, host: str, expected: tuple[str, str, str]
) -> None:
    got = seen(HTTP_X_FORWARDED_PROTO=scheme, HTTP_HOST=host, SERVER_NAME="x", SERVER_PORT="1")
    assert (got["wsgi.url_scheme"], got["SERVER_NAME"], got["SERVER_PORT"]) == expected


def test_app_finds_the_usual_headers_of_a_web_server() -> None:
    got = seen(HTTP_X_FORWARDED_FOR="192.0.2.7", HTTP_X_FORWARDED_PROTO="https", HTTP_HOST="example.test:8443")
    assert got["HTTP_X_REAL_IP"] == "192.0.2.7"
    assert (got["HTTP_X_FORWARDED_HOST"], got["HTTP_X_FORWARDED_PORT"]) == ("example.test:8443", "8443")


@pytest.mark.parametrize(
    ("target", "cut", "whole"),
    [
        ("/foo/admin?x=1", "/admin", "/foo/admin"),
        ("//foo/%61", "/a", "//foo/a"),
        ("http://h.test/foo/admin", "/admin", "/foo/admin"),
    ],
)
@pytest.mark.parametrize("peer", ["", "198.51.100.9"])
def test_header_script_name_which_old_gunicorn_believes_is_undone(target: str, cut: str, whole: str, peer: str) -> None:
    claim: dict[str, Any] = {"SCRIPT_NAME": "/foo", "HTTP_SCRIPT_NAME": "/bar,/foo"}
    got = seen(REMOTE_ADDR=peer, PATH_INFO=cut, RAW_URI=target, **claim)
    assert (got["SCRIPT_NAME"], got["PATH_INFO"]) == ("", whole)


@pytest.mark.parametrize(
    ("target", "path_info"),
    [
        ("/a/../b//c?x=1", "/a/../b//c"),
        ("//a", "//a"),
        ("/caf%C3%A9/%2F", "/caf\xc3\xa9//"),
        ("http://h.test/a%20b?", "/a b"),
    ],
)
def test_path_is_the_one_that_the_client_wrote(target: str, path_info: str) -> None:
    # What uWSGI and mod_wsgi hand over: the web server has tidied the path up, and nothing is left out for being empty.
    tidied = {"RAW_URI": None, "REQUEST_URI": target, "SCRIPT_NAME": "/x", "PATH_INFO": "/y", "CONTENT_LENGTH": ""}
    environ = {name: value for name, value in tidied.items() if value is not None}
    got: dict[str, Any] = {}
    app = HOOKS.BehindProxy(lambda env, _start: [got.update(env) or b""], LOCAL)
    app({"REMOTE_ADDR": "198.51.100.9", "wsgi.url_scheme": "http", **environ}, None)
    assert (got["SCRIPT_NAME"], got["PATH_INFO"]) == ("", path_info)
    assert "CONTENT_LENGTH" not in got


def test_web_server_is_believed_wherever_the_client_is() -> None:
    asked = {"PATH_INFO": "/util/x", "HTTP_HOST": "example.test:8443", "HTTP_X_SCRIPT_NAME": "/util"}
    got = seen(REMOTE_ADDR="192.0.2.7", BAREHOST_SCHEME="https", **asked)
    assert (got["SCRIPT_NAME"], got["PATH_INFO"], got["wsgi.url_scheme"]) == ("/util", "/x", "https")
    assert (got["REMOTE_ADDR"], got["HTTP_X_FORWARDED_FOR"], got["HTTP_X_REAL_IP"]) == ("192.0.2.7",) * 3
    assert (got["SERVER_NAME"], got["SERVER_PORT"], got["HTTP_X_FORWARDED_PROTO"]) == ("example.test", "8443", "https")
    assert "BAREHOST_SCHEME" not in got
    got = seen(REMOTE_ADDR="192.0.2.7", HTTP_BAREHOST_SCHEME="https", **asked)
    assert (got["SCRIPT_NAME"], got["wsgi.url_scheme"]) == ("", "http")


@pytest.mark.parametrize(
    ("reference", "answer"),
    [("sample:app", b"app"), ("sample:factory()", b"made"), ("package.deep:holder.app", b"held")],
)
def test_script_loads_the_app_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str, answer: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.setattr("sys.modules", {**sys.modules})
    (tmp_path / "package").mkdir()
    (tmp_path / "sample.py").write_text(
        "def app(environ, start): return [b'app']\ndef factory(): return lambda environ, start: [b'made']\n"
    )
    (tmp_path / "package/deep.py").write_text(
        "class holder:\n    @staticmethod\n    def app(environ, start): return [b'held']\n"
    )
    app = HOOKS.application(reference, str(tmp_path))
    assert Path.cwd() == tmp_path
    assert app({"PATH_INFO": "/", "RAW_URI": "/", "wsgi.url_scheme": "http"}, None) == [answer]


class File(list[bytes]):
    """What gunicorn has the kernel send."""


class Gone(io.BytesIO):
    """The body of a client that has hung up."""

    def read(self, _size: int | None = -1, /) -> bytes:
        """Fail as a socket does."""
        raise ConnectionResetError


def wrapped(app: Any) -> Any:
    """Put an app behind the translation."""
    return HOOKS.BehindProxy(app, LOCAL)


def request(body: io.BytesIO, **more: str) -> dict[str, Any]:
    """Describe a request with a body."""
    plain = {"REMOTE_ADDR": "", "PATH_INFO": "/", "wsgi.url_scheme": "http", "CONTENT_LENGTH": "9"}
    return {**plain, "wsgi.input": body, "wsgi.file_wrapper": File, **more}


@pytest.mark.parametrize("more", [{}, {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}])
def test_body_that_the_app_leaves_is_read_after_the_answer(more: dict[str, str]) -> None:
    body = io.BytesIO(b"x" * 100_000)
    answer = wrapped(lambda *_request: [b"a", b"b"])(request(body, **more), None)
    assert list(answer) == [b"a", b"b"]
    assert body.tell() == 0
    answer.close()
    assert body.read() == b""


def test_app_still_cleans_up_before_the_body_is_read() -> None:
    body, events = io.BytesIO(b"x" * 9), list[int]()

    def app(*_request: object) -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            events.append(body.tell())

    answer = wrapped(app)(request(body), None)
    assert next(iter(answer)) == b"a"
    answer.close()
    assert events == [0]
    assert body.tell() == 9


def test_body_is_read_when_the_app_fails() -> None:
    body = io.BytesIO(b"x" * 9)

    def app(*_request: object) -> list[bytes]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        wrapped(app)(request(body), None)
    assert body.tell() == 9


@pytest.mark.parametrize("file", [File(), io.BytesIO(b"a")])
def test_file_stays_what_the_server_knows(file: Any) -> None:
    body = io.BytesIO(b"x" * 9)
    assert wrapped(lambda *_request: file)(request(body), None) is file
    assert body.tell() == 9


def test_client_that_has_gone_is_not_read_from() -> None:
    wrapped(lambda *_request: [b"a"])(request(Gone(b"x")), None).close()


def test_answer_to_a_request_without_a_body_is_left_alone() -> None:
    pieces = [b"a"]
    assert wrapped(lambda *_request: pieces)(request(io.BytesIO(), CONTENT_LENGTH="0"), None) is pieces


class Started(list[str]):
    """A start_response that keeps what it was called with."""

    def __call__(self, status: str, headers: list[tuple[str, str]]) -> None:
        """Keep the status."""
        assert headers
        self.append(status)


def failing(before: list[bytes], *, lazily: bool) -> Any:
    """Make an app that fails when it is called, or when its answer is taken."""

    def pieces() -> Iterator[bytes]:
        yield from before
        raise RuntimeError("broken")

    def app(_environ: object, _start_response: object) -> Iterator[bytes]:
        if not lazily:
            raise RuntimeError("broken")
        return pieces()

    return HOOKS.Failsafe(app)


@pytest.mark.parametrize(("before", "lazily"), [([], False), ([], True), ([b""], True)])
def test_app_that_fails_answers_500_and_tells_the_log(before: list[bytes], lazily: bool) -> None:
    log, started = io.StringIO(), Started()
    answer = failing(before, lazily=lazily)({"wsgi.errors": log}, started)
    assert b"".join(answer) == b"Internal Server Error\n"
    assert started == ["500 Internal Server Error"]
    assert "Traceback" in log.getvalue()
    assert "RuntimeError: broken" in log.getvalue()


def test_answer_that_has_begun_is_not_made_another_one() -> None:
    started = Started()
    answer = iter(failing([b"a"], lazily=True)({"wsgi.errors": io.StringIO()}, started))
    assert next(answer) == b"a"
    with pytest.raises(RuntimeError):
        next(answer)
    assert started == []


@pytest.mark.parametrize("pieces", [[b"a"], (b"a",), io.BytesIO(b"a")])
def test_answer_that_cannot_fail_is_left_alone(pieces: Any) -> None:
    assert HOOKS.Failsafe(lambda *_request: pieces)({"wsgi.errors": io.StringIO()}, None) is pieces


def test_app_whose_answer_is_watched_still_cleans_up() -> None:
    events = list[str]()

    def app(*_request: object) -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            events.append("closed")

    answer = HOOKS.Failsafe(app)({"wsgi.errors": io.StringIO()}, None)
    assert next(iter(answer)) == b"a"
    answer.close()
    assert events == ["closed"]


@pytest.mark.parametrize(("https", "expected"), [("", "http"), ("on", "https")])
def test_stranger_cannot_choose_the_scheme_that_uwsgi_reports(https: str, expected: str) -> None:
    environ = {"REMOTE_ADDR": "198.51.100.9", "REQUEST_URI": "/", "wsgi.url_scheme": "https", "HTTPS": https}
    got = list[dict[str, Any]]()
    HOOKS.BehindProxy(lambda environ, _start_response: got.append(environ), LOCAL)(environ | {"PATH_INFO": "/"}, None)
    assert got[0]["wsgi.url_scheme"] == expected
