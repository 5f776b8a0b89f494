"""The demo: a project of invented messages with invented people, and the same as a sample.

Everything goes through the services that real work goes through. Afterwards the times are set
back, so that the work looks spread over some days. The project is marked as demo, and with it
its labels, on screens and in exports.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.models import (
    Assignment,
    Event,
    Guideline,
    Item,
    Job,
    Label,
    Membership,
    Project,
    Question,
    RaterKind,
    Ruling,
    Submission,
    User,
)
from annotate.services.answers import Answer
from annotate.services.claims import claim_item
from annotate.services.events import event_write
from annotate.services.items import ItemRow, items_take_in
from annotate.services.jobs import RunningJob, job_create
from annotate.services.members import member_add
from annotate.services.projects import (
    OptionDraft,
    QuestionDraft,
    guideline_live,
    project_create,
)
from annotate.services.raters import rater_imported, rater_of_member
from annotate.services.rulings import ruling_make
from annotate.services.submissions import submission_skip, submission_submit

FOLDER = Path(__file__).resolve().parents[1] / "demo"
MADE = "demo.created"
SEED = 1_852_163
# The work is spread over so many days, the last part ending so many minutes before now.
DAYS = 4
UNTIL_NOW = timedelta(minutes=25)
LETTERS = "abcdefghjkmnpqrstuvwxyz"

Row = dict[str, Any]


@dataclass(frozen=True)
class Login:
    username: str
    password: str
    role: str
    name: str


@dataclass(frozen=True)
class Demo:
    """The demo as it stands. ``project`` is None once somebody deleted it."""

    project: Project | None
    made_now: bool
    logins: list[Login]


def demo_create(*, again: bool = False) -> Demo:
    """Make the demo project with its people, unless it was made before. Idempotent.

    A demo that somebody deleted stays deleted, unless ``again``. Passwords are random and kept in
    DATA_DIR/demo-logins.txt, which only this account of the machine may read; where that file is
    gone they are made anew. One transaction, some seconds.
    """
    with transaction.atomic():
        made = Event.objects.filter(verb=MADE).order_by("-id").first()
        if made is not None:
            project = Project.objects.filter(pk=made.detail["project_id"]).first()
            if project is not None or not again:
                return Demo(project, made_now=False, logins=_logins(made) if project else [])
        content = _content()
        people = {row["username"]: _person(row) for row in content["people"]}
        owner = next(people[row["username"]] for row in content["people"] if row["role"] == "owner")
        project = _project(owner, content)
        for row in content["people"]:
            member_add(owner, project, people[row["username"]], row["role"])
        items = _items(project)
        times = _label_people(project, items, people)
        times |= _rule(project, items, people)
        _set_back(project, times)
        event_write(
            None,
            MADE,
            project=None,
            target=project,
            project_id=project.pk,
            people=[person.pk for person in people.values()],
        )
        # The owner first: that log-in shows every screen.
        logins = _renew_passwords(
            project, sorted(people.values(), key=lambda person: not person.is_founder)
        )
        return Demo(project, made_now=True, logins=logins)


@transaction.atomic
def sample_create(actor: User) -> tuple[Project, Job]:
    """The demo's messages as a project of the actor's own, and the job that brings in labels."""
    project = _project(actor, _content())
    _items(project)
    return project, job_create(actor, project=project, kind="sample", task="annotate.sample")


def sample_label(running: RunningJob) -> None:
    """The job: hand in the invented people's labels as imported raters'. Repeat-safe.

    Those take no slots, so that every item is still the founder's to label.
    """
    project = running.job.project
    if project is None:
        return
    rows = [row for row in _lines("labels.jsonl") if not row["skipped"]]
    running.progress(0, total=len(rows), message=_("Bringing in the labels of invented people."))
    items = {item.external_id: item for item in project.items.select_related("project")}
    questions = _questions(project)
    names = {row["username"]: row["name"] for row in _content()["people"]}
    for done, row in enumerate(rows, 1):
        submission_submit(
            rater_imported(project, name=names[row["person"]], kind=RaterKind.PERSON),
            items[row["item"]],
            answers=_answers(row, questions),
            client_key=f"sample {row['item']}",
            seconds=row["seconds"],
            flagged=row["flag"],
            comment=row["comment"],
        )
        if done % 10 == 0:
            running.progress(done)
    running.finish(labels=len(rows))


def logins_file() -> Path:
    return Path(settings.DATA_DIR) / "demo-logins.txt"


# --- What it is made of ---------------------------------------------------------------------


def _content() -> Row:
    content: Row = json.loads((FOLDER / "project.json").read_text(encoding="utf-8"))
    return content


def _lines(name: str) -> list[Row]:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line]


def _project(owner: User, content: Row) -> Project:
    return project_create(
        owner,
        name=content["name"],
        description=content["description"],
        labels_per_item=content["labels_per_item"],
        questions=[
            QuestionDraft(
                key=question["key"],
                name=question["name"],
                kind=question["kind"],
                text=question["text"],
                required=question["required"],
                options=[OptionDraft(**option) for option in question["options"]],
            )
            for question in content["questions"]
        ],
        guideline=(FOLDER / "guideline.md").read_text(encoding="utf-8"),
        seed=SEED,
        is_demo=True,
    )


def _items(project: Project) -> dict[str, Item]:
    rows = []
    for row in _lines("items.jsonl"):
        fields = {"message": row["text"]}
        if "gloss" in row:
            fields["translation"] = row["gloss"]
        rows.append(ItemRow(row["id"], fields, {"channel": row["channel"]}))
    items_take_in(project, rows)
    # With the project in hand: each label would fetch it again.
    return {item.external_id: item for item in project.items.select_related("project")}


def _questions(project: Project) -> dict[str, tuple[Question, dict[str, int]]]:
    """Each question by its key, with the code of each of its options by theirs."""
    return {
        question.key: (question, {option.key: option.code for option in question.options.all()})
        for question in project.questions.prefetch_related("options")
    }


def _answers(
    row: Row, questions: Mapping[str, tuple[Question, dict[str, int]]]
) -> dict[int, Answer]:
    return {
        questions[key][0].pk: Answer(choice=questions[key][1][answer])
        for key, answer in row["answers"].items()
    }


# --- People and their work --------------------------------------------------------------------


def _person(row: Row) -> User:
    """A new account: one that has the name already is somebody else's."""
    username = row["username"]
    while User.objects.filter(username=username).exists():
        username = f"demo-{username}"
    first, _space, last = row["name"].partition(" ")
    return User.objects.create_user(
        username=username, first_name=first, last_name=last, is_founder=row["role"] == "owner"
    )


