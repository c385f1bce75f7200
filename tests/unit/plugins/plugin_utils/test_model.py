# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes that only show when entries are looked at as a whole, or next to each other."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.barehost.web.plugins.plugin_utils._model import problems, strays

Changes = dict[str, Any]


def app(name: str = "util", **changes: Any) -> Changes:
    """Give a good app with some changes."""
    return {"name": name, "source": {"package": name}, "wsgi": "wsgi:app", **changes}


def site(name: str = "main", **changes: Any) -> Changes:
    """Give a good site with some changes."""
    return {"name": name, "domains": [f"{name}.test"], "routes": [{"path": "/", "app": "util"}], **changes}


def signed(**tls: Any) -> Changes:
    return site(tls={"mode": "self_signed", **tls})


def route(**changes: Any) -> Changes:
    """Give a site whose second route is this one."""
    return site(routes=[{"path": "/", "static": "/srv/www"}, {"path": "/x", **changes}])


def mistakes(apps: object = (), sites: object = (), folders: tuple[Path, ...] = ()) -> list[str]:
    return [str(problem) for problem in problems({"web_apps": apps, "web_sites": sites}, folders)]


def test_a_good_model_has_no_mistake() -> None:
    apps = [
        app(),
        app("shop", bind=":5000"),
        app("front", server="none", wsgi=None),
        {"name": "old", "state": "absent"},
    ]
    sites = [
        site(routes=[{"path": "/", "static": "/srv/front/current"}, {"path": "/util", "app": "util"}]),
        site("inner", domains=["main.test"], listen=["127.0.0.1:8080"], routes=[{"path": "/", "app": "shop"}]),
        {"name": "old", "state": "absent"},
    ]
    assert mistakes(apps, sites) == []


OUT = "take another name"


