# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a careful expert would write for one app under one server: nginx and the command of the server.

Several for each server, because nobody knows beforehand which one is the best: the best of them is what ours is held
against. They know nothing of sandboxes, of restarts without a lost request, or of telling the app who its client is
and where it is mounted beyond what nginx and the server do by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

FOLDER = "/run/byhand"
_NGINX = """\
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 65s;
{servers}}}
"""
_SERVER = """\
    upstream {name} {{
        server {address} fail_timeout=0;
{keepalive}    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
{location}        }}
    }}
"""
_HTTP = """\
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_pass http://{name};
"""
_PERSISTENT = """\
            proxy_http_version 1.1;
            proxy_set_header Connection "";
"""
_UWSGI = """\
            include /etc/nginx/uwsgi_params;
            uwsgi_pass {name};
"""
_APACHE = """\
ServerRoot {folder}
ServerName localhost
PidFile {folder}/{name}.pid
ErrorLog {folder}/{name}.log
Listen {address}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule wsgi_module /usr/lib/apache2/modules/mod_wsgi.so
KeepAlive On
KeepAliveTimeout 75
MaxKeepAliveRequests 0
WSGISocketPrefix {folder}/{name}
WSGIDaemonProcess {name} processes={processes} threads={threads} python-home={home}/.venv python-path={home}
WSGIScriptAlias / {folder}/{name}.wsgi process-group={name} application-group=%{{GLOBAL}}
<Directory {folder}>
    Require all granted
</Directory>
"""


@dataclass(frozen=True)
class Shape:
    """How many workers a server has."""

    processes: int
    threads: int

    def __str__(self) -> str:
        """Write it as the table does."""
        return f"{self.processes}x{self.threads}"


@dataclass(frozen=True)
class Way:
    """One way to run an app: over which kind of socket, with what else on the command line, with which upstream."""

    name: str
    tcp: bool = False
    #: Whether nginx keeps connections to the server.
    kept: bool = False
    options: tuple[str, ...] = ()


#: Ways for workers without threads, and for those with.
_GUNICORN = {
    False: (
        Way("sync, unix"),
        Way("sync, tcp", tcp=True),
        Way("gthread, unix, kept", kept=True, options=("--worker-class=gthread", "--keep-alive=75")),
    ),
    True: (
        Way("gthread, unix"),
        Way("gthread, tcp", tcp=True),
        Way("gthread, unix, kept", kept=True, options=("--keep-alive=75",)),
        Way("gthread, tcp, kept", tcp=True, kept=True, options=("--keep-alive=75",)),
    ),
}
_UWSGI_WAYS = (
    Way("unix"),
    Way("unix, thunder-lock", options=("--thunder-lock",)),
    Way("tcp", tcp=True),
)
_APACHE_WAYS = (
    Way("tcp", tcp=True),
    Way("tcp, kept", tcp=True, kept=True),
)


def ways(server: str, shape: Shape) -> tuple[Way, ...]:
    """Give the ways to run a server by hand; none for one that nobody has written them for."""
    known = {"gunicorn": _GUNICORN[shape.threads > 1], "uwsgi": _UWSGI_WAYS, "mod_wsgi": _APACHE_WAYS}
    return known.get(server, ())


@dataclass(frozen=True)
class ByHand:
    """One way for one app, at a port of nginx."""

    server: str
    shape: Shape
    way: Way
    app: str
    port: int

    @property
    def name(self) -> str:
        """Name units, upstreams and sockets."""
        return f"byhand-{self.port}"

    @property
    def address(self) -> str:
        """Where the server listens, as nginx has it."""
        return f"127.0.0.1:{self.port + 1000}" if self.way.tcp else f"unix:{FOLDER}/{self.name}.sock"

    @property
    def home(self) -> str:
        """Where the code is."""
        return f"/srv/{self.app}/current"

    def files(self) -> dict[str, str]:
        """Give the files that the server reads, by their names."""
        if self.server != "mod_wsgi":
            return {}
        size = {"processes": self.shape.processes, "threads": self.shape.threads}
        conf = _APACHE.format(folder=FOLDER, name=self.name, address=self.address, home=self.home, **size)
        return {f"{self.name}.conf": conf, f"{self.name}.wsgi": "from wsgi import app as application\n"}

    def command(self) -> list[str]:
        """Give the command that starts the server."""
        home = self.home
        if self.server == "mod_wsgi":
            return ["/usr/sbin/apache2", "-f", f"{FOLDER}/{self.name}.conf", "-DFOREGROUND"]
        if self.server == "gunicorn":
            fixed = [
                f"--workers={self.shape.processes}",
                f"--threads={self.shape.threads}",
                "--worker-tmp-dir=/dev/shm",
            ]
            socket = [f"--bind={self.address}", "--umask=0"]
            return [f"{home}/.venv/bin/gunicorn", *fixed, *socket, f"--chdir={home}", *self.way.options, "wsgi:app"]
        fixed = [
            "--plugins=python3",
            "--master",
            "--need-app",
            "--die-on-term",
            "--disable-logging",
            "--enable-threads",
        ]
        size = [f"--processes={self.shape.processes}", f"--threads={self.shape.threads}"]
        socket = [f"--uwsgi-socket={self.address.removeprefix('unix:')}", "--chmod-socket=666"]
        code = [f"--virtualenv={home}/.venv", f"--chdir={home}", "--module=wsgi:app"]
        return ["/usr/bin/uwsgi", *fixed, *size, *socket, *code, *self.way.options]

    def block(self) -> str:
        """Give nginx's part."""
        location = (_UWSGI if self.server == "uwsgi" else _HTTP).format(name=self.name)
        if self.way.kept:
            location = _PERSISTENT + location
        keepalive = "        keepalive 32;\n" if self.way.kept else ""
        return _SERVER.format(
            name=self.name, address=self.address, port=self.port, location=location, keepalive=keepalive
        )


def nginx(sides: list[ByHand]) -> str:
    """Give the configuration of an nginx that serves all of them."""
    return _NGINX.format(folder=FOLDER, servers="".join(side.block() for side in sides))
