"""Importing items: what is taken in, what is refused by line, repeat-safe, encodings."""

from __future__ import annotations

import pytest

from annotate.errors import BadInput, Conflict
from annotate.models import Event, ImportStatus, Item, ItemStatus, JobState, Slot
from annotate.services.claims import claims_hold
from annotate.services.import_plans import ItemPlan
from annotate.services.import_refusals import refusals_shown, refused_upload
from annotate.services.imports import (
    import_drop,
    import_read_as,
    import_run,
    import_start,
    import_told,
)
from tests.imports.bringing import (
    ITEMS,
    bring_items,
    csv_of,
    jsonl_of,
    refused,
    take_back,
    taken,
    upload,
)
from tests.personas import story

pytestmark = pytest.mark.django_db


def test_items_come_in_with_fields_metadata_and_slots() -> None:
    s = story(labels_per_item=2)
    batch = bring_items(
        s,
        b'id,text,aspect,source\na,"Lovely, soup.",food,web\nb,Slow.,service,web\n',
        plan=ItemPlan(item="id", shown=["aspect", "text"], metadata=["source"]),
    )
    assert batch.status == ImportStatus.COMMITTED
    assert batch.counts["created"] == 2
    item = Item.objects.get(external_id="a")
    assert list(item.fields.items()) == [("aspect", "food"), ("text", "Lovely, soup.")]
    assert item.metadata == {"source": "web"}
    assert Slot.objects.filter(project=s.project).count() == 4
    assert batch.job is not None
    batch.job.refresh_from_db()
    assert batch.job.state == JobState.DONE
    assert "2 items created" in batch.job.message
    assert Event.objects.filter(verb="import.committed").count() == 1


def test_the_same_file_again_changes_nothing_and_a_mended_one_updates() -> None:
    s = story()
    bring_items(s, csv_of(("a", "one"), ("b", "two")))
    again = bring_items(s, csv_of(("a", "one"), ("b", "two")))
    assert (again.counts.get("unchanged"), again.counts.get("created", 0)) == (2, 0)
    mended = bring_items(s, csv_of(("a", "one"), ("b", "two; mended")))
    assert (mended.counts["unchanged"], mended.counts["updated"]) == (1, 1)
    assert Item.objects.count() == 2
    assert Slot.objects.count() == 2


def test_every_refusal_names_its_line_and_the_rest_is_kept() -> None:
    s = story()
    lines = [
        b"id,text",
        b"a,good",  # 2
        b",no id",  # 3
        b"a,again",  # 4
        b"b,too,many",  # 5
        b"c,   ",  # 6
        b"d," + b"x" * 1_000_001,  # 7
        b"e,nul\0here",  # 8
        b"i" * 501 + b",long id",  # 9
        b"f,caf\xe9",  # 10
        b'g,"stray "quote" here"',  # 11
        b"h,good",  # 12
    ]
    batch = bring_items(s, b"\n".join(lines), encoding="utf-8")
    assert refused(batch) == [
        (3, "empty_id"),
        (4, "duplicate_id"),
        (5, "columns"),
        (6, "nothing_shown"),
        (7, "too_long"),
        (8, "nul"),
        (9, "long_id"),
        (10, "encoding"),
        (11, "quotes"),
    ]
    assert set(Item.objects.values_list("external_id", flat=True)) == {"a", "h"}
    assert batch.counts["refused"] == 9
    shown = {refusal.lines: refusal for refusal in refusals_shown(batch)}
    assert shown["4"].sentence == "The id “a” stands in line 2 already."
    assert shown["4"].text == "a,again"
    assert shown["8"].text == "e,nul␀here"


def test_the_refused_lines_can_be_mended_and_sent_again() -> None:
    s = story()
    batch = bring_items(s, b'\xef\xbb\xbfid,text\na,good\n,"no\nid"\nb,too,many')
    again = b"".join(refused_upload(batch))
    assert again == b'\xef\xbb\xbfid,text\n,"no\nid"\nb,too,many\n'
    mended = again.replace(b"\n,", b"\nc,").replace(b"too,many", b"right")
    second = bring_items(s, mended)
    assert second.counts["refused"] == 0
    assert set(Item.objects.values_list("external_id", flat=True)) == {"a", "b", "c"}


def test_a_jsonl_cut_off_in_line_7000_keeps_the_other_lines() -> None:
    s = story()
    lines = [b'{"id": "%d", "text": "words %d"}\n' % (n, n) for n in range(1, 7001)]
    lines[-1] = lines[-1][:20]
    batch = bring_items(s, b"".join(lines), "items.jsonl")
    assert refused(batch) == [(7000, "json_cut")]
    assert Item.objects.count() == 6999
    assert batch.counts["created"] == 6999


def test_json_values_keep_their_kind_in_metadata_and_are_text_where_shown() -> None:
    s = story()
    batch = bring_items(
        s,
        jsonl_of(
            {"id": 7, "text": 3.5, "tags": ["x", {"y": 1}]},
            {"text": "no id"},
            {"id": "b"},
            {"id": "c", "text": "half \ud800"},
            {"id": "d", "text": "fine", "tags": "nul\0"},
            {"id": "e", "text": None},
            {"id": "f", "text": "no tags", "new": 1},
        ),
        "items.jsonl",
        ItemPlan(item="id", shown=["text"], metadata=["tags"]),
    )
    assert refused(batch) == [
        (2, "missing_column"),
        (3, "missing_column"),
        (4, "surrogate"),
        (5, "nul"),
        (6, "nothing_shown"),
    ]
    item = Item.objects.get(external_id="7")
    assert (item.fields, item.metadata) == ({"text": "3.5"}, {"tags": ["x", {"y": 1}]})
    assert Item.objects.get(external_id="f").metadata == {}