@pytest.mark.parametrize(
    ("apps", "message"),
    [
        ([app("My")], "web_apps[0].name: 'My' cannot be a name"),
        ([app("mail")], "web_apps[0].name: 'mail' is a user or group of the system"),
        ([app(), app()], f"web_apps[1].name: 'util' is the name of web_apps[0] already; {OUT}"),
        (
            [app(), {"name": "util", "state": "absent"}],
            f"web_apps[1].name: 'util' is the name of web_apps[0] already; {OUT}",
        ),
        ([app(source=None)], "web_apps[0].source: is missing; state present needs it"),
        ([app(source={})], "web_apps[0].source: has none of path, git, archive and package; give one of them"),
        (
            [app(source={"path": "a", "package": "b"})],
            "web_apps[0].source: has path and package at once; keep one of path, git, archive and package",
        ),
        ([app(source={"git": "https://a.test/a.git"})], "web_apps[0].source.version: is missing; git needs it"),
        (
            [app(source={"archive": "https://a.test/a.zip"})],
            "web_apps[0].source.checksum: is missing; archive needs it",
        ),
        (
            [app(source={"archive": "https://a.test/a.zip", "checksum": "abc"})],
            "web_apps[0].source.checksum: 'abc' is not a checksum",
        ),
        ([app(source={"git": "a", "version": "1"})], "web_apps[0].source.git: 'a' is not the URL of a repository"),
        (
            [app(source={"git": "/srv/a.git", "version": 1.1})],
            "web_apps[0].source.version: must be a text, not 1.1; put it in quotes",
        ),
        (
            [app(source={"package": "a", "version": "1"})],
            "web_apps[0].source.version: belongs to git, which is not given",
        ),
        (
            [app(source={"package": "a", "checksum": "sha256:" + "a" * 64})],
            "web_apps[0].source.checksum: belongs to archive, which is not given",
        ),
        ([app(source={"package": "a", "key": "hush"})], "web_apps[0].source.key: belongs to git, which is not given"),
        (
            [app(source={"package": "a", "subdirectory": "b"})],
            "web_apps[0].source.subdirectory: a package is installed whole; leave it out",
        ),
        (
            [app(source={"path": "a", "subdirectory": "../b"})],
            "web_apps[0].source.subdirectory: '../b' has '.' or '..' in it",
        ),
        ([app(index={"url": "a"})], "web_apps[0].index.url: 'a' is not the URL of an index"),
        ([app(index={"extra": ["https://a.test", "b"]})], "web_apps[0].index.extra[1]: 'b' is not the URL of an index"),
        (
            [app(index={"only_wheels": True})],
            "web_apps[0].index.only_wheels: nothing is left to install from; name the places in 'wheels'",
        ),
        ([app(source={"path": ""})], "web_apps[0].source.path: is empty; name a folder on the control node"),
        ([app(wsgi=None)], "web_apps[0].wsgi: is missing; server gunicorn needs it, such as 'wsgi:app'"),
        ([app(wsgi="")], "web_apps[0].wsgi: '' names no callable; write 'module:callable', such as 'wsgi:app'"),
        (
            [app(wsgi="wsgi.py")],
            "web_apps[0].wsgi: 'wsgi.py' names no callable; write 'module:callable', such as 'wsgi:app'",
        ),
        ([app(server="uwsg")], "web_apps[0].server: 'uwsg' is not one of its values; did you mean 'uwsgi'?"),
        (
            [app(server="uwsgi", stats=":9191")],
            "web_apps[0].stats: ':9191' can be reached from elsewhere; write '127.0.0.1:9191'",
        ),
        ([app(server="uwsgi", stats="9191")], "web_apps[0].stats: '9191' is not an address and a port"),
        ([app(server="uwsgi", buffer_size=70000)], "web_apps[0].buffer_size: is 70000; the most is 65535"),
        (
            [app(server="uwsgi", cheaper=4, processes=4)],
            "web_apps[0].cheaper: is 4; it must be below processes, which is 4",
        ),
        (
            [app(server="uwsgi", options={"harakiri": 5})],
            "web_apps[0].options.harakiri: is a key of the app itself; write 'timeout' beside options",
        ),
        (
            [app(server="uwsgi", options={"uid": "root"})],
            "web_apps[0].options.uid: is up to the unit that runs the app; leave it out",
        ),
        (
            [app(server="uwsgi", options={"max_fd": 5})],
            "web_apps[0].options.max_fd: is not the name of a setting; write it as in an ini file of uWSGI",
        ),
        (
            [app(server="uwsgi", options={"log-format": "a\nuid = root"})],
            "web_apps[0].options.log-format: has more than one line; give a list to set an option several times",
        ),
        ([app(server="uwsgi", protocol="fastcgi")], "web_apps[0].protocol: 'fastcgi' is not one of its values"),
        (
            [app(server="mod_wsgi", manager="supervisor")],
            "web_apps[0].manager: supervisor cannot run server mod_wsgi; leave it out, or take gunicorn or uwsgi",
        ),
        ([app(python=3.10)], "web_apps[0].python: must be a text, not 3.1; put it in quotes"),
        ([app(python="python3.12")], "web_apps[0].python: 'python3.12' is not a version of Python"),
        ([app(requirements=["a", "-r b"])], "web_apps[0].requirements[1]: '-r b' is an option of the installer"),
        ([app(commands=["a", ""])], "web_apps[0].commands[1]: is empty; write a command, such as 'python manage.py"),
        ([app(commands="a | b")], "web_apps[0].commands[0]: 'a | b' needs a shell for '|', and there is none"),
        (
            [app(commands=["a"], user="deploy")],
            (
                "web_apps[0].commands: run as the app's own user and not as 'deploy', and would take /var/lib away "
                "from it; leave out 'user', and 'util' runs the app as well"
            ),
        ),
        (
            [app(server="none", commands=["a"])],
            "web_apps[0].commands: an app without a server has no environment to run them in; leave them out",
        ),
        (
            [app(server="none", public=["static"])],
            "web_apps[0].public: everybody can read an app without a server; leave it out",
        ),
        ([app(public=["/static"])], "web_apps[0].public[0]: '/static' is absolute; write it relative to the release"),
        ([app(public=["../x"])], "web_apps[0].public[0]: '../x' has '.' or '..' in it; write the path out"),
        ([app(processes=0)], "web_apps[0].processes: is 0; the least is 1"),
        ([app(threads="-1")], "web_apps[0].threads: is -1; the least is 1"),
        ([app(keep_releases=0)], "web_apps[0].keep_releases: is 0; the least is 1"),
        ([app(timeout=-1)], "web_apps[0].timeout: is -1; the least is 0"),
        ([app(graceful_timeout=0)], "web_apps[0].graceful_timeout: is 0; the least is 1"),
        ([app(memory_max="512MB")], "web_apps[0].memory_max: '512MB' is not an amount of memory"),
        ([app(user="root")], "web_apps[0].user: an app must not run as root"),
        ([app(directory="code")], "web_apps[0].directory: 'code' is not absolute; begin it with '/'"),
        ([app(venv="/a b")], "web_apps[0].venv: '/a b' has a character that is not safe in a path"),
        (
            [app(environment_file="/a%i")],
            "web_apps[0].environment_file: '/a%i' has a character that is not safe in a path",
        ),
        ([app(writable=["/var/lib/x", "y"])], "web_apps[0].writable[1]: 'y' is not absolute; begin it with '/'"),
        (
            [app(writable=["/srv/util/current/media"])],
            (
                "web_apps[0].writable[0]: '/srv/util/current/media' is code, which an app cannot change and every "
                "release replaces; take a folder such as '/var/lib/util'"
            ),
        ),
        ([app(writable=["/srv/util/"])], "web_apps[0].writable[0]: '/srv/util/' is code"),
        ([app(health={"path": "up"})], "web_apps[0].health.path: 'up' is not a path"),
        ([app(health={"timeout": 0})], "web_apps[0].health.timeout: is 0; the least is 1"),
        ([app(health={"status": 99})], "web_apps[0].health.status: is 99; write a status from 100 to 599, or 0 for"),
        (
            [app(health={"host": "a b"})],
            "web_apps[0].health.host: 'a b' is no name of a host; write it as in an address",
        ),
        ([app(health={"method": "POST"})], "web_apps[0].health.method: "),
        (
            [app(options={"workers": 3})],
            "web_apps[0].options.workers: is a key of the app itself; write 'processes' beside options",
        ),
        (
            [app(options={"daemon": True})],
            "web_apps[0].options.daemon: is up to the unit that runs the app; leave it out",
        ),
        (
            [app(options={"a-b": 1})],
            "web_apps[0].options.a-b: is not the name of a setting; write it as in gunicorn.conf.py",
        ),
        ([app(environment={"A B": "hush"})], "web_apps[0].environment.A B: 'A B' cannot be the name of a variable"),
        (
            [app(environment={"A": "hush\nhush"})],
            "web_apps[0].environment.A: has a line break or another control character",
        ),
        ([app(environment={"A": True})], "web_apps[0].environment.A: is not a text; put it in quotes"),
        ([app(environment={1: "a"})], "web_apps[0].environment.1: '1' cannot be the name of a variable"),
        ([app(environment="hush")], "web_apps[0].environment: must be a dict"),
        ([app(bind="5000")], "web_apps[0].bind: '5000' is not an address and a port"),
        (
            [app(bind=":5000"), app("shop", bind="127.0.0.1:5000")],
            "web_apps[1].bind: '127.0.0.1:5000' is where 'util' listens (web_apps[0].bind); take another port",
        ),
    ],
)
def test_a_mistake_in_an_app_has_its_message(apps: list[Changes], message: str) -> None:
    found = mistakes(apps)
    assert len(found) == 1
    assert found[0].startswith(message)
    assert "hush" not in found[0]


