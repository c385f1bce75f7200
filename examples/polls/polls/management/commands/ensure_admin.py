# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``manage.py ensure_admin``: an account for the admin, made from the environment if it is missing."""

from __future__ import annotations

import os

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Makes the superuser that two environment variables describe, once."""

    help = (
        "Make the superuser POLLS_ADMIN with the password POLLS_ADMIN_PASSWORD. An account that is there already, and "
        "its password, stay as they are."
    )

    def handle(self, *_args: object, **_options: object) -> None:
        """Make the account if nobody has its name."""
        name, password = (os.environ.get(variable, "") for variable in ("POLLS_ADMIN", "POLLS_ADMIN_PASSWORD"))
        if not name or not password:
            raise CommandError("POLLS_ADMIN and POLLS_ADMIN_PASSWORD must be set")
        accounts = get_user_model().objects
        if accounts.filter(username=name).exists():
            self.stdout.write("The account is there already.")
        else:
            accounts.create_superuser(name, password=password)
            self.stdout.write("The account is made.")
