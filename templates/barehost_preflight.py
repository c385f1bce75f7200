# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load a release of an app by the side of the live one, ask it once, and tell what it answers.

It runs on the app's own Python, as the app's user, in the sandbox of the app's unit. No server is in between: the
first server of an app is installed after its first release, and what breaks a release is in the release.

    python barehost_preflight.py LIBRARY MODULE:CALLABLE FOLDER METHOD PATH HOST SECONDS
"""

from __future__ import annotations

import faulthandler
import importlib.util
import io
import json
import os
import sys
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Environ = dict[str, Any]
    Application = Callable[[Environ, Callable[..., object]], Iterable[bytes]]

#: What the last line begins with; whoever has called this looks for it.
MARK = "barehost-preflight:"
#: Of an answer without an end this much is enough.
ENOUGH = 1 << 20


def environ_of(method: str, path: str, host: str) -> Environ:
    """Give what PEP 3333 has servers say of a request; nobody but this host has sent it."""
    plain, _, query = path.partition("?")
    name, _, port = host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "80")
    return {
        "REQUEST_METHOD": method,
        # As the client writes it: the library takes the path from here.
        "REQUEST_URI": path,
        "SCRIPT_NAME": "",
        "PATH_INFO": plain,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": host,
        "HTTP_USER_AGENT": "barehost.web",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def ask(app: Application, environ: Environ) -> dict[str, Any]:
    """Have the app answer; gives the status, and where the answer sends its reader."""
    answered: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> object:
        places = [value for name, value in headers if name.lower() == "location"]
        answered.update(status=int(status.split(maxsplit=1)[0]), location=places[0] if places else "")
        return lambda _piece: None

    pieces = app(environ, start_response)
    try:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > ENOUGH:
                break
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
    return answered


def end(error: BaseException, ours: set[str]) -> None:
    """Tell an exception as Python does, without what the app has no part in: this program, and Python's own import."""
    told = traceback.TracebackException.from_exception(error)
    frames = [frame for frame in told.stack if frame.filename not in ours and "importlib" not in frame.filename]
    told.stack = traceback.StackSummary.from_list(frames)
    sys.stderr.writelines(told.format())
    leave(1)


def leave(status: int) -> None:
    """End at once: threads that the app has started would keep the process for ever."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main() -> None:
    """Load, ask, tell."""
    library, reference, folder, method, path, host, seconds = sys.argv[1:]
    # The folder of this file is of no concern to the app, and neither are these arguments.
    del sys.argv[1:], sys.path[0]
    # An app that hangs or crashes is shown where it does.
    faulthandler.enable()
    faulthandler.dump_traceback_later(float(seconds), exit=True)
    spec = importlib.util.spec_from_file_location("barehost_wsgi", library)
    if spec is None or spec.loader is None:
        sys.exit(f"{library} is no module")
    wsgi = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(wsgi)
    sys.excepthook = lambda _kind, error, _trace: end(error, {__file__, library})
    answered = ask(wsgi.application(reference, folder), environ_of(method, path, host))
    faulthandler.cancel_dump_traceback_later()
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(1, f"\n{MARK} {json.dumps(answered)}\n".encode())
    leave(0)


if __name__ == "__main__":
    main()
