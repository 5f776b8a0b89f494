"""What the label of a panel came of: who said what, in which round."""

from __future__ import annotations

import re
from collections.abc import Collection

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.models import ConfidenceSource, Label, RaterOrigin
from annotate.selectors.evidence import Evidence, Witness
from annotate.written import within
from judges.models import Call, ProviderName, Run
from judges.selectors.panel_items import Standing, standing
from judges.selectors.panels import Panel, panel_of

# How endings.label_hand_in names what it hands in.
_KEY = re.compile(r"run:(\d+):\d+")


def panel_evidence(labels: Collection[Label]) -> dict[int, Evidence]:
    """The evidence of those labels of one item that panels gave, by the label's id. A query where
    there is none, else four and two a panel.
    """
    by_run: dict[int, Label] = {}
    for label in labels:
        key = _KEY.fullmatch(label.submission.client_key)
        if key and label.rater.origin == RaterOrigin.RUN:
            by_run[int(key[1])] = label
    if not by_run:
        return {}
    runs = (
        Run.objects.filter(pk__in=by_run, version__connection__provider=ProviderName.PANEL)
        .select_related("version__connection", "version__question")
        .prefetch_related("version__question__options")
    )
    return {by_run[run.pk].pk: run_evidence(run, by_run[run.pk].item_id) for run in runs}


def run_evidence(run: Run, item_id: int) -> Evidence:
    """Who of a panel said what of an item in a run."""
    panel = panel_of(run.version)
    calls = Call.objects.filter(run=run, item=item_id).order_by("pk")
    now = standing(panel, item_id, list(calls))
    talked = any(talk for _place, talk in now.said)
    sources = dict(ConfidenceSource.choices)
    order = sorted(now.said.items(), key=lambda entry: (entry[0][1], entry[0][0]))
    return Evidence(
        sentence=_sentence(panel, now),
        witnesses=[
            Witness(
                name=str(panel.members[place]),
                choice=said.code,
                confidence=said.confidence,
                source=within(sources.get(said.confidence_source, ""))
                if said.confidence_source
                else "",
                rationale=said.rationale,
                note=said.error,
                round=_round(talked=talked, talk=talk),
                is_later=talk,
            )
            for (place, talk), said in order
        ],
    )


def _round(*, talked: bool, talk: bool) -> str:
    if not talked:
        return ""
    return _("After the discussion") if talk else _("Before the discussion")


def _sentence(panel: Panel, now: Standing) -> str:
    asked, n = len(now.votes(discussed=False)), len(panel.members)
    again = len(now.votes(discussed=True))
    if again:
        said = _("The %(n)s judges differed; after a discussion %(again)s were asked again")
        return said % {"n": asked, "again": again}
    if asked == n:
        return ngettext("%(n)s judge was asked", "%(n)s judges were asked", n) % {"n": n}
    if panel.spec.stop == "sure":
        said = _("%(asked)s of %(n)s judges were asked; the vote was then sure enough or settled")
    else:
        said = _("%(asked)s of %(n)s judges were asked; the vote was then settled")
    return said % {"asked": asked, "n": n}