KEEP = "keep one of them"


@pytest.mark.parametrize(
    ("sites", "message"),
    [
        ([site("Main", domains=["a.test"])], "web_sites[0].name: 'Main' cannot be a name"),
        ([site("default")], "web_sites[0].name: 'default' is Debian's own site; take another name, such as 'main'"),
        ([site(), site(domains=["b.test"])], f"web_sites[1].name: 'main' is the name of web_sites[0] already; {OUT}"),
        ([site(domains=[])], "web_sites[0].domains: is empty; give at least one"),
        ([site(domains=None)], "web_sites[0].domains: is missing; state present needs it"),
        ([site(routes=[])], "web_sites[0].routes: is empty; give at least one"),
        ([site(routes=None)], "web_sites[0].routes: is missing; state present needs it"),
        ([site(listen=[])], "web_sites[0].listen: is empty; give at least one"),
        ([site(domains=["a_b.test"])], "web_sites[0].domains[0]: 'a_b.test' is not a host name"),
        ([site(domains="a.test, a_b.test")], "web_sites[0].domains[1]: 'a_b.test' is not a host name"),
        ([site(listen=["http"])], "web_sites[0].listen[0]: 'http' is not a port"),
        (
            [site(listen=["80", "0.0.0.0:80"])],
            f"web_sites[0].listen[1]: '0.0.0.0:80' is part of web_sites[0].listen[0]; {KEEP}",
        ),
        ([site(client_max_body_size="20MB")], "web_sites[0].client_max_body_size: '20MB' is not a size"),
        ([site(extra=["a;"])], "web_sites[0].extra: must be a text, not a list"),
        ([site(tls={"mode": "letsencrypt"})], "web_sites[0].tls.mode: 'letsencrypt' is not one of its values"),
        ([site(tls={"hsts": 60})], "web_sites[0].tls.hsts: does nothing without https"),
        ([signed(listen=[])], "web_sites[0].tls.listen: is empty"),
        ([signed(listen=["x"])], "web_sites[0].tls.listen[0]: 'x' is not a port"),
        ([signed(hsts=-1)], "web_sites[0].tls.hsts: is -1; the least is 0"),
        ([signed(hsts=10**12)], "web_sites[0].tls.hsts: 1000000000000 seconds are more than ten years"),
        ([signed(certificate_file="/etc/x.pem")], "web_sites[0].tls.certificate_file: does nothing with this mode"),
        ([signed(key="x")], "web_sites[0].tls.key: does nothing with this mode"),
        ([signed(mode="provided", key_file="/k", certificate="a", key="b")], "web_sites[0].tls.key_file: has no"),
        ([signed(mode="provided", key="x")], "web_sites[0].tls.certificate: is missing, which mode 'provided' needs"),
        (
            [signed(mode="provided", certificate_file="/c d")],
            "web_sites[0].tls.certificate_file: '/c d' is not the path of a file on the host",
        ),
        (
            [signed(mode="provided", certificate_file="/c", key="x")],
            "web_sites[0].tls.certificate_file: names a file of the host, and a certificate is provided as well",
        ),
        (
            [signed() | {"domains": ["192.0.2.1"]}],
            "web_sites[0].domains[0]: '192.0.2.1' is an address, which no client",
        ),
        (
            [signed() | {"listen": ["443"]}],
            "web_sites[0].tls.listen: 443 would speak https, and speaks http for site 'main' (web_sites[0])",
        ),
        (
            [signed(), site("b", domains=["b.test"], listen=["443"])],
            "web_sites[1].listen: 443 would speak http, and speaks https for site 'main' (web_sites[0])",
        ),
        (
            [signed(), site("b", domains=["b.test"], tls={"mode": "self_signed", "profile": "modern"})],
            "web_sites[1].tls.profile: 'modern' differs from 'intermediate' of site 'main' (web_sites[0]) at 443",
        ),
        (
            [signed(), site("b", listen=["8080"], domains=["main.test"], tls={"mode": "self_signed"})],
            "web_sites[1].domains[0]: 'main.test' is a domain of site 'main' already",
        ),
        (
            [signed(hsts_subdomains=True)],
            "web_sites[0].tls.hsts_subdomains: does nothing without 'hsts'; give 'hsts' a number of seconds as well",
        ),
        (
            [signed(hsts=31536000, hsts_preload=True)],
            "web_sites[0].tls.hsts_preload: needs 'hsts_subdomains'; write 'hsts_subdomains: true' as well",
        ),
        (
            [signed(hsts=300, hsts_subdomains=True, hsts_preload=True)],
            "web_sites[0].tls.hsts_preload: no list of browsers takes names for 300 seconds",
        ),
        ([site(headers={"frame_options": "ALLOW"})], "web_sites[0].headers.frame_options: 'ALLOW' is not one of"),
        ([site(headers={"content_policy": "a\nb"})], "web_sites[0].headers.content_policy: 'a\\nb' has characters"),
        (
            [route(redirect="/y", headers={"content_policy": "$x"})],
            "web_sites[0].routes[1].headers.content_policy: '$x'",
        ),
        ([route(redirect="/y", headers={"nosnif": True})], "web_sites[0].routes[1].headers.nosnif: "),
        (
            [site(routes=[{"path": "/", "redirect": "https://main.test"}], tls={"mode": "self_signed"})],
            "web_sites[0].routes[0].redirect: 'https://main.test' is served by this route itself: a loop",
        ),
        (
            [site(domains=["a.test", "A.test"])],
            f"web_sites[0].domains[1]: 'A.test' is a domain of the same site already (web_sites[0].domains[0]); {KEEP}",
        ),
        (
            [site(domains=["*.a.test"]), site("b", domains=["*.A.test"])],
            f"web_sites[1].domains[0]: '*.A.test' is a domain of site 'main' already (web_sites[0].domains[0]); {KEEP}",
        ),
        (
            [site(), site("b", domains=["main.test"], listen=["8080", "[::]:80"])],
            "web_sites[1].domains[0]: 'main.test' is a domain of site 'main' already (web_sites[0].domains[0])",
        ),
        (
            [site(listen=["5000"]), site("b", listen=["127.0.0.1:5001"])],
            "web_apps[1].bind: site 'main' listens on that port (web_sites[0].listen); take another port",
        ),
        ([site(routes=[{"app": "util"}])], "web_sites[0].routes[0].path: is missing"),
        ([route(app="util", path="x")], "web_sites[0].routes[1].path: 'x' does not begin with '/'"),
        (
            [route(app="util", path="/")],
            f"web_sites[0].routes[1].path: '/' has a route already (web_sites[0].routes[0]); {KEEP}",
        ),
        (
            [site(routes=[{"path": "/a", "app": "util"}, {"path": "/a/", "app": "util"}])],
            f"web_sites[0].routes[1].path: '/a/' covers the same requests as '/a' (web_sites[0].routes[0]); {KEEP}",
        ),
        (
            [site(routes=[{"path": "/%C3%A9", "app": "util"}, {"path": "/%c3%a9", "app": "util"}])],
            "web_sites[0].routes[1].path: '/%c3%a9' covers the same requests as '/%C3%A9' (web_sites[0].routes[0])",
        ),
        ([route(app="utl")], "web_sites[0].routes[1].app: no app named 'utl'; did you mean 'util'?"),
        ([route(app="blog")], "web_sites[0].routes[1].app: no app named 'blog'; there is 'shop', 'util'"),
        (
            [route(app="old")],
            "web_sites[0].routes[1].app: app 'old' is to be removed (web_apps[2]); remove the route as well",
        ),
        (
            [route(app="front")],
            "web_sites[0].routes[1].app: app 'front' has no server; write 'static: /srv/front/current'",
        ),
        ([route()], "web_sites[0].routes[1]: has none of app, static, proxy, redirect and wordpress; give one of them"),
        (
            [route(app="util", static="/srv/www")],
            "web_sites[0].routes[1]: has app and static at once; keep one of app, static, proxy, redirect and",
        ),
        (
            [route(statc="/srv/www", app="util")],
            "web_sites[0].routes[1].statc: there is no such key; did you mean 'static'?",
        ),
        ([route(static="www")], "web_sites[0].routes[1].static: 'www' is not absolute; begin it with '/'"),
        (
            [route(static="/srv/util")],
            "web_sites[0].routes[1].static: '/srv/util' would publish the code of app 'util'",
        ),
        (
            [route(static="/srv/util/current/")],
            (
                "web_sites[0].routes[1].static: '/srv/util/current/' would publish the code of app 'util'; "
                "name a folder in it, such as '/srv/util/current/static'"
            ),
        ),
        (
            [route(static="/srv/util/current/statics/a")],
            (
                "web_sites[0].routes[1].static: the web server cannot read '/srv/util/current/statics/a' of app "
                "'util'; add 'statics/a' to 'public' of the app (web_apps[0])"
            ),
        ),
        (
            [route(static="/srv/front")],
            "web_sites[0].routes[1].static: '/srv/front' holds all releases; write '/srv/front/current'",
        ),
        ([route(proxy="127.0.0.1:80")], "web_sites[0].routes[1].proxy: '127.0.0.1:80' does not begin with 'http://'"),
        ([route(proxy="http://a.test", host="a b")], "web_sites[0].routes[1].host: 'a b' has white space in it"),
        ([route(proxy="http://a.test", timeout=0)], "web_sites[0].routes[1].timeout: is 0; the least is 1"),
        ([route(redirect="new")], "web_sites[0].routes[1].redirect: 'new' is no target"),
        (
            [route(redirect="http://a.test:99999")],
            "web_sites[0].routes[1].redirect: 'http://a.test:99999' has no valid host",
        ),
        ([route(redirect="/y", status=303)], "web_sites[0].routes[1].status: 303 is not one of its values"),
        (
            [route(redirect="/y?z")],
            (
                "web_sites[0].routes[1].redirect: '/y?z' has a query or a fragment, after which no path can be added; "
                "write 'keep_path: false', or leave it out of the address"
            ),
        ),
        (
            [route(redirect="/x/")],
            "web_sites[0].routes[1].redirect: '/x/' is served by this route itself: a loop; redirect to another path",
        ),
        ([route(redirect="/x/y")], "web_sites[0].routes[1].redirect: '/x/y' is served by this route itself: a loop"),
        ([route(redirect="http://MAIN.test/x")], "web_sites[0].routes[1].redirect: 'http://MAIN.test/x' is served by"),
        ([site(routes=[{"path": "/", "redirect": "http://main.test"}])], "web_sites[0].routes[0].redirect: "),
        ([route(static="/srv/x", index=["a/b"])], "web_sites[0].routes[1].index[0]: 'a/b' is not the name of a file"),
        ([route(static="/srv/x", fallback="a")], "web_sites[0].routes[1].fallback: 'a' does not begin with '/'"),
        ([route(static="/srv/x", expires="soon")], "web_sites[0].routes[1].expires: 'soon' is not a time"),
        (
            [route(app="util", client_max_body_size="x")],
            "web_sites[0].routes[1].client_max_body_size: 'x' is not a size",
        ),
        (
            [route(app="util", fallback="/a")],
            "web_sites[0].routes[1].fallback: does nothing with app; it belongs to static",
        ),
        (
            [route(static="/srv/x", timeout=5)],
            "web_sites[0].routes[1].timeout: does nothing with static; it belongs to app or proxy",
        ),
        ([route(app="util", host="a.test")], "web_sites[0].routes[1].host: does nothing with app; it belongs to proxy"),
    ],
)
def test_a_mistake_in_a_site_has_its_message(sites: list[Changes], message: str) -> None:
    apps = [
        app(),
        app("shop", bind=":5000" if sites[0].get("listen") == ["5000"] else ":5999"),
        {"name": "old", "state": "absent"},
    ]
    found = mistakes([*apps, app("front", server="none")], sites)
    assert len(found) == 1
    assert found[0].startswith(message)


