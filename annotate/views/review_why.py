"""Why an item is in the review queue, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.kinds import Asked, Said, said_of
from annotate.models import Item, Label, RaterKind, Submission
from annotate.selectors.review import error_of
from annotate.views.answer_words import answer_chip
from annotate.views.bidi import isolated
from annotate.written import clauses, decimal, ended, listed

# More raters than this are not named in a sentence.
MOST_NAMED = 5


def why(
    item: Item,
    asked: Asked,
    labels: Collection[Label],
    remarks: Collection[Submission],
    known: Said | None = None,
) -> str:
    """Why the item is worth a look: who said what, how sure, what is likely wrong, which known
    answer was missed, who flagged it."""
    people = [label for label in labels if label.rater.kind == RaterKind.PERSON]
    judges = [label for label in labels if label.rater.kind == RaterKind.JUDGE]
    parts = [
        listed(_said(item, asked, people, by_people=True)),
        listed(_judged(item, asked, judges)),
    ]
    said = clauses(part for part in parts if part)
    sentences = [ended(said) if said else _("Nobody has answered yet.")]
    sentences += _suspected(item, asked, labels)
    missed = [label.rater.name for label in labels if known and said_of(label) != known]
    if known and missed:
        sentences.append(
            _("The known answer is %(answer)s; %(names)s said otherwise.")
            % {
                "answer": _words(item, asked, known),
                "names": listed(isolated(name) for name in missed[:MOST_NAMED])
                + (", …" if len(missed) > MOST_NAMED else ""),
            }
        )
    flags = [isolated(remark.rater.name) for remark in remarks if remark.flagged]
    if flags:
        sentences.append(_("Flagged by %(names)s.") % {"names": listed(sorted(set(flags)))})
    return " ".join(sentences)


def _suspected(item: Item, asked: Asked, labels: Collection[Label]) -> list[str]:
    """“w1's Negative is likely wrong”, of the label with the highest score."""
    found = [(error.score, label) for label in labels if (error := error_of(label))]
    if not found:
        return []
    score, label = max(found, key=lambda pair: pair[0])
    return [
        _("The answer %(answer)s of %(name)s is likely wrong (%(score)s of 1).")
        % {
            "answer": _words(item, asked, said_of(label)),
            "name": isolated(label.rater.name),
            "score": decimal(score, 2),
        }
    ]


def _said(item: Item, asked: Asked, labels: list[Label], *, by_people: bool) -> list[str]:
    """“2 people say Positive”, “1 says Not mentioned”: the commonest first, then in their order."""
    votes = Counter(said_of(label).canonical for label in labels)
    first = {said_of(label).canonical: said_of(label) for label in reversed(labels)}
    order = sorted(votes, key=lambda key: (-votes[key], first[key].choice or 0))
    words: list[str] = []
    for key in order:
        name = _words(item, asked, first[key])
        if not name:
            continue
        n, values = votes[key], {"n": votes[key], "name": name}
        if words:
            words.append(ngettext("%(n)s says %(name)s", "%(n)s say %(name)s", n) % values)
        elif by_people:
            told = ngettext("%(n)s person says %(name)s", "%(n)s people say %(name)s", n)
            words.append(told % values)
        else:
            told = ngettext("%(n)s judge says %(name)s", "%(n)s judges say %(name)s", n)
            words.append(told % values)
    return words


def _words(item: Item, asked: Asked, said: Said) -> str:
    """An answer within a sentence, cut short; "" for an option that there is no more."""
    chip = answer_chip(asked, said, item, short=True)
    return isolated(chip["name"]) if chip else ""


def _judged(item: Item, asked: Asked, labels: list[Label]) -> list[str]:
    name = _words(item, asked, said_of(labels[0])) if len(labels) == 1 else ""
    if not name:
        return _said(item, asked, labels, by_people=False)
    label = labels[0]
    values = {"judge": isolated(label.rater.name), "name": name}
    if label.confidence is None:
        return [_("the judge %(judge)s says %(name)s") % values]
    values["percent"] = str(round(100 * label.confidence))
    return [_("the judge %(judge)s says %(name)s, %(percent)s %% sure") % values]
