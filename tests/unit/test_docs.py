# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The READMEs say what ansible-doc says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_tables_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "script/docs", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
