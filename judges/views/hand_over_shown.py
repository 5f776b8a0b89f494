"""A hand-over in words: the answer, the curve, the audit, the estimates."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.views.bidi import isolated
from judges.models import EndReason, HandOver, HandOverState
from judges.selectors.hand_overs import AuditSoFar
from judges.selectors.money import dollars

# The picture's frame, in units of its view box.
WIDTH, HEIGHT = 320.0, 160.0
# With fewer known items the page warns.
FEW = 100


def percent(share: float) -> str:
    """Percent with one digit where it matters."""
    # Rounded here: number_format cuts digits off.
    value = round(100 * share, 1)
    return number_format(value, 0 if value == round(value) else 1)


def opening(row: HandOver) -> str:
    """The answer in a sentence or three."""
    answer = row.answer
    names = {"question": isolated(row.question.name), "judge": isolated(row.rater.name)}
    if row.state == HandOverState.ENDED:
        return _(
            "Not any more: on %(question)s, the hand-over of %(n)s items to %(judge)s has ended. "
            "Work it out anew to see what holds now."
        ) % {**names, "n": intcomma(answer["n_chosen"])}
    if row.threshold is None:
        return _not_yet(row, names)
    words = _(
        "On %(question)s, %(judge)s may label %(n)s of %(all)s items unread with at most "
        "%(alpha)s %% wrong (%(sure)s %% sure)."
    ) % {
        **names,
        "n": intcomma(answer["n_chosen"]),
        "all": intcomma(answer["n_unread"]),
        "alpha": percent(row.alpha),
        "sure": percent(1 - row.delta),
    }
    return f"{words} {_saving(row)} {_rest(answer)}"


def _saving(row: HandOver) -> str:
    n = row.answer["labels_saved"]
    if row.label_price is None:
        return ngettext(
            "That saves %(n)s label of people.", "That saves %(n)s labels of people.", n
        ) % {"n": intcomma(n)}
    return _("That saves %(n)s labels of people and %(money)s.") % {
        "n": intcomma(n),
        "money": dollars(Decimal(n) * row.label_price),
    }


def _rest(answer: dict[str, Any]) -> str:
    rest = answer["n_unread"] - answer["n_chosen"]
    if not rest:
        return _("No others are left for people.")
    return ngettext(
        "The other %(n)s goes to people.",
        "The other %(n)s go to people, most useful first.",
        rest,
    ) % {"n": intcomma(rest)}


def _not_yet(row: HandOver, names: dict[str, str]) -> str:
    more = row.answer["more_labels"]
    levels = {"alpha": percent(row.alpha), "sure": percent(1 - row.delta)}
    match row.answer["reason"]:
        case "nothing_unread":
            return (
                _(
                    "Nothing to hand over: on %(question)s, %(judge)s has labelled no item that "
                    "people have not labelled, too."
                )
                % names
            )
        case "no_labels":
            words = _(
                "Not yet: on %(question)s people have labelled no item of %(judge)s blind and "
                "drawn at random."
            )
        case "too_few_labels":
            words = _(
                "Not yet: on %(question)s there are too few blind labels to vouch for %(judge)s, "
                "even if it made no error."
            )
        case "not_sure_yet":
            words = _(
                "Not yet: on %(question)s, %(judge)s looks good enough where it is sure, but with "
                "so few blind labels that may be luck."
            )
        case _other:
            words = _(
                "No: on %(question)s, %(judge)s is wrong in more than %(alpha)s %% even where it "
                "is surest. More labels will not change that; a better judge may, or allowing "
                "more errors."
            )
    told = words % (names | levels)
    if more is None:
        return told
    return (
        told
        + " "
        + _("What would change that: about %(n)s more items labelled blind.")
        % {"n": intcomma(more)}
    )


def facts(row: HandOver) -> list[str]:
    """What the answer rests on, and what it leaves out, a sentence each."""
    answer, told = row.answer, []
    if answer["n_known"]:
        told.append(
            _(
                "Rests on %(n)s items that people labelled blind and that came at random; the "
                "judge got %(wrong)s of them wrong."
            )
            % {"n": intcomma(answer["n_known"]), "wrong": intcomma(answer["known_errors"])}
        )
    if row.threshold is not None:
        told.append(
            _("Of the %(n)s of these at or above the chosen confidence it got %(wrong)s wrong.")
            % {"n": intcomma(answer["n_labelled"]), "wrong": intcomma(int(answer["n_errors"]))}
        )
    told.append(_confidence_words()[answer["confidence_from"]])
    for name, words in _left_out_words().items():
        if n := answer["left_out"].get(name):
            told.append(words % {"n": intcomma(n)})
    if row.imported_count:
        told.append(
            _("%(who)s stated that the imported labels were blind and drawn at random.")
            % {"who": isolated(row.planned_by.shown_name)}
        )
    return told


def warning(row: HandOver) -> str:
    n = row.answer["n_known"]
    if row.threshold is None or n >= FEW:
        return ""
    return _(
        "Few labels: with %(n)s items the bound is wide. It holds all the same, but more labels "
        "would let more be handed over."
    ) % {"n": intcomma(n)}


def _confidence_words() -> dict[str, str]:
    return {
        "own": _("How sure the judge is, it says itself; only the order counts."),
        "others": _(
            "The judge gives no confidence, so the share of the other judges that say the same "
            "stands for it."
        ),
        "nothing": _("The judge gives no confidence, so it is all of its labels or none."),
    }


def _left_out_words() -> dict[str, str]:
    return {
        "helped": _("%(n)s labels do not count: a judge’s answer had been shown."),
        "chosen": _("%(n)s labels do not count: somebody had chosen the item, no lot."),
        "imported": _(
            "%(n)s imported labels do not count: nobody has stated that they were blind and of "
            "items drawn at random."
        ),
        "few": _("%(n)s items do not count: they have fewer labels than an item wants."),
        "tied": _("%(n)s items do not count: people are tied on them."),
    }


# --- The curve ----------------------------------------------------------------------------------


def curve_shown(row: HandOver) -> dict[str, Any] | None:
    """Points of the picture and rows of its table; None without any."""
    points = row.answer["curve"]
    all_ = row.answer["n_unread"]
    if not points or not row.answer["n_known"]:
        return None
    # High enough for alpha and the chosen point; beyond, the line runs along the edge.
    top = max(2 * row.alpha, 0.1)

    def x(point: dict[str, Any]) -> float:
        return float(round(WIDTH * point["n_unread"] / all_, 1))

    def y(share: float) -> float:
        return float(round(HEIGHT * (1 - min(share, top) / top), 1))

    rows = [
        {
            **point,
            "share": point["n_unread"] / all_,
            "risk": point["n_errors"] / point["n_labelled"] if point["n_labelled"] else None,
            "chosen": point["threshold"] == row.threshold,
        }
        for point in points
    ]
    seen = [r for r in rows if r["risk"] is not None]
    chosen = next((r for r in rows if r["chosen"]), None)
    return {
        "rows": rows,
        "bound": " ".join(f"{x(r)},{y(r['upper_bound'])}" for r in rows),
        "risk": " ".join(f"{x(r)},{y(r['risk'])}" for r in seen),
        "alpha_y": y(row.alpha),
        "alpha": percent(row.alpha),
        "top": percent(top),
        "all": all_,
        "chosen": {
            "x": x(chosen),
            "left": x(chosen) - 4,
            "top": y(chosen["upper_bound"]) - 4,
        }
        if chosen
        else None,
        "sentence": _curve_sentence(row),
    }


def _curve_sentence(row: HandOver) -> str:
    if row.threshold is None:
        return _("At no confidence do the labels so far vouch for at most %(alpha)s %% wrong.") % {
            "alpha": percent(row.alpha)
        }
    return _(
        "Down to a confidence of %(threshold)s the labels vouch for at most %(alpha)s %% wrong. "
        "The search that chose this place is paid for, so the bound drawn may lie lower or a "
        "little higher there."
    ) % {
        "threshold": number_format(round(row.threshold, 2), 2),
        "alpha": percent(row.alpha),
    }


# --- How it goes --------------------------------------------------------------------------------


def audit_sentence(row: HandOver, so_far: AuditSoFar) -> str:
    found = so_far.found
    told = _(
        "People have checked %(n)s of the %(drawn)s items drawn; the judge got %(wrong)s wrong."
    ) % {
        "n": intcomma(found.n),
        "drawn": intcomma(so_far.drawn),
        "wrong": intcomma(int(found.losses)),
    }
    odds = float(found.evidence[-1]) if found.n else 1.0
    return (
        told
        + " "
        + _(
            "The evidence that it errs more than promised stands at %(odds)s; at %(limit)s the "
            "hand-over stops by itself."
        )
        % {"odds": _odds(odds), "limit": number_format(1 / row.delta, 0)}
    )


def _odds(evidence: float) -> str:
    if evidence > 1000:
        return _("more than %(n)s") % {"n": intcomma(1000)}
    return number_format(round(evidence, 2), 2)


def state_sentence(row: HandOver) -> str:
    if row.state == HandOverState.RUNNING:
        return _(
            "Running: the judge’s label stands on these items, and people are not asked about them."
        )
    if row.state != HandOverState.ENDED:
        return ""
    if row.end_reason == EndReason.AUDIT:
        return _(
            "Stopped by itself: on the items that people checked the judge erred more than "
            "promised. All its items are asked of people again."
        )
    if row.end_reason == EndReason.QUESTION:
        return _(
            "Stopped by itself: the question was changed. Its items are asked of people again."
        )
    return _("Taken back: all its items are asked of people again.")


# --- Estimates ----------------------------------------------------------------------------------


def estimates_sentence(row: HandOver) -> str:
    """Whether they are legal, and by what."""
    found = row.estimates
    design = found["design"]
    if found["why_not"] == "no_people":
        return _(
            "Not legal yet: no item of this judge was labelled by people blind and drawn at "
            "random, so nothing says how far it is off."
        )
    if found["why_not"] == "few":
        return _(
            "Not legal yet: %(n)s items labelled blind and drawn at random are too few to correct "
            "the judge by; ten are the least."
        ) % {"n": intcomma(found["n_labels"])}
    told = _(
        "Legal, because %(n)s of the %(all)s items came to people at random, blind: each with a "
        "probability of %(p)s %%."
    ) % {
        "n": intcomma(design["n_random"]),
        "all": intcomma(found["n_items"]),
        "p": percent(design["base"]),
    }
    if design["n_checked"]:
        told += " " + _(
            "%(n)s more were drawn to check the hand-over, each with %(p)s %%; all are weighted by "
            "their probability."
        ) % {"n": intcomma(design["n_checked"]), "p": percent(design["extra"])}
    return told


def estimate_rows(row: HandOver) -> list[dict[str, Any]]:
    """What is estimated, in words, with its three figures; ``is_share`` says how to write them."""
    shown = []
    for one in row.estimates["rows"]:
        option = isolated(one["option"])
        match one["what"]:
            case "share":
                what = _("Share of %(option)s") % {"option": option}
            case "mean":
                what = _("Mean")
            case _difference:
                first, second = (isolated(group) for group in one["groups"])
                about = {"by": isolated(one["by"]), "first": first, "second": second}
                what = (
                    _("Share of %(option)s, %(by)s: %(first)s less %(second)s")
                    % (about | {"option": option})
                    if one["option"]
                    else _("Mean, %(by)s: %(first)s less %(second)s") % about
                )
        shown.append(
            {
                "what": what,
                "figures": [_figure(one[way], way) for way in ("people", "judge", "corrected")],
                "saved": one["saved"],
            }
        )
    return shown


def _figure(found: dict[str, float | None], way: str) -> dict[str, Any]:
    names = {"people": _("People only"), "judge": _("Judge only"), "corrected": _("Corrected")}
    value, low, high = found["value"], found["low"], found["high"]
    text = "–" if value is None else _number(value)
    span = (
        ""
        if low is None or high is None
        else _("%(low)s to %(high)s")
        % {
            "low": _number(low),
            "high": _number(high),
        }
    )
    return {"name": names[way], "value": text, "span": span}


def _number(value: float) -> str:
    text = number_format(round(abs(value), 3), 3)
    return f"−{text}" if value < -0.0005 else text
