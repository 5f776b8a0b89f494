"""Prompts: the words around an item, checked before they are kept, and kept once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _

from annotate.models import Project, Question, User
from judges.models import Prompt
from judges.prompting.how import Ask, How
from judges.prompting.template import FIELD, names
from judges.prompting.words import DEFAULT_TASKS, Fault, Part, faults, first_task, own_words
from judges.selectors.fields import field_names

MAX_WORDS = 20_000


def words_settled(ask: Ask, *, system: str, task: str, output: str) -> dict[str, str]:
    """The three parts as a draft that asks in this way has them."""
    given: dict[Part, str] = {"system": system, "task": task, "output": output}
    return {part: own_words(part, text, ask) for part, text in given.items()}


def task_kept(ask: Ask, task: str) -> str:
    """A task as a prompt keeps it: "" for Concord's own as it was at first, so that a version from
    that time made again is the same one.
    """
    return "" if task == first_task(ask) else task


def words_wrong(question: Question, how: How, words: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the words of a judge, in sentences by part; {} where nothing is."""
    wrong = {
        part: _("At most %(most)s characters.") % {"most": intcomma(MAX_WORDS)}
        for part, text in words.items()
        if len(text) > MAX_WORDS
    }
    if wrong:
        return wrong
    named = {name.removeprefix(FIELD) for name in names(words["task"]) if name.startswith(FIELD)}
    fields = [] if words["task"] in DEFAULT_TASKS else field_names(question.project, named)
    said: dict[str, list[str]] = {}
    for fault in faults(how, fields=fields, **words):
        said.setdefault(fault.part, []).append(_said(fault, fields))
    return {part: " ".join(dict.fromkeys(sentences)) for part, sentences in said.items()}


def prompt_get(
    actor: User,
    project: Project,
    *,
    system: str,
    ask_rationale: bool,
    task: str = "",
    output: str = "",
) -> Prompt:
    """The prompt with these words, made at first use. Idempotent."""
    prompt, _created = Prompt.objects.get_or_create(
        project=project,
        hash=prompt_hash(system=system, ask_rationale=ask_rationale, task=task, output=output),
        defaults={
            "system": system,
            "ask_rationale": ask_rationale,
            "task": task,
            "output": output,
            "created_by": actor,
        },
    )
    return prompt


def prompt_hash(*, system: str, ask_rationale: bool, task: str = "", output: str = "") -> str:
    """SHA-256, hexadecimal, of the words. Parts that are the built-in ones are not in it."""
    content: dict[str, Any] = {"system": system, "ask_rationale": ask_rationale}
    content |= {part: text for part, text in (("task", task), ("output", output)) if text}
    return content_hash(content)


def content_hash(content: Any) -> str:
    """SHA-256, hexadecimal, of plain values."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _said(fault: Fault, fields: list[str]) -> str:
    """A fault as a sentence: what, where, and what to do."""
    named = {"line": fault.line, "name": f"{{{{{fault.name}}}}}", "near": f"{{{{{fault.near}}}}}"}
    match fault.kind:
        case "open":
            return (
                _(
                    "Line %(line)s: {{ begins a variable, and no }} ends it. Close it, or write "
                    "one brace."
                )
                % named
            )
        case "elsewhere":
            return _elsewhere(fault) % named
        case "is_reference":
            return (
                _(
                    "Line %(line)s: %(name)s holds the reference answer, which is kept out of the "
                    "item. Write %(near)s instead."
                )
                % named
            )
        case "missing":
            return _missing(fault) % named
        case "no_field" if not fault.near:
            return _("Line %(line)s: %(name)s: no item has such a field. Fields: %(fields)s.") % {
                **named,
                "fields": ", ".join(fields) or _("none yet, for there is no item"),
            }
        case "no_field":
            return (
                _("Line %(line)s: %(name)s: no item has such a field. Did you mean %(near)s?")
                % named
            )
    if fault.near:
        return _("Line %(line)s: there is no variable %(name)s. Did you mean %(near)s?") % named
    return (
        _("Line %(line)s: there is no variable %(name)s. Those there are stand above the text.")
        % named
    )


def _elsewhere(fault: Fault) -> str:
    if fault.name == "form":
        return _("Line %(line)s: %(name)s stands in the part on how to answer, which comes last.")
    if fault.part == "system":
        return _(
            "Line %(line)s: %(name)s goes into the task. The system prompt is the same for every "
            "item."
        )
    return _("Line %(line)s: %(name)s goes into the task.")


def _missing(fault: Fault) -> str:
    if fault.name == "item":
        return _("The item is shown nowhere. Put %(name)s, or a field of it, where it is to stand.")
    if fault.name.startswith(FIELD):
        return _("One of the two texts is shown nowhere. Put %(name)s where it is to stand.")
    said = {
        "options": _("The options are shown nowhere. Put %(name)s where they are to stand."),
        "checks": _(
            "The yes/no questions are shown nowhere. Put %(name)s where they are to stand."
        ),
        "reference": _("The reference answer is shown nowhere. Put %(name)s where it is to stand."),
        "examples": _(
            "Examples are asked for and shown nowhere. Put %(name)s where they are to stand."
        ),
    }
    return said[fault.name]
