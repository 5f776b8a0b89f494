"""Questions to begin with: a template fills the form, and everything in it can be changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotate.models import QuestionKind


@dataclass(frozen=True)
class OptionTemplate:
    key: str
    name: str | Promise
    definition: str | Promise
    colour: str


@dataclass(frozen=True)
class QuestionTemplate:
    """``title`` names it in the choice of templates; ``text`` is asked of each item."""

    key: str
    title: str | Promise
    kind: str
    name: str | Promise
    text: str | Promise
    options: tuple[OptionTemplate, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


TEMPLATES: dict[str, QuestionTemplate] = {
    template.key: template
    for template in (
        QuestionTemplate(
            "sentiment",
            _("Sentiment"),
            QuestionKind.SINGLE,
            _("Sentiment"),
            _("How does the writer feel about it?"),
            (
                OptionTemplate("positive", _("Positive"), _("Praise or approval."), "green"),
                OptionTemplate("neutral", _("Neutral"), _("A report without feeling."), "slate"),
                OptionTemplate(
                    "negative", _("Negative"), _("A complaint, even a mild one."), "red"
                ),
                OptionTemplate("mixed", _("Mixed"), _("Praise and complaint alike."), "amber"),
            ),
        ),
        QuestionTemplate(
            "topic",
            _("Topic"),
            QuestionKind.SINGLE,
            _("Topic"),
            _("What is this text mainly about?"),
            (
                OptionTemplate(
                    "product", _("Product"), _("What is sold, and how good it is."), "blue"
                ),
                OptionTemplate(
                    "price", _("Price"), _("What it costs, and whether it is fair."), "green"
                ),
                OptionTemplate("service", _("Service"), _("How people were treated."), "violet"),
                OptionTemplate("other", _("Something else"), _("None of the others."), "slate"),
            ),
        ),
        QuestionTemplate(
            "relevance",
            _("Relevance 1 to 5"),
            QuestionKind.RATING,
            _("Relevance"),
            _("How well does this text answer what was asked?"),
            (
                OptionTemplate("1", _("Not at all"), _("Off the subject."), "red"),
                OptionTemplate("2", _("A little"), _("Touches it, and helps nobody."), "pink"),
                OptionTemplate("3", _("Partly"), _("Answers some of it."), "slate"),
                OptionTemplate("4", _("Mostly"), _("Answers it with a gap."), "teal"),
                OptionTemplate("5", _("Fully"), _("Nothing is missing."), "green"),
            ),
        ),
        QuestionTemplate(
            "supported",
            _("Supported by its source"),
            QuestionKind.SINGLE,
            _("Support"),
            _("Does the source support the claim?"),
            (
                OptionTemplate("supported", _("Supported"), _("The source says so."), "green"),
                OptionTemplate("refuted", _("Refuted"), _("The source says otherwise."), "red"),
                OptionTemplate("silent", _("Not said"), _("The source does not tell."), "slate"),
            ),
        ),
        QuestionTemplate(
            "yes_no",
            _("Yes or no"),
            QuestionKind.SINGLE,
            _("Fits"),
            _("Does this text fit the description?"),
            (
                OptionTemplate("yes", _("Yes"), _("It fits in full."), "green"),
                OptionTemplate("no", _("No"), _("It does not fit, or not in full."), "red"),
            ),
        ),
        QuestionTemplate(
            "criteria",
            _("Relevance by criteria"),
            QuestionKind.MULTIPLE,
            _("Criteria"),
            _("Which of these does the answer do?"),
            (
                OptionTemplate(
                    "answers",
                    _("Answers the question"),
                    _("What was asked, not beside it."),
                    "green",
                ),
                OptionTemplate("right", _("Is right"), _("Nothing in it is wrong."), "teal"),
                OptionTemplate("complete", _("Is complete"), _("Nothing is missing."), "blue"),
                OptionTemplate(
                    "clear", _("Is clear"), _("Understood at the first reading."), "violet"
                ),
            ),
            {"min_choices": 0},
        ),
        QuestionTemplate(
            "toxicity",
            _("Toxicity"),
            QuestionKind.MULTIPLE,
            _("Toxicity"),
            _("What is wrong with this comment?"),
            (
                OptionTemplate(
                    "insult", _("Insult"), _("Puts somebody down: a person or a group."), "amber"
                ),
                OptionTemplate("threat", _("Threat"), _("Announces or wishes harm."), "red"),
                OptionTemplate(
                    "hate",
                    _("Hate"),
                    _("Against people for what they are: origin, faith, sex, body."),
                    "violet",
                ),
                OptionTemplate(
                    "obscene", _("Obscene"), _("Crude or sexual words, whoever is meant."), "pink"
                ),
            ),
            {"min_choices": 0},
        ),
        QuestionTemplate(
            "preference",
            _("Which answer is better"),
            QuestionKind.PAIRWISE,
            _("Better answer"),
            _("Which of the two answers is better?"),
            settings={"field_a": "answer_a", "field_b": "answer_b", "tie": True},
        ),
        QuestionTemplate(
            "entities",
            _("Names in a text"),
            QuestionKind.SPAN,
            _("Names"),
            _("Mark every name."),
            (
                OptionTemplate("person", _("Person"), _("With first name and title."), "blue"),
                OptionTemplate(
                    "organisation", _("Organisation"), _("Firms, parties, authorities."), "amber"
                ),
                OptionTemplate(
                    "place", _("Place"), _("Countries, towns, rivers, buildings."), "green"
                ),
                OptionTemplate("other", _("Other name"), _("Works, events, products."), "slate"),
            ),
            {"field": "text"},
        ),
        QuestionTemplate(
            "grade",
            _("Points for an answer"),
            QuestionKind.NUMBER,
            _("Points"),
            _("How many points is this answer worth?"),
            settings={"min": 0, "max": 10, "step": 0.5},
        ),
    )
}
