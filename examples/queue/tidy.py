"""Remove the jobs that are done, as a schedule does at night."""

from __future__ import annotations

import sys

import jobs

sys.stdout.write(f"{jobs.greeting('there')} are {jobs.remove_done()} jobs less now\n")
