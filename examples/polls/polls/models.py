# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Questions, and the choices that people vote for."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class PublishedQuestions(models.QuerySet):
    """Questions of which some are not to be seen yet."""

    def published(self) -> PublishedQuestions:
        """Leave out what is for later, and what nobody could answer."""
        return self.filter(published__lte=timezone.now(), choices__isnull=False).distinct()


class Question(models.Model):
    """A question that is put to everybody."""

    text = models.CharField("question", max_length=200)
    published = models.DateTimeField("from", default=timezone.now, help_text="Nobody sees the question before.")

    objects = PublishedQuestions.as_manager()

    class Meta:
        """The newest question comes first."""

        ordering = ("-published", "-pk")

    def __str__(self) -> str:
        return self.text

    def total(self) -> int:
        """Count the votes for all choices."""
        return sum(choice.votes for choice in self.choices.all())


class Choice(models.Model):
    """One answer to a question."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="choices")
    text = models.CharField("choice", max_length=200)
    votes = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        """Choices stay in the order in which they were written."""

        ordering = ("pk",)

    def __str__(self) -> str:
        return self.text
