"""The parts of the prompt's page: its variables, and the preview on an item."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from judges.exchange import Request
from judges.forms.prompt import PARTS, PromptForm
from judges.models import JudgeVersion, ProviderName
from judges.prompting.fence import fenced_parts
from judges.prompting.template import FIELD, names
from judges.prompting.words import DEFAULT_TASKS, VARIABLES, default_task
from judges.selectors.asked import task_of
from judges.selectors.money import dollars
from judges.selectors.settings import forms as reply_forms
from judges.services.drafts import Draft, draft_version
from judges.services.previews import Preview, preview
from judges.views.asked_for import number_of

# Shown for one way of asking only.
ONLY_FOR = {"reference": "reference", "checks": "checklist"}


def palettes(form: PromptForm) -> dict[str, list[dict[str, str]]]:
    """The variables of each part: {written, words, only}. ``only``: the way of asking it is for."""
    said = _said()
    found: dict[str, list[dict[str, str]]] = {}
    for part in PARTS:
        there = list(VARIABLES[part])
        if part == "task":
            fields = form.items_fields
            # One field is the item.
            there[1:1] = [FIELD + name for name in fields] if len(fields) > 1 else []
        found[part] = [
            {
                "written": f"{{{{{name}}}}}",
                "words": said.get(name) or _("this field of the item"),
                "only": ONLY_FOR.get(name, ""),
            }
            for name in there
        ]
    return found


def draft_of(form: PromptForm) -> Draft:
    """The draft that a form holds, after it was checked."""
    connection = form.connection()
    model = form.cleaned_data.get("model", "")
    if connection.provider == ProviderName.LOCAL_LLM:
        # Which one is served is found out when it is made.
        model = next(iter(connection.capabilities), "local")
    return form.draft(connection, model)


def preview_shown(
    form: PromptForm, wanted: Mapping[str, Any], source: JudgeVersion | None = None
) -> dict[str, Any]:
    """For judges/prompt.html#preview. ``wanted``: ``place`` (or ``place_to``) and ``variant``."""
    form = _checked(form)
    place = number_of(wanted.get("place_to") or wanted.get("place")) or 1
    draft = draft_of(form)
    found = preview(draft, place=place, variant=str(wanted.get("variant", "")))
    problems = {
        **{name: " ".join(map(str, errors)) for name, errors in form.errors.items()},
        **found.problems,
    }
    # What is wrong with how it is asked leaves no call to show.
    broken = any(name in form.errors for name in _HOW)
    return {
        "shown": found,
        "request_shown": None if broken else found.request,
        "user_parts": fenced_parts(found.request.user, _tag(found.request))
        if found.request
        else [],
        "item_text": " · ".join(map(str, found.item.fields.values())) if found.item else "",
        "problems": [
            {"name": form.fields[name].label if name in form.fields else "", "text": text}
            for name, text in problems.items()
        ],
        "costs": _costs(found),
        "reply_form": reply_forms().get(found.request.want, "") if found.request else "",
        "lacks": _lacks(draft, found),
        "next": found.place + 1 if found.place < found.n_items else 0,
        "before": found.place - 1,
        "preview_url": reverse("prompt_preview", args=[form.project.pk]),
        "changed": source is not None and _changed_since(draft, source),
        "source": source,
    }


# Fields that say how it is asked: while one of them is wrong there is no call to show.
_HOW = ("ask", "criteria", "rule", "rule_yes", "rule_no", "rule_least", "rule_codes", "reference",
        "pair_first", "pair_second", "pair_first_option", "pair_second_option")  # fmt: skip


def _checked(form: PromptForm) -> PromptForm:
    """The form with its data read: what a form that was only opened begins with, too."""
    if form.is_bound:
        form.is_valid()
        return form
    data = {name: form[name].value() for name in form.fields}
    # 0 is an entry; a box that is not ticked is not sent.
    entered = {n: value for n, value in data.items() if value is not None and value is not False}
    if not entered.get("by"):
        entered["by"] = next((key for key, _name in form.fields["by"].choices), "")  # type: ignore[attr-defined]
    opened = form.with_data(entered)
    opened.is_valid()
    return opened


