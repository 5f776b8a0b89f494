"""Starting a run: a judge version over items, as a job and one row a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from annotate.errors import BadInput, Conflict, NotAllowed
from annotate.models import FINISHED, Item, ProjectStatus, User
from annotate.services.events import event_write
from annotate.services.items import draw_number
from annotate.services.jobs import job_create
from judges.models import Call, JudgeVersion, ProviderName, Purpose, Run, RunItem
from judges.prompting.audits.catalogue import variants_of
from judges.prompting.plan import PLAIN, first_calls
from judges.providers.base import ProviderError
from judges.selectors.asked import how_of, setting_of
from judges.selectors.items import items_answered, items_askable, items_unasked
from judges.selectors.panel_items import call_of, calls_first
from judges.selectors.panels import OUT_OF_FOLD, asks_once, is_panel, panel_of
from judges.services.batches import check_batchable
from judges.services.connections import check_judge_may_leave
from judges.services.spending import check_cappable
from judges.services.versions import version_check

KIND = "judge_run"
STRATEGIES = ("random", "known", "all", "listed")
CHUNK = 2_000
# More calls than this are written by the worker, in chunks: nobody waits for them in the browser,
# and no other writer in the database.
LAID_OUT_AT_ONCE = 2_000
MOST_ITEMS = 10_000_000
# Items named one by one: kept with the run.
LISTED_MOST = 5_000


@transaction.atomic
def run_start(
    actor: User,
    version: JudgeVersion,
    *,
    purpose: str = Purpose.LABEL,
    selection: Mapping[str, Any] | None = None,
    seed: int = 0,
    cap: int | None = None,
    in_batches: bool = False,
    audits: Sequence[str] = (),
) -> Run:
    """Write a run with its queued job and its first calls; the caller nudges ``run.job``.

    Of a large run the worker writes the rest (run_lay_out).

    ``selection``: ``{"strategy": "random", "limit": N}`` for the first N in random order,
    ``{"strategy": "known", "limit": N}`` for those first that people have answered, or
    ``{"strategy": "all"}``, or ``{"strategy": "listed", "ids": [...]}``; of the live items that
    this version has not labelled, for another purpose than to label of all live ones. ``seed`` 0
    takes the project's own order, in which people are given items too, so that the judge meets
    those most likely to have people's labels; another seed shuffles. ``cap``: the most it may
    spend, in 100-millionths of a dollar (spending.cap_read). ``in_batches``: in the endpoint's
    batch lane, answered within a day at a lower price. ``audits``: the names of
    those whose changed calls each item gets (services/audits.py).

    Raises BadInput for a selection that makes no sense or holds no item, a cap on a model
    without a known price, or a judge without a batch lane, NotAllowed where data may not leave the
    machine, Conflict for a version whose question changed or which has an unfinished run. Locks the
    version, so that a double click starts one run.
    """
    JudgeVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    # Read again: the question or the project may have changed under the caller's object.
    version = JudgeVersion.objects.select_related(
        "project", "question", "connection", "prompt", "guideline"
    ).get(pk=version.pk)
    if version.project.status == ProjectStatus.ARCHIVED:
        raise NotAllowed(_("This project is archived. An owner can take it up again."))
    if purpose not in Purpose.values:
        raise BadInput(_("There is no such purpose of a run."))
    version_check(version)
    if purpose == Purpose.CANARY or audits:
        check_asked_in_words(version)
    _check_idle(version, purpose)
    try:
        check_judge_may_leave(version)
    except ProviderError as error:
        raise NotAllowed(error.message) from None
    check_cappable(version, cap)
    if in_batches:
        check_batchable(version)
    if not -(2**63) <= seed < 2**63:
        raise BadInput(_("A seed has 64 bits at most."), fields={"seed": _("Too large.")})
    chosen = _selection(selection or {"strategy": "random", "limit": 100})
    ids = _drawn(version, chosen, seed, purpose)
    if not ids:
        raise BadInput(
            _("There is no item left to ask: this judge has labelled them all.")
            if Item.objects.filter(project=version.project).exists()
            else _("There are no items yet. Bring some in first.")
        )
    job = job_create(
        actor,
        project=version.project,
        kind=KIND,
        task="judges.run",
        parameters={"version": version.pk, "name": str(version)},
        total=len(ids),
    )
    run = Run.objects.create(
        project=version.project,
        version=version,
        job=job,
        purpose=purpose,
        selection={
            **chosen,
            **({"audits": list(audits)} if audits else {}),
            "laid_out": len(ids) <= LAID_OUT_AT_ONCE,
        },
        seed=seed,
        cap=cap,
        in_batches=in_batches,
        created_by=actor,
    )
    _write_calls(run, ids[:LAID_OUT_AT_ONCE])
    event_write(
        actor,
        "run.started",
        project=version.project,
        target=run,
        judge=str(version),
        calls=len(ids),
    )
    return run


def check_asked_in_words(version: JudgeVersion) -> None:
    """Raises BadInput for a judge that cannot be told anything: what is planted, and changed in
    audits, are words.
    """
    if version.prompt is None or is_panel(version):
        raise BadInput(_("Only a language model that is asked by itself can be checked so."))


def _check_idle(version: JudgeVersion, purpose: str) -> None:
    unfinished = version.runs.filter(purpose=purpose).exclude(job__state__in=FINISHED).first()
    if unfinished is not None:
        raise Conflict(
            _("Run %(run)s of this judge is not finished. Resume it or cancel it first.")
            % {"run": unfinished.pk}
        )


def _selection(wanted: Mapping[str, Any]) -> dict[str, Any]:
    strategy = wanted.get("strategy", "random")
    if strategy not in STRATEGIES:
        raise BadInput(_("Items are chosen at random, those people answered first, or all."))
    if strategy == "all":
        return {"strategy": "all"}
    if strategy == "listed":
        ids = wanted.get("ids", [])
        if not 1 <= len(ids) <= LISTED_MOST:
            raise BadInput(
                _("Name one item at least, and %(most)s at most.") % {"most": intcomma(LISTED_MOST)}
            )
        return {"strategy": "listed", "ids": [int(pk) for pk in ids]}
    limit = wanted.get("limit", 100)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_ITEMS:
        raise BadInput(
            _("A run is over one item at least, and ten million at most."),
            fields={"limit": _("A whole number from 1.")},
        )
    return {"strategy": strategy, "limit": limit}


def run_lay_out(run: Run, beat: Callable[[str], None]) -> None:
    """Write the calls that run_start left to the worker, chunk by chunk in the order of the draw.

    ``beat`` is told how far it is and keeps the job alive. Safe to take up again: what is written
    stays, and no more than the job's total is.
    """
    if run.selection.get("laid_out", True):
        return
    total = run.job.total or 0
    single = asks_once(run)
    there = set((run.calls if single else run.items).values_list("item_id", flat=True))
    order = {name: run.selection.get(name) for name in ("strategy", "ids")}
    drawn = _drawn(run.version, order, run.seed, run.purpose)
    missing = [pk for pk in drawn if pk not in there]
    missing = missing[: max(0, total - len(there))]
    for start in range(0, len(missing), CHUNK):
        beat(
            _("Laying out the calls: %(done)s of %(all)s")
            % {"done": len(there) + start, "all": total}
        )
        with transaction.atomic():
            _write_calls(run, missing[start : start + CHUNK])
    run.selection = {**run.selection, "laid_out": True}
    run.save(update_fields=["selection"])


def _drawn(version: JudgeVersion, chosen: Mapping[str, Any], seed: int, purpose: str) -> list[int]:
    items = items_unasked(version) if purpose == Purpose.LABEL else items_askable(version)
    limit = chosen.get("limit")
    if chosen.get("strategy") == "listed":
        items = items.filter(pk__in=chosen["ids"])
    if chosen.get("strategy") != "known":
        return _in_order(items, limit, seed)
    ids = _in_order(items_answered(items, version.question), limit, seed)
    if limit is None or len(ids) < limit:
        left = None if limit is None else limit - len(ids)
        ids += _in_order(items_answered(items, version.question, answered=False), left, seed)
    return ids


def _in_order(items: QuerySet[Item], limit: int | None, seed: int) -> list[int]:
    if seed == 0:
        ids = items.values_list("pk", flat=True)
        return list(ids[:limit] if limit else ids)
    shuffled = sorted(
        (draw_number(seed, external_id), pk)
        for pk, external_id in items.values_list("pk", "external_id").iterator()
    )
    return [pk for _draw, pk in shuffled[:limit]]


def _write_calls(run: Run, ids: Sequence[int]) -> None:
    """The first calls of these items; where there are several an item, its row as well."""
    if not asks_once(run):
        RunItem.objects.bulk_create(
            (RunItem(run=run, item_id=pk) for pk in ids), batch_size=CHUNK, ignore_conflicts=True
        )
    Call.objects.bulk_create(_first_calls(run, ids), batch_size=CHUNK, ignore_conflicts=True)


def _first_calls(run: Run, ids: Sequence[int]) -> Iterator[Call]:
    if run.purpose == Purpose.CANARY:
        # First the items as they are: which verdicts to plant hangs on what the judge says of them.
        yield from (Call(run=run, item_id=pk, variant=PLAIN) for pk in ids)
        return
    if audits := run.selection.get("audits"):
        codes = [option.code for option in run.version.question.options.all()]
        is_pair = setting_of(run.version).pair is not None
        for pk in ids:
            yield from (
                Call(run=run, item_id=pk, variant=variant)
                for variant in variants_of(audits, run.seed, pk, codes, is_pair=is_pair)
            )
        return
    if is_panel(run.version):
        panel = panel_of(run.version)
        for pk in ids:
            yield from (call_of(run, panel, pk, wanted) for wanted in calls_first(panel, pk))
        return
    how = how_of(run.version)
    keys = first_calls(how, run.version.question.options.count())
    learnt = {item_id for item_id, _code in run.version.training.get("labels", [])}
    for pk in ids:
        for key in keys:
            variant = OUT_OF_FOLD if pk in learnt else key.variant
            yield Call(run=run, item_id=pk, variant=variant, repeat=key.repeat)


def is_classifier(version: JudgeVersion) -> bool:
    """Whether the version is the local classifier, which predicts in batches."""
    return version.connection.provider == ProviderName.LOCAL_CLASSIFIER
