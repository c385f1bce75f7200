# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Questions and choices."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    """The tables of the beginning."""

    initial = True
    operations = (
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(max_length=200, verbose_name="question")),
                (
                    "published",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="Nobody sees the question before.",
                        verbose_name="from",
                    ),
                ),
            ],
            options={"ordering": ("-published", "-pk")},
        ),
        migrations.CreateModel(
            name="Choice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(max_length=200, verbose_name="choice")),
                ("votes", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "question",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="choices", to="polls.question"
                    ),
                ),
            ],
            options={"ordering": ("pk",)},
        ),
    )