def _tag(request: Request) -> str:
    """The tag that the system prompt declares as the item's."""
    named = re.findall(r"between <(item\d*)> and", request.system)
    return str(named[-1]) if named else "item"


def _costs(found: Preview) -> str:
    """How many calls an item takes, how long they are, and about what that costs."""
    if found.request is None:
        return ""
    n = found.calls_least
    if found.calls_most > n:
        calls = _("%(least)s to %(most)s calls an item") % {"least": n, "most": found.calls_most}
    else:
        calls = ngettext("%(n)s call an item", "%(n)s calls an item", n) % {"n": n}
    tokens = _("about %(read)s tokens read and %(written)s written") % {
        "read": intcomma(found.tokens_in),
        "written": intcomma(found.tokens_out),
    }
    if found.is_free:
        return _("%(calls)s: %(tokens)s, at no price.") % {"calls": calls, "tokens": tokens}
    if found.price is None:
        return _("%(calls)s: %(tokens)s. No price is known for this model.") % {
            "calls": calls,
            "tokens": tokens,
        }
    return _("%(calls)s: %(tokens)s, about %(each)s. A hundred items: about %(hundred)s.") % {
        "calls": calls,
        "tokens": tokens,
        "each": dollars(_two_digits(found.price)),
        "hundred": dollars(_two_digits(100 * found.price)),
    }


def _two_digits(amount: Decimal) -> Decimal:
    """A forecast has no more than two digits that mean anything."""
    return amount if not amount else round(amount, 1 - amount.adjusted())


def _lacks(draft: Draft, found: Preview) -> list[str]:
    """Fields that the task shows and this item does not have."""
    if found.item is None or "task" in found.problems:
        return []
    there = found.item.fields
    wanted = sorted(names(draft.task))
    return [
        name.removeprefix(FIELD)
        for name in wanted
        if name.startswith(FIELD) and not str(there.get(name.removeprefix(FIELD), "")).strip()
    ]


def task_swapped(form: PromptForm) -> str:
    """The task's field with Concord's own words for the way of asking chosen, where its own for
    another one stand in the form: nothing of the lead's is lost. "" where they stay. Of a form that
    was checked.
    """
    ask: Any = form.cleaned_data.get("ask") or "direct"
    written = form.cleaned_data.get("task", "").replace("\r\n", "\n").strip()
    own = default_task(ask)
    if written == own or written not in DEFAULT_TASKS:
        return ""
    other = form.with_data({"task": own})
    return other["task"].as_widget(attrs={"hx-swap-oob": "true"})


def _changed_since(draft: Draft, version: JudgeVersion) -> bool:
    """Whether a draft is another judge than a version, which examples it is shown left aside."""
    draft = draft.settled()
    other = draft_version(draft)
    kept = {k: v for k, v in version.parameters.items() if k != "examples"}
    words = {part: getattr(version.prompt, part, "") for part in PARTS}
    words["task"] = task_of(version)
    return bool(
        other.parameters != kept
        or draft.words != words
        or draft.model != version.model
        or draft.connection.pk != version.connection_id
        or draft.question.pk != version.question_id
        or (other.guideline and other.guideline.pk) != version.guideline_id
    )


def _said() -> dict[str, str]:
    return {
        "item": _("the item, all its fields"),
        "question": _("the question"),
        "options": _("the options with their letters and definitions"),
        "letters": _("the letters: A, B or C"),
        "guideline": _("the guideline"),
        "examples": _("the examples with their answers"),
        "reference": _("the reference answer"),
        "checks": _("the yes/no questions"),
        "persona": _("who answers; without it, that is added to the system prompt"),
        "form": _("the form that the reply must have"),
    }
