# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Visitors of a site who do not stop; runs inside the machine until its input ends.

    python3 -c … DOMAIN PATH VISITORS

Each visitor opens a connection for every other request and keeps it for the next; one of them only ever asks for what
takes long. An empty line tells that there is an answer. At the end all requests are told: when each began and ended,
in seconds since the epoch, the status, and the text.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from contextlib import suppress

SEEN: list[tuple[float, float, int, str]] = []
END = threading.Event()


def visit(domain: str, path: str) -> None:
    """Ask until it is over."""
    connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=30)
    count = 0
    while not END.is_set():
        began = time.time()
        count += 1
        try:
            connection.request("GET", path, headers={"Host": domain})
            response = connection.getresponse()
            SEEN.append((began, time.time(), response.status, response.read().decode(errors="replace")[:200]))
        except (OSError, http.client.HTTPException) as error:
            SEEN.append((began, time.time(), 0, repr(error)))
            count = 0
        if count % 2 == 0:
            connection.close()
        # They are to be always there, not to take the processors from what they watch.
        time.sleep(0.03)
    with suppress(OSError):
        connection.close()


def main() -> None:
    """Let visitors in, and out."""
    domain, path, visitors = sys.argv[1:]
    threads = [threading.Thread(target=visit, args=(domain, path)) for _number in range(int(visitors) - 1)]
    threads.append(threading.Thread(target=visit, args=(domain, "/slow")))
    for thread in threads:
        thread.start()
    while not SEEN:
        time.sleep(0.01)
    sys.stdout.write("\n")
    sys.stdout.flush()
    sys.stdin.read()
    END.set()
    for thread in threads:
        thread.join()
    sys.stdout.write(json.dumps(SEEN))


if __name__ == "__main__":
    main()
