"""The replacement test: planned, collected for, decided. Its row is the record (models/trust)."""

from __future__ import annotations

import csv
import platform
import random
import secrets
import uuid
from collections.abc import Sequence
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict
from annotate.kinds import CHOICES
from annotate.models import FINISHED, Item, Job, JobState, Question, Rater, User, Visibility
from annotate.services.claims import claim_given
from annotate.services.events import event_write
from annotate.services.item_work import MOST_ASSIGNED
from annotate.services.jobs import RunningJob, job_create
from annotate.services.raters import rater_of_member
from judges.models import Closeness, ReplacementTest
from judges.selectors.blind_table import BlindTable, blind_table
from judges.selectors.replacement import TEST_JOB, judged_items, labellers
from judges.selectors.replacement_content import (
    CONFIDENCE,
    LEVEL,
    MIN_ITEMS,
    N_BOOTSTRAP,
    N_SIMULATIONS,
    labels_fingerprint,
    labels_used,
    plan_content,
    result_content,
    used_rows,
)

MOST_PEOPLE = 20
CHUNK = 100


@transaction.atomic
def replacement_plan(
    actor: User,
    question: Question,
    rater: Rater,
    *,
    epsilon: float,
    score: str,
    n_people: int = 3,
    per_item: int = 3,
    gap: float = 0.1,
    seed: int | None = None,
) -> ReplacementTest:
    """Fix what will be tested, and queue what a sample would show (``plan``). The caller nudges
    ``deciding``. Raises BadInput.

    ``gap``: how much less accurate than a person a judge would be that nobody accepts.
    """
    if question.kind not in CHOICES:
        raise BadInput(_("Only answers that name one option can be tested so."))
    _check(epsilon=epsilon, score=score, n_people=n_people, per_item=per_item, gap=gap)
    test = ReplacementTest.objects.create(
        project=question.project,
        question=question,
        rater=rater,
        epsilon=epsilon,
        score=score,
        seed=secrets.randbelow(2**31) if seed is None else seed,
        plan={},
        planned_by=actor,
        planned_at=timezone.now(),
    )
    asked: dict[str, Any] = {"n_people": n_people, "per_item": per_item, "gap": gap}
    test.deciding = _job(actor, test, "plan", **asked)
    test.save(update_fields=["deciding"])
    event_write(
        actor,
        "replacement_test.planned",
        project=question.project,
        target=test,
        epsilon=epsilon,
        score=score,
        **asked,
    )
    return test


def _check(*, epsilon: float, score: str, n_people: int, per_item: int, gap: float) -> None:
    fields = {}
    if not 0 <= epsilon <= 0.5:
        fields["epsilon"] = _("Between 0 and .5.")
    if score not in Closeness.values:
        fields["score"] = _("Choose one of the two.")
    if not 2 <= n_people <= MOST_PEOPLE:
        fields["n_people"] = _("Between 2 and %(n)s.") % {"n": MOST_PEOPLE}
    if not 2 <= per_item <= n_people:
        fields["per_item"] = _("Between 2 and the number of people.")
    if not 0 < gap <= 0.5:
        fields["gap"] = _("Above 0, up to .5.")
    if fields:
        raise BadInput(_("The plan does not fit."), fields=fields)


@transaction.atomic
def replacement_collect(
    actor: User, test: ReplacementTest, *, n_items: int, members: Sequence[int], per_item: int
) -> ReplacementTest:
    """Draw ``n_items`` of the judge's items and queue giving them to members (user ids), each item
    to ``per_item`` of them in turn. They are labelled blind. The caller nudges ``collecting``.

    The draw is random, by the test's seed; what it was drawn of is kept. Raises BadInput, Conflict
    where it was drawn or decided before, or the project shows people what judges say. Locks the
    test.
    """
    test = ReplacementTest.objects.select_for_update(of=("self",)).get(pk=test.pk)
    if test.batch or test.decided_at:
        raise Conflict(_("This test has its items already. Plan another one."))
    if test.project.visibility != Visibility.BLIND:
        raise Conflict(
            _(
                "People must label blind for this, and in this project they may see what judges "
                "say. Change that in the settings first."
            )
        )
    known = {member.user_id: member.user for member in labellers(test.project)}
    chosen = [known[pk] for pk in dict.fromkeys(members) if pk in known]
    if not 2 <= per_item <= len(chosen):
        raise BadInput(
            _("Choose at least as many people as an item is to have labels of, and at least two."),
            fields={"members": _("Too few people.")},
        )
    judged = judged_items(test.question, test.rater)
    if not 1 <= n_items <= len(judged):
        raise BadInput(
            _("The judge has labelled %(n)s items; choose up to so many.") % {"n": len(judged)},
            fields={"n_items": _("Up to %(n)s.") % {"n": len(judged)}},
        )
    if n_items * per_item > MOST_ASSIGNED * len(chosen):
        raise BadInput(
            _("At most %(most)s items a person.") % {"most": MOST_ASSIGNED},
            fields={"n_items": _("Too many for so few people.")},
        )
    drawn = random.Random(test.seed).sample(judged, n_items)
    raters = [rater_of_member(test.project, user).pk for user in chosen]
    given: dict[str, list[int]] = {str(pk): [] for pk in raters}
    for place, item in enumerate(drawn):
        for k in range(per_item):
            given[str(raters[(place + k) % len(raters)])].append(item)
    test.batch = {
        "items": sorted(drawn),
        "of": len(judged),
        "probability": n_items / len(judged),
        "seed": test.seed,
        "per_item": per_item,
        "given": given,
    }
    test.collecting = _job(actor, test, "collect", total=n_items * per_item)
    test.save(update_fields=["batch", "collecting"])
    event_write(
        actor,
        "replacement_test.drawn",
        project=test.project,
        target=test,
        n_items=n_items,
        of=len(judged),
        people=raters,
    )
    return test


