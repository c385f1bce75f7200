# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Questions in the admin, each on one page with its choices."""

from __future__ import annotations

from django.contrib import admin

from polls.models import Choice, Question


class ChoiceInline(admin.TabularInline):
    """The choices of a question."""

    model = Choice
    extra = 3
    readonly_fields = ("votes",)


@admin.register(Question)
class QuestionAdmin(admin.ModelAdmin):
    """A question."""

    inlines = (ChoiceInline,)
    list_display = ("text", "published", "total")
    list_filter = ("published",)
    search_fields = ("text",)