def _label_people(
    project: Project, items: Mapping[str, Item], people: Mapping[str, User]
) -> dict[str, tuple[datetime, float]]:
    """Hand in every label of the file; returns when each is to have been, by event target."""
    rows = _lines("labels.jsonl")
    questions = _questions(project)
    guideline: Guideline | None = guideline_live(project)
    times: dict[str, tuple[datetime, float]] = {}
    for row, when in zip(rows, _times(rows, timezone.now()), strict=True):
        rater = rater_of_member(project, people[row["person"]])
        item = items[row["item"]]
        claim_item(rater, item)
        more: Row = {
            "client_key": f"demo {row['item']}",
            "seconds": row["seconds"],
            "flagged": row["flag"],
            "comment": row["comment"],
        }
        if row["skipped"]:
            submission = submission_skip(rater, item, **more)
        else:
            submission = submission_submit(
                rater, item, answers=_answers(row, questions), guideline=guideline, **more
            )
        times[f"submission {submission.pk}"] = (when, row["seconds"])
    return times


def _rule(
    project: Project, items: Mapping[str, Item], people: Mapping[str, User]
) -> dict[str, tuple[datetime, float]]:
    questions = _questions(project)
    times = {}
    when = timezone.now() - UNTIL_NOW
    for row in _lines("rulings.jsonl"):
        question, codes = questions[row["question"]]
        ruling = ruling_make(
            people[row["person"]],
            items[row["item"]],
            question,
            choice=codes[row["answer"]],
            reason=row["reason"],
            comment=row["comment"],
        )
        when += timedelta(minutes=3)
        times[f"ruling {ruling.pk}"] = (when, 0.0)
    return times


