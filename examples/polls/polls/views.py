# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pages of the polls."""

from __future__ import annotations

from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django.views.generic import DetailView, ListView

from polls.models import Choice, Question


class IndexView(ListView):
    """The questions, the newest first."""

    template_name = "polls/index.html"
    context_object_name = "questions"

    def get_queryset(self) -> QuerySet[Question]:
        """Give what can be answered."""
        return Question.objects.published()


class QuestionView(DetailView):
    """A question with the form to vote."""

    template_name = "polls/question.html"

    def get_queryset(self) -> QuerySet[Question]:
        """Give what can be answered."""
        return Question.objects.published()


class ResultsView(QuestionView):
    """The votes of a question."""

    template_name = "polls/results.html"


@require_POST
def vote(request: HttpRequest, pk: int) -> HttpResponse:
    """Count one vote; two at the same time are both counted."""
    question = get_object_or_404(Question.objects.published(), pk=pk)
    number = request.POST.get("choice", "")
    chosen = question.choices.filter(pk=number) if number.isdecimal() else Choice.objects.none()
    if not chosen.update(votes=F("votes") + 1):
        context = {"question": question, "complaint": "Choose one of these."}
        return render(request, "polls/question.html", context, status=400)
    return redirect("polls:results", pk=pk)
