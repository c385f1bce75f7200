# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a WSGI server imports: ``wsgi:app``."""

from __future__ import annotations

from journal import create_app

app = create_app()
