"""A judge version keeps how it asks and its examples, and each of its calls asks accordingly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from annotate.errors import BadInput
from annotate.models import JobState
from annotate.services.claims import claims_hold
from annotate.services.items import ItemRow, items_take_in
from annotate.services.submissions import submission_submit
from judges.exchange import Request, Rule
from judges.models import JudgeVersion
from judges.prompting.how import Choice, Examples, How, Pair
from judges.prompting.plan import CallKey
from judges.providers import local_classifier
from judges.selectors.asked import asked_of, asked_sample
from judges.services.embeddings import vectors_keep
from judges.services.runs import run_start
from judges.services.versions import chat_version
from tests.judges.judging import answering, scripted_connection, work
from tests.personas import Story, story

pytestmark = pytest.mark.django_db


def make(s: Story, how: How | None, **more: object) -> JudgeVersion:
    connection = s.project.connections.first() or scripted_connection(s)
    return chat_version(s.olga, s.question, connection, model="m", how=how, **more)  # type: ignore[arg-type]


def test_asking_directly_is_the_version_it_always_was() -> None:
    s = story()
    plain = make(s, None)
    assert plain.parameters == {"want": "letter", "temperature": 0, "seed": 1}
    assert make(s, How()) == plain
    assert make(s, How(ask="rationale")) == make(s, None, ask_rationale=True)


def test_another_way_of_asking_is_another_version() -> None:
    s = story()
    hows = [None, How(orders="both"), How(persona="A parent."), How(confidence="stated")]
    assert len({make(s, how).hash for how in hows}) == 4
    assert make(s, hows[1]) == make(s, hows[1])


def test_each_call_asks_its_variant() -> None:
    s = story()
    (item,) = s.items(["The soup was cold."])
    version = make(s, How(orders="both", paraphrases=("Is it {text}?",), persona="A parent."))
    plain, other = (
        asked_of(version, item),
        asked_of(version, item, CallKey("order:1+paraphrase:1", 2)),
    )
    assert [o.code for o in other.options] == [o.code for o in plain.options][::-1]
    assert f"Is it {item.fields['text']}?" in other.user
    assert "A parent." in plain.system
    assert (plain.seed, other.seed) == (1, 3)


@pytest.mark.parametrize(
    "how",
    [
        How(ask="expected_score"),
        How(ask="reference", reference="gold"),
        How(ask="checklist", criteria=("Is it?",), rule=Rule("all", yes=97, no=98)),
        How(ask="pairwise", pair=Pair(("text", "text2"), (97, 98))),
        How(examples=Examples("people", 4, "random")),
    ],
)
def test_what_the_project_does_not_have_is_refused(how: How) -> None:
    s = story()
    with pytest.raises(BadInput) as caught:
        make(s, how)
    assert caught.value.detail["fields"]
    assert not s.project.judge_versions.exists()


# --- Examples ----------------------------------------------------------------------------------

TEXTS = [
    f"The {noun} was {how}."
    for how in ("good", "bad")
    for noun in ("soup", "bread", "staff", "room", "bill", "tea", "fish", "cake")
]


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Story:
    """A project with 16 items that Ana answered, and vectors of their texts that are made up."""
    s = story()
    s.items(TEXTS)
    rater = s.rater(s.ana)
    for number in itertools.count():
        held = claims_hold(rater)
        if not held:
            break
        answers = s.answer(int("bad" in held[0].item.fields["text"]))
        submission_submit(rater, held[0].item, answers=answers, client_key=f"k{number}")

    def embed(texts: list[str], _embedder: object = None) -> np.ndarray:
        return np.stack([_vector(text) for text in texts])

    monkeypatch.setattr(local_classifier, "embed", embed)
    return s


def _vector(text: str) -> np.ndarray:
    """Of its own direction for each text; a text and the same in capitals are near copies."""
    vector = np.zeros(len(TEXTS) + 1, dtype=np.float32)
    known = [each.lower() for each in TEXTS]
    vector[known.index(text.lower()) if text.lower() in known else -1] = 1
    return vector


@pytest.mark.parametrize("choice", ["random", "diverse", "similar"])
def test_examples_come_from_people_and_are_kept_with_the_version(
    answered: Story, choice: Choice
) -> None:
    s = answered
    version = make(s, How(examples=Examples("people", 4, choice, seed=3)))
    kept = dict(version.parameters["examples"])
    assert len(kept) == {"random": 12, "diverse": 12, "similar": 16}[choice]
    for item in s.project.items.filter(pk__in=kept):
        assert kept[item.pk] == int("bad" in item.fields["text"])
    assert make(s, How(examples=Examples("people", 4, choice, seed=3))) == version
    sample = asked_sample(version)
    assert sample
    assert sample.user.count("Example ") == 4


def test_another_draw_is_another_version(answered: Story) -> None:
    hows = [How(examples=Examples("people", 4, "random", seed=seed)) for seed in (1, 2)]
    assert make(answered, hows[0]).hash != make(answered, hows[1]).hash


def test_too_few_and_unruled_answers_are_refused(answered: Story) -> None:
    for wrong in [Examples("people", 17, "random"), Examples("rulings", 1, "random")]:
        with pytest.raises(BadInput, match="take examples from"):
            make(answered, How(examples=wrong))


@pytest.mark.parametrize("choice", ["random", "diverse", "similar"])
def test_in_a_run_no_item_is_its_own_example_nor_is_a_copy(answered: Story, choice: Choice) -> None:
    s = answered
    rows = [ItemRow(f"c{n}", {"text": text.upper()}) for n, text in enumerate(TEXTS[:4])]
    items_take_in(s.project, rows)
    asked: list[Request] = []

    def script(request: Request) -> str:
        asked.append(request)
        return "A"

    version = make(s, How(examples=Examples("people", 6, choice)))
    with answering(script):
        run = work(run_start(s.olga, version))
    assert run.job.state == JobState.DONE
    assert len(asked) == 20
    for request in asked:
        examples, _, item = request.user.rpartition("<item>\n")
        text = item.partition("\n</item>")[0]
        assert examples.count("Reply: ") == 6
        assert text.lower() not in examples.lower()


def test_a_run_reads_the_vectors_that_are_kept(answered: Story) -> None:
    vectors_keep(local_classifier.MODEL, {text: _vector(text) for text in TEXTS})
    version = make(answered, How(examples=Examples("people", 2, "similar")))
    with answering(lambda _request: "B"):
        run = work(run_start(answered.olga, version))
    assert run.calls.filter(outcome="label").count() == 16