@pytest.mark.parametrize(
    "sites",
    [
        [route(redirect="/y")],
        [route(redirect="https://main.test/x")],
        [route(redirect="http://main.test:8080/x")],
        [route(redirect="http://other.test/x")],
        [route(redirect="/y?z=1", keep_path=False)],
        [site(routes=[{"path": "/", "redirect": "/util"}, {"path": "/util", "app": "util"}])],
        [route(static="/srv/util/current/static")],
        [route(static="/srv/util/current/static/css/")],
        [route(static="/srv/util/current/app/media")],
        [route(redirect="/y", index=["index.html"], buffering=True)],
        [site(), site("b", domains=["main.test"], listen=["192.0.2.1:80"])],
        [signed(), site("b", domains=["b.test"])],
        [site(server="apache", tls={"mode": "none"})],
        [site(server="apache", tls={"mode": "self_signed", "profile": "modern", "hsts": 300})],
        [signed(hsts=31536000, hsts_subdomains=True, hsts_preload=True)],
        [site(headers={"permissions_policy": 'geolocation=(self "https://a.test")', "content_policy": ""})],
        [signed(mode="provided", certificate_file="/etc/letsencrypt/live/x/fullchain.pem", key_file="/k.pem")],
        [site(routes=[{"path": "/", "redirect": "https://main.test"}])],
        [site(), site("b", domains=["main.test"], state="absent", routes=[{"path": "bad", "app": "nobody"}])],
    ],
)
def test_what_only_looks_like_a_mistake_passes(sites: list[Changes]) -> None:
    assert mistakes([app(public=["static", "app/media/"])], sites) == []


