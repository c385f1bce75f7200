"""Do jobs until told to stop; the one in hand is done to its end."""

from __future__ import annotations

import signal
import sys
import threading

import jobs

stopping = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())
while not stopping.is_set():
    if not jobs.do_one(sys.argv[1]):
        stopping.wait(0.2)
