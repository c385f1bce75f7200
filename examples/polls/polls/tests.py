# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tests of the polls: ``python manage.py test``."""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from io import StringIO
from unittest import mock

from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import TestCase, override_settings
from django.urls import reverse
from django.utils import timezone

from polls.models import Question

# Of the tests only: what is collected for the web server is no concern of theirs.
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}


def make_question(text: str = "Tea or coffee?", *choices: str, days: int = 0) -> Question:
    """Make a question that is published ``days`` from now."""
    question = Question.objects.create(text=text, published=timezone.now() + timedelta(days=days))
    for choice in choices:
        question.choices.create(text=choice)
    return question


@override_settings(STORAGES=STORAGES)
class PageTests(TestCase):
    """What visitors see."""

    def test_only_what_can_be_answered_is_listed(self) -> None:
        """Neither a question of tomorrow nor one without choices."""
        make_question("Now?", "yes", "no")
        make_question("Tomorrow?", "yes", days=1)
        make_question("Why?")
        page = self.client.get(reverse("polls:index"))
        self.assertContains(page, "Now?", count=1)
        self.assertNotContains(page, "Tomorrow?")
        self.assertNotContains(page, "Why?")

    def test_a_question_of_tomorrow_is_not_there(self) -> None:
        """Not even for those who guess its address."""
        question = make_question("Tomorrow?", "yes", days=1)
        for name in ("question", "results"):
            self.assertEqual(self.client.get(reverse(f"polls:{name}", args=(question.pk,))).status_code, 404)
        self.assertEqual(self.client.post(reverse("polls:vote", args=(question.pk,))).status_code, 404)

    def test_a_vote_is_counted(self) -> None:
        """And shown."""
        question = make_question("Tea or coffee?", "tea", "coffee")
        tea = question.choices.get(text="tea")
        page = self.client.post(reverse("polls:vote", args=(question.pk,)), {"choice": tea.pk}, follow=True)
        self.assertContains(page, "1 vote")
        tea.refresh_from_db()
        self.assertEqual((tea.votes, question.total()), (1, 1))

    def test_a_vote_for_nothing_is_not(self) -> None:
        """Whatever was sent."""
        question, other = make_question("Tea?", "tea"), make_question("Cake?", "cake")
        for choice in ("", "x", "0", str(other.choices.get().pk)):
            page = self.client.post(reverse("polls:vote", args=(question.pk,)), {"choice": choice})
            self.assertContains(page, "Choose one of these.", status_code=400)
        self.assertEqual((question.total(), other.total()), (0, 0))


class EnsureAdminTests(TestCase):
    """The command of the release."""

    def run_command(self, **variables: str) -> str:
        """Run the command with an environment of its own."""
        output = StringIO()
        with mock.patch.dict(os.environ, variables, clear=True):
            call_command("ensure_admin", stdout=output)
        return output.getvalue()

    def test_the_account_is_made_once(self) -> None:
        """Its password stays when the environment has another one later."""
        first, second = secrets.token_hex(), secrets.token_hex()
        self.assertIn("is made", self.run_command(POLLS_ADMIN="root", POLLS_ADMIN_PASSWORD=first))
        self.assertIn("is there already", self.run_command(POLLS_ADMIN="root", POLLS_ADMIN_PASSWORD=second))
        account = get_user_model().objects.get()
        self.assertTrue(account.is_superuser)
        self.assertTrue(account.check_password(first))

    def test_a_missing_variable_is_named(self) -> None:
        """Rather than an account made that anybody can use."""
        with self.assertRaisesMessage(CommandError, "POLLS_ADMIN and POLLS_ADMIN_PASSWORD must be set"):
            self.run_command(POLLS_ADMIN="root")
