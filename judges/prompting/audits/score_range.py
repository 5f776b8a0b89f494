"""The steps of a scale under other numbers: does the answer hang on the numbers used?"""

from __future__ import annotations

from dataclasses import replace

from judges.exchange import OptionSpec
from judges.prompting.audits.asked import Asked, Audit, Setting, Unfit

_TOP = 100


def unfit(setting: Setting) -> Unfit:
    if setting.question.kind != "rating":
        return "no_rating"
    if setting.how.ask == "checklist":
        return "options_not_shown"
    return "few_steps" if len(setting.question.options) < 3 else ""


def renumbered(options: tuple[OptionSpec, ...]) -> tuple[OptionSpec, ...]:
    """Numbers for names become those from 0 to 100; where they reach as far, from 1 up. Words keep
    their place beside a number from 0 to 100.
    """
    numbers = [_number(option.name) for option in options]
    known = [number for number in numbers if number is not None]
    if len(known) == len(options):
        wide = max(known) < _TOP
        return tuple(
            replace(o, name=str(_of_hundred(k, len(options)) if wide else k + 1))
            for k, o in enumerate(options)
        )
    return tuple(
        replace(o, name=f"{o.name} ({_of_hundred(k, len(options))})") for k, o in enumerate(options)
    )


def vary(asked: Asked, _drawn: int) -> Asked:
    options = renumbered(asked.question.options)
    return replace(asked, question=replace(asked.question, options=options))


def _of_hundred(place: int, n: int) -> int:
    return round(_TOP * place / (n - 1))


def _number(name: str) -> float | None:
    try:
        return float(name.strip().replace(",", "."))
    except ValueError:
        return None


AUDIT = Audit(
    key="score_range",
    source="score ID bias: Li et al. 2025 (arXiv:2506.22316)",
    measure="treated",
    unfit=unfit,
    vary=vary,
)