@transaction.atomic
def replacement_decide(actor: User, test: ReplacementTest) -> ReplacementTest:
    """Queue working the test out from the labels there are; the caller nudges ``deciding``. Raises
    Conflict where it is decided, or under way. Locks the test.
    """
    test = ReplacementTest.objects.select_for_update(of=("self",)).get(pk=test.pk)
    if test.decided_at:
        raise Conflict(_("This test is decided. Plan another one to test again."))
    if test.deciding is not None and test.deciding.state not in FINISHED:
        raise Conflict(_("This test is being worked on; wait until it is done."))
    test.deciding = _job(actor, test, "decide")
    test.save(update_fields=["deciding"])
    return test


def _job(
    actor: User, test: ReplacementTest, step: str, *, total: int | None = None, **asked: Any
) -> Job:
    return job_create(
        actor,
        project=test.project,
        kind=TEST_JOB,
        task="judges.replacement",
        parameters={"test": test.pk, "step": step, **asked},
        total=total,
    )


# --- The jobs -----------------------------------------------------------------------------------


def replacement_run(running: RunningJob) -> None:
    """The job of a test: its plan, giving out its items, or its decision. Repeat-safe."""
    test = (
        ReplacementTest.objects.filter(pk=running.job.parameters["test"])
        .select_related("project", "question", "rater")
        .first()
    )
    if test is None:
        running.fail(_("The test is gone."))
        return
    {"plan": _plan, "collect": _collect, "decide": _decide}[running.job.parameters["step"]](
        running, test
    )


def _plan(running: RunningJob, test: ReplacementTest) -> None:
    asked = running.job.parameters
    with running.kept_alive():
        content = plan_content(
            test.question,
            blind_table(test.question),
            test,
            n_people=asked["n_people"],
            per_item=asked["per_item"],
            gap=asked["gap"],
        )
    ReplacementTest.objects.filter(pk=test.pk, decided_at=None).update(plan=content)
    running.finish()


def _collect(running: RunningJob, test: ReplacementTest) -> None:
    """Give each person their items, a hundred at a time. What somebody has answered, skipped or
    holds is left out, so doing it again changes nothing.
    """
    done = given = 0
    for rater_id, ids in test.batch["given"].items():
        rater = Rater.objects.select_related("project").get(pk=rater_id)
        for start in range(0, len(ids), CHUNK):
            with transaction.atomic():
                running.hold()
                items = list(Item.objects.filter(pk__in=ids[start : start + CHUNK]))
                given += claim_given(rater, items)
            done += len(ids[start : start + CHUNK])
            running.progress(done)
    running.finish(given=given)


def _decide(running: RunningJob, test: ReplacementTest) -> None:
    with running.kept_alive():
        blind = blind_table(test.question)
        people, said = used_rows(blind, test)
        rows = list(labels_used(blind, people, said, test.rater_id))
        content = result_content(blind, test, people, said)
        file = _labels_file(test, blind, rows)
    with transaction.atomic():
        running.hold()
        ReplacementTest.objects.filter(pk=test.pk, decided_at=None).update(
            result=content,
            fingerprint=labels_fingerprint(rows),
            made_with=made_with(),
            decided_at=timezone.now(),
        )
        event_write(
            running.job.created_by,
            "replacement_test.decided",
            project=test.project,
            target=test,
            winning_rate=content["winning_rate"]["value"],
            advantage=content["advantage"]["value"],
        )
        running.finish(file=file)


def made_with() -> dict[str, Any]:
    """All that a result depends on besides the labels, the epsilon, the closeness and the seed."""
    return {
        "concord": settings.VERSION,
        "python": platform.python_version(),
        "numpy": installed("numpy"),
        "scipy": installed("scipy"),
        "min_items": MIN_ITEMS,
        "level": LEVEL,
        "confidence": CONFIDENCE,
        "n_bootstrap": N_BOOTSTRAP,
        "n_simulations": N_SIMULATIONS,
    }


def _labels_file(
    test: ReplacementTest, blind: BlindTable, rows: Sequence[tuple[int, int, int]]
) -> str:
    """Keep the labels of the test beside its result, whatever becomes of them; below MEDIA_ROOT."""
    names: dict[int, str] = {}
    ids = sorted({item for item, _rater, _code in rows})
    for start in range(0, len(ids), 2000):
        found = Item.objects.filter(pk__in=ids[start : start + 2000])
        names |= dict(found.values_list("pk", "external_id"))
    keys = {option.code: option.key for option in test.question.options.all()}
    relative = Path("trust") / uuid.uuid4().hex / f"replacement-test-{test.pk}-labels.csv"
    path = Path(settings.MEDIA_ROOT) / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["item", "item_id", "rater", "rater_id", "kind", "label", "code"])
        for item, rater, code in rows:
            who = blind.found.raters[rater]
            table.writerow(
                [names.get(item, ""), item, who.name, rater, who.kind, keys.get(code, ""), code]
            )
    return relative.as_posix()


def labels_path(test: ReplacementTest) -> Path | None:
    """Where the labels of a decided test are kept; None where the file was cleared away."""
    job = test.deciding
    if job is None or job.state != JobState.DONE or not job.file:
        return None
    path = Path(settings.MEDIA_ROOT) / job.file
    return path if path.is_file() else None