def _times(rows: list[Row], now: datetime) -> list[datetime]:
    """When each row was handed in: in the file's order, an equal part a day, evenly paced."""
    part = -(-len(rows) // DAYS)
    pace = timedelta(seconds=40)
    return [
        now
        - UNTIL_NOW
        - timedelta(days=DAYS - 1 - place // part)
        - pace * (min(part, len(rows) - place // part * part) - 1 - place % part)
        for place in range(len(rows))
    ]


def _set_back(project: Project, times: Mapping[str, tuple[datetime, float]]) -> None:
    """Put the work at its times, and what came before it at the beginning."""
    beginning = min(when for when, _seconds in times.values()) - timedelta(hours=3)
    Event.objects.filter(project=project).update(at=beginning)
    for event in Event.objects.filter(project=project, target__in=list(times)):
        Event.objects.filter(pk=event.pk).update(at=times[event.target][0])
    for target, (when, seconds) in times.items():
        noun, _space, key = target.partition(" ")
        if noun == "ruling":
            Ruling.objects.filter(pk=int(key)).update(created_at=when)
            continue
        begun = when - timedelta(seconds=seconds)
        Submission.objects.filter(pk=int(key)).update(created_at=when)
        Label.objects.filter(submission_id=int(key)).update(created_at=when)
        Assignment.objects.filter(submissions=int(key)).update(
            claimed_at=begun,
            closed_at=when,
            lease_until=begun + timedelta(minutes=project.lease_minutes),
        )
    Project.objects.filter(pk=project.pk).update(created_at=beginning)
    Item.objects.filter(project=project).update(created_at=beginning)
    Item.objects.filter(project=project, frozen_at__isnull=False).update(frozen_at=beginning)
    for model in (Question, Guideline, Membership):
        model._default_manager.filter(project=project).update(created_at=beginning)


# --- Log-ins ----------------------------------------------------------------------------------


def _logins(made: Event) -> list[Login]:
    """What the file says, or new passwords where it is gone."""
    people = User.objects.filter(pk__in=made.detail["people"], is_active=True).order_by(
        "-is_founder", "pk"
    )
    project = Project.objects.get(pk=made.detail["project_id"])
    kept: dict[str, str] = {}
    if logins_file().exists():
        for line in logins_file().read_text(encoding="utf-8").splitlines():
            words = line.split()
            if len(words) >= 2 and not line.startswith("#"):
                kept[words[0]] = words[1]
    if not kept:
        return _renew_passwords(project, people)
    roles = dict(Membership.objects.filter(project=project).values_list("user_id", "role"))
    return [
        Login(person.username, kept[person.username], roles.get(person.pk, ""), person.shown_name)
        for person in people
        if person.username in kept
    ]


def _renew_passwords(project: Project, people: Iterable[User]) -> list[Login]:
    roles = dict(Membership.objects.filter(project=project).values_list("user_id", "role"))
    logins = []
    for person in people:
        groups = ("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(3))
        password = "-".join(groups)
        person.set_password(password)
        person.save(update_fields=["password"])
        role = roles.get(person.pk, "")
        logins.append(Login(person.username, password, role, person.shown_name))
    _write(logins)
    return logins


def _write(logins: list[Login]) -> None:
    lines = [
        "# Log-ins of the demo project. Its people are invented. Whoever reads this may log in."
    ]
    lines += [f"{each.username} {each.password} {each.role} {each.name}" for each in logins]
    path = logins_file()
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
