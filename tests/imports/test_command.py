"""manage.py import_items."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotate.models import Item, Job, JobState, Label, Project
from tests.imports.bringing import csv_of, labels_csv
from tests.personas import story, user

pytestmark = pytest.mark.django_db


def run(*args: Any, **more: Any) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("import_items", *map(str, args), stdout=out, stderr=err, **more)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def put(tmp_path: Path) -> Any:
    def put(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return put


def test_items_and_labels_start_a_project_in_one_go(put: Any) -> None:
    user("olga", founder=True)
    items = put("items.csv", b"item_id,text,aspect\na,Lovely.,food\nb,Slow.,service\n")
    labels = put(
        "labels.csv",
        labels_csv(
            ("a", "w1", "human", "Positive"),
            ("b", "w1", "human", "Negative"),
            ("a", "gpt", "llm", "Positive"),
        ),
    )
    out, _err = run(
        "--create-project=Aspects",
        "--owner=olga",
        "--items",
        items,
        "--labels",
        labels,
        "--question-key=tone",
        "--question-text=How does the text judge the {aspect}?",
    )
    project = Project.objects.get()
    question = project.questions.get()
    assert (project.name, question.key, question.kind) == ("Aspects", "tone", "single")
    assert question.text == "How does the text judge the {aspect}?"
    assert list(Item.objects.get(external_id="a").fields) == ["text", "aspect"]
    assert Label.objects.count() == 3
    assert "2 items created" in out
    assert "3 labels taken in" in out
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.DONE}


def test_columns_can_be_named_and_what_is_refused_is_told_by_line(put: Any, tmp_path: Path) -> None:
    s = story()
    items = put("items.csv", b"nr,words,topic,src\n1,Lovely.,food,web\n,none,food,web\n")
    target = tmp_path / "refused.csv"
    out, err = run(
        s.project.pk, items, "--id-column=nr", "--show=topic,words", "--metadata=src",
        "--refused", target,
    )  # fmt: skip
    item = Item.objects.get()
    assert list(item.fields.items()) == [("topic", "food"), ("words", "Lovely.")]
    assert (item.external_id, item.metadata) == ("1", {"src": "web"})
    assert "line 3: Has no id in “nr”." in err
    assert "1 line: no id" in out
    assert target.read_bytes() == b"nr,words,topic,src\n,none,food,web\n"


def test_labels_alone_make_their_items(put: Any) -> None:
    s = story()
    labels = put("labels.csv", b"doc,who,answer\na,w1,positive\na,w2,negative\n")
    run(
        s.project.name, "--labels", labels,
        "--column=item=doc", "--column=rater=who", "--column=label=answer",
    )  # fmt: skip
    assert Item.objects.get().fields == {"text": "a"}
    assert Label.objects.filter(question=s.question).count() == 2
    with pytest.raises(CommandError, match="Nothing of"):
        run(
            s.project.pk, "--labels", put("more.csv", labels_csv(("z", "w1", "human", "positive"))),
            "--no-create-items",
        )  # fmt: skip


def test_all_refused_is_a_failure(put: Any) -> None:
    s = story()
    with pytest.raises(CommandError, match=r"Nothing of bad\.csv"):
        run(s.project.pk, put("bad.csv", csv_of(("", "one"))))


def test_an_encoding_that_is_not_utf8_must_be_said(put: Any) -> None:
    s = story()
    path = put("latin.csv", "id,text\na,Café\n".encode("latin-1"))
    with pytest.raises(CommandError, match="line 2 first"):
        run(s.project.pk, path)
    assert not s.project.imports.exclude(status="dropped").exists()
    run(s.project.pk, path, "--encoding=latin-1")
    assert Item.objects.get().fields == {"text": "Café"}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["1"], "Name a file"),
        (["99999", "FILE"], "no project '99999'"),
        (["FILE-IS-MISSING", "nowhere.csv"], "no file"),
        (["--create-project=X", "--items", "FILE"], "--owner"),
        (["--create-project=X", "--owner=nobody", "--items", "FILE"], "no account named 'nobody'"),
        (["PROJECT", "FILE", "--show=words"], "no column “words”"),
        (["PROJECT", "--labels", "FILE"], "column of the labels"),
    ],
)
def test_what_cannot_be_done_is_said(put: Any, args: list[str], words: str) -> None:
    s = story()
    path = put("items.csv", csv_of(("a", "one")))
    words_of = {"FILE": str(path), "PROJECT": str(s.project.pk)}
    with pytest.raises(CommandError, match=words):
        run(*[words_of.get(arg, arg) for arg in args])
    assert not Item.objects.exists()
