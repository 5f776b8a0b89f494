"""What the other judges of a panel said of an item, as a judge is shown it in a discussion. Pure.

Reasons are text of models that read the item, and so as untrusted as the item: they stand in the
same fence, and names of judges are never among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from judges.exchange import OptionSpec
from judges.prompting.fence import clean, defuse

# Some 60 words are asked for; a longer reason is cut, so that none drowns the others.
MOST_CHARS = 800


@dataclass(frozen=True, slots=True)
class Opinion:
    """An answer and the reason given for it ("": none was)."""

    code: int
    reason: str = ""


def opinions_shown(
    opinions: Sequence[Opinion], options: Sequence[OptionSpec], mark: Callable[[str], str]
) -> list[str]:
    """Each opinion as text, to be fenced. Further lines of a reason are indented, so that none can
    pose as an answer of its own. ``mark`` quotes lines where the judge has them quoted.

    Raises ValueError for a code that is none of ``options``.
    """
    names: Mapping[int, str] = {option.code: option.name or option.key for option in options}
    shown = []
    for opinion in opinions:
        if opinion.code not in names:
            raise ValueError(f"An opinion has the answer {opinion.code}, which is no option.")
        name = " ".join(defuse(clean(names[opinion.code])).split())
        text = f"Answer: {name}"
        if reason := defuse(clean(opinion.reason).strip()):
            cut = reason if len(reason) <= MOST_CHARS else f"{reason[:MOST_CHARS]}…"
            text += "\nReason: " + "\n  ".join(cut.splitlines())
        shown.append(mark(text))
    return shown


def opinions_block(tag: str, shown: Sequence[str]) -> str:
    """What is said before the judge answers again; "" without opinions."""
    if not shown:
        return ""
    fenced = "\n".join(f"<{tag}>\n{text}\n</{tag}>" for text in shown)
    return (
        f"Others have labelled this item, and this is what they said, in no order:\n{fenced}\n\n"
        "They may be wrong. Weigh their reasons against the item, then give your own answer."
    )
