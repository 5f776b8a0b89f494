"""How two prompts differ: by lines, and by words in lines that were changed."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from judges.prompting.differences import AROUND, Line, differences

LINES = st.lists(st.text(alphabet="ab \u0627", max_size=4), max_size=12)


def shown(first: str, second: str) -> list[tuple[str, str]]:
    return [(line.kind, line.text) for line in differences(first, second)]


def test_equal_texts_have_no_difference() -> None:
    assert differences("a\nb", "a\nb") == []


def test_a_changed_line_is_gone_and_new_with_the_words_marked() -> None:
    gone, new = differences("Be very strict here.", "Be quite strict here.")
    assert (gone.kind, new.kind) == ("gone", "new")
    assert [p.text for p in gone.pieces if p.changed] == ["very"]
    assert [p.text for p in new.pieces if p.changed] == ["quite"]


def test_lines_with_little_in_common_are_not_marked_word_by_word() -> None:
    gone, new = differences("You label items.", "Read what follows with care, then say it.")
    assert not any(piece.changed for line in (gone, new) for piece in line.pieces)


def test_lines_far_from_a_change_are_left_out_and_counted() -> None:
    same = [f"line {n}" for n in range(12)]
    found = differences("\n".join([*same, "old"]), "\n".join([*same, "new"]))
    assert found[0] == Line("left_out", n=12 - AROUND)
    assert [line.text for line in found[1 : 1 + AROUND]] == same[-AROUND:]
    assert [line.kind for line in found[1 + AROUND :]] == ["gone", "new"]


def test_one_line_alone_is_not_left_out() -> None:
    same = [f"line {n}" for n in range(AROUND + 1)]
    assert "left_out" not in [kind for kind, _ in shown("\n".join([*same, "a"]), "\n".join(same))]


@given(LINES, LINES)
def test_both_texts_can_be_read_from_the_difference(old: list[str], new: list[str]) -> None:
    first, second = "\n".join(old), "\n".join(new)
    found = differences(first, second)
    if first == second:
        assert not found
        return
    rest = {"gone": first.split("\n"), "new": second.split("\n")}
    for side, kinds in (("gone", {"same", "gone"}), ("new", {"same", "new"})):
        lines = rest[side]
        for line in found:
            if line.kind == "left_out":
                del lines[: line.n]
            elif line.kind in kinds:
                assert lines.pop(0) == line.text
        assert lines == []


def test_long_texts_are_told_apart_in_no_time() -> None:
    """Twenty thousand characters a part: lines that repeat, and one line of all of them."""
    started = time.process_time()
    differences("a\n" * 10_000, "b\n" * 10_000)
    differences("word " * 4_000, "word " * 3_999 + "other")
    assert time.process_time() - started < 2
