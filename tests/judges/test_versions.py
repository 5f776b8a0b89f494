"""Judge versions: the same make-up is the same version, and any change that matters another."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from annotate.errors import BadInput, Conflict
from annotate.models import Option, Rater, RaterKind, RaterOrigin
from annotate.services.items import ItemRow, items_take_in
from annotate.services.projects import guideline_publish
from judges.models import Connection, JudgeVersion
from judges.prompting.how import How, Pair
from judges.prompting.words import DEFAULT_OUTPUT, DEFAULT_SYSTEM, default_task, first_task
from judges.selectors.asked import asked_of, asked_sample
from judges.selectors.fields import LOOKED_AT, field_names
from judges.services.connections import connection_add, connection_edit
from judges.services.prompts import prompt_hash
from judges.services.runs import run_start
from judges.services.versions import chat_version, judge_version_create, version_hash
from tests.judges.judging import scripted_connection
from tests.personas import STARS, Story, story

pytestmark = pytest.mark.django_db


def make(s: Story, connection: Connection, **more: Any) -> JudgeVersion:
    return chat_version(s.olga, s.question, connection, **{"model": "m", **more})


def test_a_version_is_a_rater_of_its_own_and_numbered_by_name() -> None:
    s = story()
    connection = scripted_connection(s)
    first, second = make(s, connection), make(s, connection, system="Be strict.")
    assert (str(first), str(second)) == ("m v1", "m v2")
    assert (first.rater.kind, first.rater.origin) == (RaterKind.JUDGE, RaterOrigin.RUN)
    assert first.rater.name == "m v1"
    assert first.rater.version_hash == first.hash
    assert first.rater_id != second.rater_id


def test_versions_of_one_model_are_one_family_whatever_they_are_asked_and_by_whom() -> None:
    s = story()
    connection = scripted_connection(s)
    versions = [
        make(s, connection, model="Vendor/GPT-9"),
        make(s, connection, model="gpt-9", system="Be strict."),
        make(s, connection, model="gpt-9-mini"),
        judge_version_create(s.olga, s.question, connection, name="Nameless"),
    ]
    assert [v.rater.family for v in versions] == ["gpt-9", "gpt-9", "gpt-9-mini", ""]


def test_judges_made_before_there_were_families_are_told_theirs() -> None:
    s = story()
    version = make(s, scripted_connection(s), model="Vendor/GPT-9")
    Rater.objects.update(family="")

    import_module("judges.migrations.0003_families_of_raters").say_families(apps, None)

    assert dict(Rater.objects.exclude(family="").values_list("pk", "family")) == {
        version.rater_id: "gpt-9"
    }


CHANGES: dict[str, Callable[[Story, Connection], JudgeVersion]] = {
    "model": lambda s, c: make(s, c, model="n"),
    "prompt": lambda s, c: make(s, c, system="Be strict."),
    "task": lambda s, c: make(s, c, task="{{item}} {{options}}"),
    "how to answer": lambda s, c: make(s, c, output="Briefly. {{form}}"),
    "rationale": lambda s, c: make(s, c, ask_rationale=True),
    "guideline": lambda s, c: (guideline_publish(s.olga, s.project, "Other."), make(s, c))[1],
    "definition": lambda s, c: (s.question.options.update(definition="Other."), make(s, c))[1],
    "question text": lambda s, c: (_set(s.question, "text", "Else?"), make(s, c))[1],
    "another option": lambda s, c: (
        Option.objects.create(question=s.question, code=3, key="x", name="X"),
        make(s, c),
    )[1],
    "parameters": lambda s, c: judge_version_create(
        s.olga, s.question, c, name="m", model="m", parameters={"temperature": 1}
    ),
    "training": lambda s, c: judge_version_create(
        s.olga, s.question, c, name="m", model="m", training={"labels": [], "hash": "h"}
    ),
    "address": lambda s, c: make(
        s, connection_add(s.olga, s.project, name="E", base_url="https://e.example.org/v1")
    ),
}


def _set(row: Any, field: str, value: str) -> None:
    setattr(row, field, value)
    row.save(update_fields=[field])


@pytest.mark.parametrize("change", CHANGES)
def test_what_could_change_an_answer_makes_another_version(change: str) -> None:
    s = story()
    connection = scripted_connection(s)
    before = make(s, connection)
    after = CHANGES[change](s, connection)
    assert after.pk != before.pk
    assert after.hash != before.hash


def test_what_could_not_does_not() -> None:
    s = story()
    connection = connection_add(
        s.olga, s.project, name="E", base_url="https://e.example.org/v1", key="k"
    )
    before = make(s, connection)
    connection_edit(
        s.olga,
        connection,
        name="Renamed",
        base_url=connection.base_url,
        key="another",
        concurrency=9,
        timeout_seconds=5,
    )
    s.question.options.update(colour="teal")
    guideline_publish(s.olga, s.project, "Other.")
    guideline_publish(s.olga, s.project, "# How to label\n\nJudge the text only.")
    twin = connection_add(s.olga, s.project, name="Twin", base_url=connection.base_url)
    for again in (
        make(s, connection),
        make(s, connection, system="  ", name="Other name"),
        chat_version(s.rhea, s.question, twin, model=" m "),
    ):
        assert again.pk == before.pk
    assert JudgeVersion.objects.count() == 1


def test_a_version_whose_question_was_edited_in_place_is_not_run() -> None:
    s = story()
    s.items(["Lovely soup."])
    version = make(s, scripted_connection(s))
    s.question.options.filter(code=0).update(definition="Something else.")
    assert version_hash(JudgeVersion.objects.get(pk=version.pk)) != version.hash
    with pytest.raises(Conflict, match="was edited since"):
        run_start(s.olga, version)


def test_what_does_not_belong_together_is_refused() -> None:
    s = story(questions=(STARS,))
    connection = scripted_connection(s)
    with pytest.raises(BadInput):
        make(s, connection, model=" ")
    with pytest.raises(BadInput):
        make(s, connection, system="x" * 20_001)
    s.olga.username = "olga-before"
    s.olga.save(update_fields=["username"])
    for name in ("rhea", "ana", "ben", "cem", "vic", "sam"):
        person = getattr(s, name)
        person.username = f"{name}-before"
        person.save(update_fields=["username"])
    other = story()
    with pytest.raises(BadInput, match="of one project"):
        chat_version(other.olga, other.question, connection, model="m")


def test_a_model_known_to_give_no_probabilities_is_asked_to_state_how_sure_it_is() -> None:
    s = story()
    connection = scripted_connection(s)
    assert make(s, connection).parameters["want"] == "letter"
    connection.capabilities = {"m": {"logprobs": False, "schema": True}}
    assert make(s, connection).parameters["want"] == "json"
    assert make(s, connection, ask_rationale=True).parameters["want"] == "json_rationale"


# --- Words of a lead's own ---------------------------------------------------------------------


def test_the_built_in_words_written_out_are_the_same_version() -> None:
    s = story()
    connection = scripted_connection(s)
    plain = make(s, connection)
    assert plain == make(
        s,
        connection,
        system=f" {DEFAULT_SYSTEM}\r\n",
        task=default_task("direct"),
        output=DEFAULT_OUTPUT,
    )
    assert plain.prompt
    assert (plain.prompt.system, plain.prompt.output) == ("", "")
    assert plain.prompt.task == default_task("direct")


def test_a_version_made_before_the_options_stood_after_the_item_asks_on_as_it_did() -> None:
    s = story()
    s.items(["Cold."])
    older = make(s, scripted_connection(s), task=first_task("direct"))
    assert older.prompt
    assert older.prompt.task == ""  # as those were kept
    request = asked_sample(older)
    assert request
    assert request.user.count("A. ") == 1
    newer = make(s, older.connection)
    assert newer != older
    request = asked_sample(newer)
    assert request
    assert request.user.count("A. ") == 2


def test_a_prompt_that_was_there_before_its_parts_keeps_its_hash() -> None:
    """Its versions are told by it: another hash would make them others."""
    assert prompt_hash(system="Be strict.", ask_rationale=False) == (
        "3c5c0b2b4c8d814bb0c23f3a78d0ac0c35b9b14f3a6817a7d3961ebc0a32e0d2"
    )


def test_the_words_of_a_version_are_what_is_asked() -> None:
    s = story()
    (item,) = s.items(["The soup was cold."])
    version = make(
        s,
        scripted_connection(s),
        system="You know: {{guideline}}",
        task="{{item.text}}\n\n{{options}}",
        output="Say it. {{form}}",
    )
    request = asked_of(version, item)
    assert "Judge the text only." in request.system
    assert request.user.startswith("<item>\nThe soup was cold.\n</item>\n\nA. Positive - Praise.")
    assert request.user.endswith("Say it. Reply with the letter of the best option only.")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            {"task": "a\n{{item.txet}} {{options}}"},
            "Line 2: {{item.txet}}: no item has such a field.",
        ),
        ({"task": "{{item.txet}} {{options}}"}, "Did you mean {{item.text}}?"),
        ({"task": "{{item.zebra}} {{options}}"}, "Fields: text."),
        ({"task": "{{item}} {{optoins}}"}, "Did you mean {{options}}?"),
        ({"task": "{{options}}"}, "The item is shown nowhere."),
        ({"task": "{{item}}"}, "The options are shown nowhere."),
        ({"task": "{{item}} {{options}} {{form}}"}, "the part on how to answer"),
        ({"system": "See {{item}}"}, "The system prompt is the same for every item"),
        ({"output": "{{ form"}, "begins a variable"),
        ({"output": "x" * 20_001}, "At most 20,000 characters."),
    ],
)
def test_words_that_cannot_be_asked_are_refused_by_part(words: dict[str, str], said: str) -> None:
    s = story()
    s.items(["The soup was cold."])
    with pytest.raises(BadInput) as caught:
        make(s, scripted_connection(s), **words)
    (part,) = words
    assert list(caught.value.detail["fields"]) == [part]
    assert said in caught.value.detail["fields"][part]


def test_a_reason_is_refused_where_the_reply_has_no_place_for_one() -> None:
    s = story()
    with pytest.raises(BadInput) as caught:
        make(s, scripted_connection(s), ask_rationale=True, how=How(ask="candidates"))
    assert "ask_rationale" in caught.value.detail["fields"]


def test_a_reference_and_a_pair_are_fields_that_items_have() -> None:
    s = story()
    items_take_in(s.project, [ItemRow("p1", {"text": "Good.", "other": "Bad.", "gold": "Good."})])
    reference = How(ask="reference", reference="gold")
    pair = How(ask="pairwise", pair=Pair(("text", "other"), (0, 1)))
    connection = scripted_connection(s)
    (item,) = s.project.items.all()
    asked = asked_of(make(s, connection, how=reference), item).user
    assert "Reference answer to compare it with:\n<item>\nGood." in asked
    assert make(s, connection, how=pair).number == 2
    for how, field in (
        (How(ask="reference", reference="gone"), "reference"),
        (How(ask="pairwise", pair=Pair(("text", "gone"), (0, 1))), "pair"),
    ):
        with pytest.raises(BadInput) as caught:
            make(s, connection, how=how)
        assert caught.value.detail["fields"] == {field: "No item has a field called “gone”."}


def test_a_rare_field_is_found_among_many_items() -> None:
    s = story()
    rows = [ItemRow(f"r{n}", {"text": f"Soup {n}."}) for n in range(LOOKED_AT + 5)]
    items_take_in(s.project, [*rows, ItemRow("last", {"text": "Soup.", "rare": "x"})])
    assert field_names(s.project) == ["text"]
    assert field_names(s.project, ["rare", "none"]) == ["text", "rare"]
