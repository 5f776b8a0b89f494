"""People, projects and items that many tests need, made through the services.

Olga owns the project, Rhea reviews, Ana, Ben and Cem annotate, Vic views, Sam is a stranger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from annotate.models import Item, Project, Question, Rater, Role, User
from annotate.services.answers import Answer
from annotate.services.items import ItemRow, items_take_in
from annotate.services.members import member_add
from annotate.services.projects import OptionDraft, QuestionDraft, project_create
from annotate.services.raters import rater_of_member

PASSWORD = "correct horse battery"
SENTIMENT = QuestionDraft(
    key="sentiment",
    name="Sentiment",
    kind="single",
    text="How does the writer feel about it?",
    options=(
        OptionDraft("positive", "Positive", "Praise.", "green"),
        OptionDraft("negative", "Negative", "A complaint, even a mild one.", "red"),
        OptionDraft("unknown", "Not mentioned", "Neither.", "slate"),
    ),
)
STARS = QuestionDraft(
    key="stars",
    name="Stars",
    kind="rating",
    required=False,
    options=tuple(OptionDraft(str(n), f"{n} stars") for n in range(1, 6)),
)


def user(name: str, *, founder: bool = False) -> User:
    return User.objects.create_user(
        username=name, password=PASSWORD, is_founder=founder, first_name=name.title()
    )


@dataclass(frozen=True)
class Story:
    """A project with everybody in it."""

    project: Project
    question: Question
    olga: User
    rhea: User
    ana: User
    ben: User
    cem: User
    vic: User
    sam: User

    def rater(self, person: User) -> Rater:
        return rater_of_member(self.project, person)

    def items(self, texts: Sequence[str]) -> list[Item]:
        taken = items_take_in(
            self.project,
            [ItemRow(f"i{n}", {"text": text}) for n, text in enumerate(texts, 1)],
        )
        by_id = Item.objects.in_bulk([row.item_id for row in taken])
        return [by_id[row.item_id] for row in taken]

    def answer(self, choice: int = 0, **more: object) -> dict[int, Answer]:
        return {self.question.pk: Answer(choice=choice, **more)}  # type: ignore[arg-type]


def story(*, labels_per_item: int = 1, questions: Sequence[QuestionDraft] = (SENTIMENT,)) -> Story:
    """A project of one question (by default) with a member in each role and a stranger."""
    olga = user("olga", founder=True)
    project = project_create(
        olga,
        name="Restaurant reviews",
        labels_per_item=labels_per_item,
        questions=questions,
        guideline="# How to label\n\nJudge the text only.",
        seed=7,
    )
    people = {name: user(name) for name in ("rhea", "ana", "ben", "cem", "vic", "sam")}
    roles = {"rhea": Role.REVIEWER, "vic": Role.VIEWER}
    for name, person in people.items():
        if name != "sam":
            member_add(olga, project, person, roles.get(name, Role.ANNOTATOR))
    return Story(
        project=project, question=project.questions.get(key=questions[0].key), olga=olga, **people
    )
