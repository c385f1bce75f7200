# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The app ``polls`` of the project."""

from __future__ import annotations

from django.apps import AppConfig


class PollsConfig(AppConfig):
    """Its name and the kind of its keys."""

    name = "polls"
    default_auto_field = "django.db.models.BigAutoField"
