"""The same again: in the same words, in other words, and beside what was said before."""

from __future__ import annotations

from dataclasses import replace

from judges.prompting.audits.asked import Asked, Audit, fits
from judges.prompting.plan import CallKey


def again(asked: Asked, _drawn: int) -> Asked:
    """Nothing changed but the seed, where the judge has one."""
    return replace(asked, key=replace(asked.key, repeat=asked.key.repeat + 1))


def reworded(asked: Asked, _drawn: int) -> Asked:
    """The lead's own other wording, else the question with a few words before it."""
    if asked.how.paraphrases:
        return replace(asked, key=CallKey("paraphrase:1", asked.key.repeat))
    text = f"Please answer this question about it. {asked.question.text}"
    return replace(asked, question=replace(asked.question, text=text))


REPEAT = Audit(
    key="repeat",
    source="self-inconsistency: Stureborg et al. 2024 (arXiv:2405.01724)",
    measure="again",
    unfit=fits,
    vary=again,
)
PARAPHRASE = Audit(
    key="paraphrase",
    source="prompt sensitivity: Sclar et al. 2024 (ICLR); Mizrahi et al. 2024 (TACL)",
    measure="extra",
    unfit=fits,
    vary=reworded,
    needs_again=True,
)
# Its other answers are there already: those to exactly the same request in runs before.
HISTORY = Audit(
    key="history",
    source="drift of served models: Chen, Zaharia and Zou 2024 (Harvard Data Science Review)",
    measure="extra",
    unfit=fits,
    needs_again=True,
)