def test_an_id_made_from_the_content_is_the_same_at_the_next_import() -> None:
    s = story()
    plan = ItemPlan(item=None, shown=["text"])
    batch = bring_items(s, b"text\nsoup\nbread\nsoup\n", plan=plan)
    assert refused(batch) == [(4, "duplicate_id")]
    again = bring_items(s, b"text\nbread\ntea\n", plan=plan)
    assert (again.counts["created"], again.counts["unchanged"]) == (1, 1)


def test_other_content_for_an_item_given_out_is_refused_by_line() -> None:
    s = story()
    bring_items(s, csv_of(("a", "one"), ("b", "two")))
    (held,) = claims_hold(s.rater(s.ana))
    name = held.item.external_id
    batch = bring_items(s, csv_of(("a", "other"), ("b", "other")))
    assert refused(batch) == [(2 if name == "a" else 3, "frozen")]
    assert Item.objects.get(external_id=name).fields["text"] in {"one", "two"}
    assert batch.counts["updated"] == 1
    assert b"".join(refused_upload(batch)) == b"id,text\n%s,other\n" % name.encode()


def test_a_latin1_file_waits_until_a_person_says_how_it_was_written() -> None:
    s = story()
    batch = upload(s, "id,text\na,café\n".encode("latin-1"))
    assert batch.encoding == ""
    assert batch.mapping["unclear"]["first_bad"] == 2
    assert batch.mapping["unclear"]["samples"]["latin-1"] == "a,café"
    with pytest.raises(BadInput):
        import_start(s.olga, batch, ITEMS)
    batch = import_read_as(s.olga, batch, format="csv", encoding="windows-1252", delimiter="")
    import_run(taken(import_start(s.olga, batch, ITEMS)))
    assert Item.objects.get().fields == {"text": "café"}


def test_html_in_a_text_is_kept_as_it_is() -> None:
    s = story()
    bomb = "<script>alert(1)</script><b>" * 100
    bring_items(s, csv_of(("a", bomb)))
    assert Item.objects.get().fields == {"text": bomb}


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"\n \n", "empty"),
        ("a.csv", b"PK\x03\x04rest", "spreadsheet"),
        ("a.csv", b"id,text\rb,c\r", "line"),
        ("a.json", b'[{"a": 1}]', "JSON list"),
        ("a.jsonl", b"nonsense\n", "no row"),
        ("a.csv", b'"id,te\xff"\n', "columns"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_is_refused_at_once(
    name: str, data: bytes, words: str, settings
) -> None:
    s = story()
    with pytest.raises(BadInput, match=words):
        upload(s, data, name, encoding="utf-8")
    assert not s.project.imports.exists()
    assert not any(settings.MEDIA_ROOT.glob("imports/*"))


def test_a_file_beyond_the_limit_is_refused_and_not_kept(settings) -> None:
    s = story()
    settings.MAX_UPLOAD_MB = 1
    with pytest.raises(BadInput, match="larger than 1 MB"):
        upload(s, b"id,text\n" + b"x" * 1_100_000)
    assert not any(settings.MEDIA_ROOT.glob("imports/*"))


def test_a_plan_must_fit_the_file() -> None:
    s = story()
    batch = upload(s, csv_of(("a", "one")))
    with pytest.raises(BadInput, match="no column “words”"):
        import_start(s.olga, batch, ItemPlan(item="id", shown=["words"]))
    with pytest.raises(BadInput, match="to be shown"):
        import_start(s.olga, batch, ItemPlan(item="id", shown=[]))


def test_an_import_is_started_once_and_dropped_only_before(
    settings, django_capture_on_commit_callbacks
) -> None:
    s = story()
    batch = upload(s, csv_of(("a", "one")))
    import_start(s.olga, batch, ITEMS)
    with pytest.raises(Conflict):
        import_start(s.olga, batch, ITEMS)
    with pytest.raises(Conflict):
        import_drop(s.olga, batch)
    other = upload(s, csv_of(("a", "one")))
    with django_capture_on_commit_callbacks(execute=True):
        import_drop(s.olga, other)
    assert not (settings.MEDIA_ROOT / other.upload).exists()
    with pytest.raises(Conflict):
        import_start(s.olga, other, ITEMS)


def test_a_file_of_which_all_was_refused_says_so() -> None:
    s = story()
    batch = bring_items(s, csv_of(("", "one")))
    assert import_told(batch) == "Nothing was taken in. Lines refused: 1."
    assert Item.objects.filter(status=ItemStatus.LIVE).count() == 0


def test_the_order_of_shown_fields_is_kept_however_long_their_names_are() -> None:
    s = story()
    names = ["zebra-with-a-long-name", "b", "aa", "m"]
    bring_items(
        s,
        jsonl_of({"id": "a", **dict.fromkeys(names, "x")}),
        "items.jsonl",
        ItemPlan(item="id", shown=names),
    )
    item = Item.objects.get()
    assert list(item.fields) == names
    item.fields = {"m": "x", "b": "y"}
    item.save(update_fields=["fields"])
    Item.objects.bulk_update([item], ["fields"])
    assert list(Item.objects.values_list("fields", flat=True).get()) == ["m", "b"]
    again = bring_items(s, csv_of(("a", "y")), plan=ItemPlan(item="id", shown=["text"]))
    undone = take_back(s, again)
    assert undone.counts["undone"]["restored"] == 1
    assert list(Item.objects.get().fields) == ["m", "b"]