def test_an_app_that_is_to_be_removed_needs_only_its_name() -> None:
    assert (
        mistakes([{"name": "util", "state": "absent", "source": {"path": "gone"}, "wsgi": "?"}], folders=(Path("/"),))
        == []
    )


def test_apps_of_role_nginx_are_found_by_their_addresses() -> None:
    variables = {
        "nginx_sites": [site(listen=["5000"], routes=[{"path": "/", "app": "utl"}])],
        "nginx_apps": [
            {"name": "util", "address": "127.0.0.1:5000"},
            {"name": "b", "address": "unix:b"},
            {"name": "b"},
        ],
    }
    assert [str(problem) for problem in problems(variables)] == [
        "nginx_apps[0].address: site 'main' listens on that port (nginx_sites[0].listen); take another port",
        (
            "nginx_apps[1].address: 'unix:b' is not the path of a socket; "
            "write 'unix:/run/gunicorn/<name>.sock' or '127.0.0.1:5000'"
        ),
        "nginx_apps[2].address: is missing",
        f"nginx_apps[2].name: 'b' is the name of nginx_apps[1] already; {OUT}",
        "nginx_sites[0].routes[0].app: no app named 'utl'; did you mean 'util'?",
    ]


def test_a_role_knows_its_own_keys_only() -> None:
    found = [str(problem) for problem in problems({"app_apps": [app(processes=2)]})]
    assert len(found) == 1
    assert found[0].startswith("app_apps[0].processes: there is no such key")


