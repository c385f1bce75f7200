# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run an app under Flask's development server, which is that of Werkzeug.

systemd starts it as ``barehost_flask.py FILE`` with the socket of the app, and has the running one take up what is new
by ``barehost_flask.py FILE reload``. There is one process for as long as the service lives: to load the app anew it
finishes the requests at hand and executes itself again, while further requests wait in systemd's socket.
"""

from __future__ import annotations

import logging
import os
import secrets
import select
import signal
import socket
import sys
import threading
import time
from configparser import RawConfigParser
from pathlib import Path

import barehost_wsgi

# Other files of this folder are no modules of the app.
sys.path.remove(str(Path(__file__).parent))

try:
    from werkzeug.debug import DebuggedApplication
    from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler, make_server
    from werkzeug.wsgi import get_input_stream
except ModuleNotFoundError as error:
    sys.exit(
        f"{sys.prefix} has no module {error.name!r}, and the development server is part of Flask: "
        "add flask to the requirements of the app, or give the app another server"
    )

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from configparser import SectionProxy
    from typing import Any, NoReturn

    from werkzeug.serving import BaseWSGIServer

    Seen = dict[str, tuple[int, int]]

LOG = logging.getLogger("barehost")
# What systemd has said of this service, before an app or this file adds to it.
SURROUNDINGS = dict(os.environ)
# The first socket that systemd hands over.
GIVEN = 3
# How often the code is looked at, in seconds.
PAUSE = 0.4
# Python takes up the first kind when it starts, Flask the others when it needs them first.
WATCHED = (".py", ".html", ".j2", ".jinja", ".jinja2")


class Handler(WSGIRequestHandler):
    """Describes a request to the app as the other servers do."""

    protocol_version = "HTTP/1.1"

    def make_environ(self) -> dict[str, Any]:
        """Keep the path as the client wrote it, and end the body where it ends."""
        environ: dict[str, Any] = super().make_environ()
        del environ["RAW_URI"]
        environ["REQUEST_URI"] = self.requestline.split()[1]
        if isinstance(self.server.server_address, str):
            # A unix socket has neither; this is for a client that does not say whom it asks.
            environ.update(SERVER_NAME="localhost", SERVER_PORT="80")
        environ["wsgi.input"] = get_input_stream(environ)
        return environ

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Leave the access log to the web server."""


class Watch:
    """Tells whether the code in a folder is another than it was at first."""

    def __init__(self, folder: str) -> None:
        """Have a first look."""
        self.folder = folder
        self.first = self.last = scan(folder)

    def changed(self) -> bool:
        """Look again; a change counts when it is over, so that many files can change at once."""
        before, self.last = self.last, scan(self.folder)
        return self.last == before and self.last != self.first


def scan(folder: str) -> Seen:
    """Find the files that make an app and when each was changed; what is installed is not looked at."""
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "." and not Path(place, name, "pyvenv.cfg").exists()]
        for path in (Path(place, name) for name in names if name.endswith(WATCHED)):
            try:
                status = path.stat()
            except OSError:
                # Gone in the meantime.
                continue
            found[str(path)] = (status.st_ino, status.st_mtime_ns)
    return found


def load(settings: SectionProxy, *, keep: bool = False) -> barehost_wsgi.BehindProxy:
    """Load the app. With ``keep`` one that cannot be loaded is replaced by one that fails for the same reason."""
    if settings.getboolean("debug"):
        # Flask hands its errors to the debugger then.
        os.environ["FLASK_DEBUG"] = "1"
    try:
        return barehost_wsgi.application(settings["wsgi"], settings["directory"])
    except Exception as reason:
        if not keep:
            raise
        LOG.exception("the app cannot be loaded; the next change of its code is the next try")
        return barehost_wsgi.BehindProxy(failing(reason), barehost_wsgi.PROXIES)


def failing(reason: Exception) -> barehost_wsgi.Application:
    """Give an app that can do nothing but fail."""

    def app(_environ: dict[str, Any], _start_response: object) -> Iterable[bytes]:
        raise reason

    return app


