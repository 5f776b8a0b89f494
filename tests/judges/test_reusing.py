"""Answers taken from calls before (services/reusing.py)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from annotate.models import Label
from annotate.services.items import ItemRow, items_take_in
from judges.models import Call, Purpose
from judges.prompting.how import How, Repeats
from judges.providers.scripted import scripted_reply
from judges.services.runs import run_start
from judges.services.versions import judge_version_create
from tests.judges.judging import answering, by_words, priced_version, work
from tests.personas import story

pytestmark = pytest.mark.django_db


def test_the_same_request_is_answered_from_before_at_no_price_and_says_so() -> None:
    s = story()
    s.items(["Lovely soup.", "Cold soup."])
    version = priced_version(s)
    reply = scripted_reply("A", logprobs={"A": -0.1, "B": -2.4})
    with answering(lambda r: reply if "Lovely" in r.user else by_words(r)) as model:
        work(run_start(s.olga, version))
        more = ["Lovely soup.", "Bread."]
        items_take_in(s.project, [ItemRow(f"new{n}", {"text": t}) for n, t in enumerate(more)])
        run = work(run_start(s.olga, version))
    assert len(model.asked) == 3
    assert run.job.result == {"label": 2}
    first, again = Call.objects.filter(item__external_id__in=["i1", "new0"]).order_by("pk")
    assert (again.reused, again.price, again.tokens_in) == (first, Decimal(0), None)
    assert again.reserved is None
    assert (again.distribution, again.confidence) == (first.distribution, first.confidence)
    run.refresh_from_db()
    assert (run.spent, run.reserved) == (20_000_000, 0)
    assert Label.objects.count() == 4


def test_trials_repeats_failures_and_other_models_are_asked() -> None:
    s = story()
    s.items(["Lovely soup."])
    version = priced_version(s)
    with answering(lambda _: "Well ...") as model:
        work(run_start(s.olga, version))
    with answering(by_words) as model:
        work(run_start(s.olga, version))
        assert len(model.asked) == 1
        for purpose in (Purpose.TRIAL, Purpose.ANCHOR):
            work(run_start(s.olga, version, purpose=purpose))
        assert len(model.asked) == 3
        for name, how in (("script-1", How(repeats=Repeats(2, delta=0))), ("script-2", How())):
            work(
                run_start(
                    s.olga,
                    judge_version_create(
                        s.olga,
                        s.question,
                        version.connection,
                        name=name,
                        model=name,
                        prompt=version.prompt,
                        guideline=version.guideline,
                        parameters={**version.parameters, "how": how.as_dict()},
                    ),
                )
            )
        assert len(model.asked) == 6
    assert not Call.objects.exclude(reused=None).exists()