def test_a_relative_source_is_looked_for_in_every_folder(tmp_path: Path) -> None:
    (tmp_path / "two" / "code").mkdir(parents=True)
    (tmp_path / "two" / "file").touch()
    (tmp_path / "two" / "a.zip").touch()
    archive = {"checksum": "sha256:" + "a" * 64}
    folders = (tmp_path / "one", tmp_path / "two")
    where = f"{folders[0]}, {folders[1]}"
    sources = [{"path": "code"}, {"path": str(tmp_path)}, {"path": "missing"}, {"path": "/missing"}, {"path": "file"}]
    sources += [{**archive, "archive": "a.zip"}, {**archive, "archive": "b.zip"}]
    assert mistakes([app(f"a{i}", source=source) for i, source in enumerate(sources)], folders=folders) == [
        f"web_apps[2].source.path: there is no folder 'missing' on the control node, looked for in {where}",
        "web_apps[3].source.path: there is no folder '/missing' on the control node",
        "web_apps[4].source.path: 'file' is a file; name the folder that holds the app",
        f"web_apps[6].source.archive: there is no file 'b.zip' on the control node, looked for in {where}",
    ]


def test_all_mistakes_are_reported_in_the_order_of_the_model() -> None:
    apps = [app(f"a{i}", wsgi="x") for i in range(12)]
    sites = [site(routes=[{"path": "x", "app": "y"}])]
    found = mistakes(apps, sites)
    assert [line.split(":")[0] for line in found] == [
        *(f"web_apps[{i}].wsgi" for i in range(12)),
        "web_sites[0].routes[0].app",
        "web_sites[0].routes[0].path",
    ]


