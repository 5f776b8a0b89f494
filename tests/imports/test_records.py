"""Reading records: lines, encodings, quotes, cut JSON, and bounded memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from annotate.services.import_lines import encoding_find
from annotate.services.import_look import delimiter_guess, format_guess
from annotate.services.import_records import Reading, Record, column_names, records_open


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read(
        data: bytes, format: str = "csv", encoding: str = "utf-8", delimiter: str = ","
    ) -> list[Record]:
        path = tmp_path / "file"
        path.write_bytes(data)
        with records_open(path, Reading(format, encoding, delimiter)) as records:
            return list(records)

    return read


def told(records: list[Record]) -> list[tuple[int, int, str]]:
    return [(record.line, record.last, record.wrong) for record in records]


def test_a_record_knows_where_it_begins_also_after_quoted_newlines(read: Any) -> None:
    data = b'id,text\n1,"two\nlines"\n\n2,one\r\n3,"three\r\nmore\n"\n4,x\n'
    records = read(data)
    assert [r.values.get("text") for r in records] == ["two\nlines", "one", "three\nmore\n", "x"]
    assert told(records) == [(2, 3, ""), (5, 5, ""), (6, 8, ""), (9, 9, "")]
    assert [data[r.start : r.end] for r in records][2] == b'3,"three\r\nmore\n"\n'


def test_a_wrong_number_of_columns_refuses_that_line_alone(read: Any) -> None:
    records = read(b"id,text\n1,a,b\n2,ok\n3\n")
    assert told(records) == [(2, 2, "columns"), (3, 3, ""), (4, 4, "columns")]
    assert records[0].args == {"found": 3, "wanted": 2}


def test_bytes_that_are_not_utf8_refuse_their_line_alone(read: Any) -> None:
    assert told(read(b"id,text\n1,caf\xe9\n2,caf\xc3\xa9\n")) == [(2, 2, "encoding"), (3, 3, "")]


def test_a_quote_never_closed_refuses_its_line_and_not_the_rest(read: Any) -> None:
    records = read(b'id,text\n1,"open\n2,fine\n3,"fine, too"\n')
    assert told(records) == [(2, 2, "quote_open"), (3, 3, ""), (4, 4, "")]


def test_a_stray_quote_never_turns_the_rest_of_its_text_into_items(read: Any) -> None:
    records = read(b'id,text\n1,"he said "hi" to\nme, and left"\n2,ok\n')
    assert told(records) == [(2, 3, "quotes"), (4, 4, "")]


def test_a_value_over_a_million_characters_is_refused_by_line(read: Any) -> None:
    long = b"x" * 1_000_001
    records = read(b'id,text\n1,"' + long + b'\ny,z\n"\n2,ok\n3,' + long + b"\n4,ok\n")
    assert told(records) == [(2, 4, "too_long"), (5, 5, ""), (6, 6, "too_long"), (7, 7, "")]


def test_one_endless_line_is_passed_over(read: Any) -> None:
    records = read(b"id,text\n1," + b"x" * 9_000_000 + b"\n2,ok\n")
    assert told(records) == [(2, 2, "too_long"), (3, 3, "")]
    assert told(read(b'{"a":"' + b"x" * 9_000_000 + b'"}\n{"a":1}\n', "jsonl")) == [
        (1, 1, "too_long"),
        (2, 2, ""),
    ]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_read_by_its_mark_also_where_letters_hold_the_newline_byte(
    read: Any, encoding: str
) -> None:
    text = "\ufeffid,text\n1,\u0a85\u0a0a\n2,\u0a0d\u0a00\n3,x"
    records = read(text.encode(encoding), encoding="utf-16")
    assert [r.values for r in records] == [
        {"id": "1", "text": "\u0a85\u0a0a"},
        {"id": "2", "text": "\u0a0d\u0a00"},
        {"id": "3", "text": "x"},
    ]
    assert [r.line for r in records] == [2, 3, 4]


def test_a_byte_order_mark_is_no_part_of_the_first_column(read: Any) -> None:
    assert read(b"\xef\xbb\xbfid,text\n1,a\n")[0].values == {"id": "1", "text": "a"}


def test_each_bad_line_of_json_is_named(read: Any) -> None:
    lines = [
        b'{"a": 1}',
        b'{"a": "cut of',
        b"nonsense",
        b"[1]",
        b"",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": "\xff"}',
        b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}",
        b'{"a": 2}',
    ]
    assert told(read(b"\n".join(lines), "jsonl")) == [
        (1, 1, ""),
        (2, 2, "json_cut"),
        (3, 3, "not_json"),
        (4, 4, "not_object"),
        (6, 6, "not_json"),
        (7, 7, "not_json"),
        (8, 8, "encoding"),
        (9, 9, "too_deep"),
        (10, 10, ""),
    ]


def test_columns_of_one_name_are_told_apart_and_empty_ones_named() -> None:
    assert column_names(["text", " text ", "", "id"]) == ["text", "text (2)", "column 3", "id"]


@pytest.mark.parametrize(
    ("data", "delimiter"),
    [
        (b"id;text\n1;a, b\n2;c, d\n", ";"),
        (b"id\ttext\n1\ta, b; c\n", "tab"),
        (b"id,text\n1,a; b\n2,c; d\n", ","),
        (b'id,text\n1,"a;b;c"\n', ","),
        (b"text\njust one\n", ","),
    ],
)
def test_the_delimiter_is_the_one_that_cuts_all_lines_alike(
    tmp_path: Path, data: bytes, delimiter: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert delimiter_guess(path, "utf-8") == delimiter


def test_format_is_told_by_the_ending_else_by_the_first_character(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b'\xef\xbb\xbf {"a": 1}\n')
    assert format_guess("x.CSV", path) == "csv"
    assert format_guess("x.ndjson", path) == "jsonl"
    assert format_guess("x.data", path) == "jsonl"
    path.write_bytes(b"a,b\n")
    assert format_guess("x", path) == "csv"


def test_an_encoding_that_is_not_utf8_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"id,text\n1,fine\n2,caf\xe9 au lait\n3,cr\xe8me\n")
    found = encoding_find(path)
    assert (found.name, found.lines, found.bad_lines, found.first_bad) == ("", 4, 2, 3)
    assert found.sample.decode("latin-1") == "2,café au lait"


def test_an_encoding_cut_in_the_middle_of_a_character_at_the_end_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes("id,text\n1,caf\u00e9".encode()[:-1])
    assert encoding_find(path).bad_lines == 1


def test_reading_keeps_one_record_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    row = b'%d,"' + b"some words of a text, " * 9 + b'"\n'
    with path.open("wb") as file:
        file.write(b"id,text\n")
        for number in range(100_000):
            file.write(row % number)
    assert path.stat().st_size > 20_000_000
    tracemalloc.start()
    try:
        with records_open(path, Reading("csv", "utf-8")) as records:
            count = sum(1 for record in records if not record.wrong)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 100_000
    assert peak < 1_000_000