def debugged(app: barehost_wsgi.Application, file: Path) -> barehost_wsgi.Application:
    """Put an app behind the debugger; its PIN is in a file that only root and the app can read, and in no log."""
    if not hasattr(DebuggedApplication, "check_host_trust"):
        sys.exit(
            "debug needs Werkzeug 3.0.3 or newer: earlier debuggers obey any page that the browser has open; "
            "take a newer one into the requirements of the app, or leave debug out"
        )
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(f"{secrets.randbelow(1000):03}-{secrets.randbelow(1000):03}-{secrets.randbelow(1000):03}\n")
    os.environ["WERKZEUG_DEBUG_PIN"] = file.read_text().strip()
    if isinstance(app, barehost_wsgi.Failsafe):
        # What answers 500 for an app that fails would keep its errors from the debugger.
        app = app.app
    debugger = DebuggedApplication(app, evalex=True, pin_logging=False)
    # It reads the PIN along with this name, and now rather than with the first request.
    _name = debugger.pin_cookie_name
    del os.environ["WERKZEUG_DEBUG_PIN"]
    return debugger


def listen(app: barehost_wsgi.Application, *, threaded: bool) -> BaseWSGIServer:
    """Take over the socket that systemd holds."""
    with socket.socket(fileno=os.dup(GIVEN)) as given:
        address = given.getsockname()
    host, port = (f"unix://{address}", 0) if isinstance(address, str) else address[:2]
    server = make_server(host, port, app, threaded=threaded, request_handler=Handler, fd=GIVEN)
    if isinstance(server, ThreadedWSGIServer):
        # Wait for the requests at hand before the server is closed.
        server.daemon_threads = False
    return server


def notify(text: str) -> None:
    """Tell systemd how things are, if it has asked for it."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.sendto(text.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)


def serve(settings: SectionProxy, runtime: Path, file: str, *, again: bool) -> NoReturn:
    """Answer requests until systemd wants an end, or the code another beginning."""
    told = signals()
    signal.signal(signal.SIGHUP, noted)
    watch = Watch(settings["directory"]) if settings.getboolean("reload") else None
    app = load(settings, keep=again and watch is not None)
    if settings.getboolean("debug"):
        app.app = debugged(app.app, runtime / "pin")
    server = listen(app, threaded=settings.getboolean("threaded", True))
    signal.signal(signal.SIGTERM, noted)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    serving.daemon = True
    serving.start()
    (runtime / "ready").touch()
    notify("READY=1")

    reason = wait(told, watch)
    # From here on until the new program listens to it, a signal to begin anew says nothing new.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=server.shutdown, daemon=True).start()
    serving.join(int(settings["graceful_timeout"]))
    if reason == signal.SIGHUP:
        command = [sys.executable, "--check-hash-based-pycs", "always", __file__, file, "again"]
        os.execve(sys.executable, command, SURROUNDINGS)
    if serving.is_alive():
        os._exit(0)
    sys.exit()


def signals() -> int:
    """Give a pipe that brings the number of every signal: whoever waits for it misses none."""
    told, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    return told


def noted(_number: int, _frame: object) -> None:
    """Do nothing more about a signal; its number is in the pipe."""


def wait(told: int, watch: Watch | None) -> int:
    """Wait for a signal; changed code is as good as the one to begin anew."""
    while True:
        if select.select([told], [], [], PAUSE if watch else None)[0]:
            number = os.read(told, 1)[0]
            if number in {signal.SIGHUP, signal.SIGTERM}:
                return number
        elif watch and watch.changed():
            LOG.warning("the code has changed: loading the app anew")
            return signal.SIGHUP


def reload(settings: SectionProxy, runtime: Path) -> None:
    """Have the server load the app anew, if it can be loaded, and wait until that is done."""
    load(settings)
    ready = runtime / "ready"
    ready.unlink(missing_ok=True)
    os.kill(int(os.environ["MAINPID"]), signal.SIGHUP)
    until = time.monotonic() + int(settings["graceful_timeout"]) + 30
    while not ready.exists():
        if time.monotonic() > until:
            sys.exit("the app was told to load anew and has not come back")
        time.sleep(0.05)


def main(file: str, verb: str = "start") -> None:
    """Read the settings of an app and do what systemd wants."""
    parser = RawConfigParser()
    with Path(file).open(encoding="utf-8") as settings:
        parser.read_file(settings)
    runtime = Path(os.environ["RUNTIME_DIRECTORY"])
    if verb == "reload":
        reload(parser["app"], runtime)
    else:
        serve(parser["app"], runtime, file, again=verb == "again")


if __name__ == "__main__":
    main(*sys.argv[1:])