WEIRD: list[Any] = [
    None,
    "",
    "x",
    -1,
    1.5,
    True,
    [],
    ["x"],
    [None],
    [[]],
    {},
    {"x": 1},
    {1: None},
    "\0",
    "http://[",
    "a:b",
    "é" * 99,
]


@pytest.mark.parametrize("weird", WEIRD, ids=repr)
def test_nothing_that_yaml_can_say_makes_the_check_itself_fail(weird: object) -> None:
    names = ("web_apps", "web_sites", "app_apps", "gunicorn_apps", "nginx_sites", "nginx_apps")
    problems(dict.fromkeys(names, weird))
    app_keys = [
        *app(),
        "environment",
        "options",
        "health",
        "bind",
        "writable",
        "state",
        "server",
        "processes",
        "requirements",
    ]
    site_keys = [*site(), "listen", "state", "extra", "client_max_body_size"]
    for key in app_keys:
        mistakes([{**app(), key: weird}, {**app("b"), key: weird}], [site()])
    for key in site_keys:
        mistakes([app()], [{**site(), key: weird}, {**site("b"), key: weird}])
    for key in (
        "path",
        "app",
        "static",
        "proxy",
        "redirect",
        "index",
        "fallback",
        "status",
        "keep_path",
        "host",
        "timeout",
    ):
        mistakes([app()], [site(routes=[{"path": "/", key: weird}, weird])])
    for key in ("path", "git", "version", "archive", "checksum", "package", "subdirectory"):
        mistakes([app(source={key: weird})], folders=(Path("/"),))


