# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What wrk says, read."""

from __future__ import annotations

import pytest
from ansible_collections.barehost.web.plugins.module_utils._benchmark_load import FaultError, parse_load

GOOD = """\
Running 2s test @ http://127.0.0.1:8099/gunicorn/
  2 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     5.27ms    1.05ms  22.03ms   87.66%
    Req/Sec     1.52k   108.31     1.69k    75.00%
  Latency Distribution
     50%  950.00us
     75%    5.55ms
     90%    6.11ms
     99%    1.14s
  6090 requests in 2.00s, 1.05MB read
{}Requests/sec:   3041.83
Transfer/sec:    537.38KB
"""
BAD = "  Non-2xx or 3xx responses: 12\n"
BROKEN = "  Socket errors: connect 0, read 7, write 0, timeout 3\n"


def test_good_load_has_a_rate_and_percentiles_in_seconds() -> None:
    found = parse_load(GOOD.format(""))
    assert found.requests == 3041.83
    assert found.latency == pytest.approx({"50": 0.00095, "90": 0.00611, "99": 1.14})


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (GOOD.format(BAD), "12 answers had another status than 2xx or 3xx"),
        (
            GOOD.format(BROKEN),
            "7 connections were broken off while reading; 3 connections were without an answer in time",
        ),
        (GOOD.format(BROKEN + BAD), "12 answers had"),
        (GOOD.format("").replace("3041.83", "0.00"), "there was no answer at all"),
        ("unable to connect to 127.0.0.1:8099 Connection refused\n", "it said: unable to connect to 127.0.0.1:8099"),
        ("", "it said: nothing"),
    ],
)
def test_round_with_failures_does_not_count_and_says_why(output: str, reason: str) -> None:
    with pytest.raises(FaultError, match=reason):
        parse_load(output)