def test_a_hundred_sites_are_checked_at_once() -> None:
    sites = [site(f"s{i}", routes=[{"path": f"/{path}", "app": "util"} for path in range(3)]) for i in range(100)]
    started = time.process_time()
    assert mistakes([app()], sites) == []
    assert time.process_time() - started < 0.5  # 0.02 s on an idle machine


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("web_app", "web_apps"),
        ("web_sties", "web_sites"),
        ("nginx_worker_conections", "nginx_worker_connections"),
        ("web_sites", None),
        ("web_root", None),
        ("app_version", None),
        ("something", None),
    ],
)
def test_a_misspelt_variable_is_found(name: str, meant: str | None) -> None:
    assert strays([name]).get(name) == meant


FLASK = {"name": "util", "server": "flask", "wsgi": "wsgi:app"}
REFUSED = (
    "'flask' is a server for development, and 'util' is to run on a host for production; "
    "take another one, such as 'gunicorn', or set web_environment: development if you develop there"
)


@pytest.mark.parametrize(
    ("variables", "messages"),
    [
        ({"web_apps": [app(server="flask")]}, [f"web_apps[0].server: {REFUSED}"]),
        ({"web_apps": [app(server="flask")], "web_environment": "production"}, [f"web_apps[0].server: {REFUSED}"]),
        ({"web_apps": [app(server="flask")], "web_environment": "development"}, []),
        ({"web_apps": [app(server="flask", state="absent")]}, []),
        ({"web_apps": [app()], "web_environment": "production"}, []),
        ({"flask_apps": [FLASK]}, [f"flask_apps[0].server: {REFUSED}"]),
        ({"flask_apps": [{"name": "util", "wsgi": "wsgi:app"}]}, [f"flask_apps[0].server: {REFUSED}"]),
        ({"flask_apps": [FLASK], "flask_environment": "development"}, []),
        # The part of an app that is for another role.
        ({"gunicorn_apps": [FLASK]}, []),
        ({"app_apps": [{"name": "util", "server": "flask", "source": {"package": "util"}}]}, []),
        (
            {"flask_environment": "dev"},
            ["flask_environment: 'dev' is not one of its values; write production or development"],
        ),
        (
            {"web_environment": "developement"},
            ["web_environment: 'developement' is not one of its values; did you mean 'development'?"],
        ),
    ],
)
def test_development_server_is_for_development_hosts(variables: Changes, messages: list[str]) -> None:
    assert [str(problem) for problem in problems(variables)] == messages


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"bind": ":5000"}, True),
        ({"bind": "192.0.2.1:5000"}, True),
        ({"bind": "[::]:5000"}, True),
        ({"bind": "127.0.0.1:5000"}, False),
        ({"bind": "[::1]:5000"}, False),
        ({"bind": ""}, False),
        ({"bind": ":5000", "debug": False}, False),
        ({"bind": ":5000", "server": "gunicorn"}, False),
    ],
)
def test_debugger_is_for_this_host(changes: Changes, refused: bool) -> None:
    found = problems(
        {"web_apps": [app(**{"server": "flask", "debug": True} | changes)], "web_environment": "development"}
    )
    reason = f"{changes['bind']!r} can be reached from elsewhere, and a debugger runs code for whoever reaches it"
    way_out = "write '127.0.0.1:5000', or leave out bind for a unix socket, or debug"
    assert [str(problem) for problem in found] == ([f"web_apps[0].bind: {reason}; {way_out}"] if refused else [])


@pytest.mark.parametrize("variable", ["gunicorn_apps", "uwsgi_apps", "flask_apps"])
def test_apps_of_every_role_are_checked(variable: str) -> None:
    environment = {"flask_environment": "development"}
    found = problems({variable: [{"name": "util", "wsgi": "wsgi.py"}], **environment})
    assert [problem.path for problem in found] == [f"{variable}[0].wsgi"]
