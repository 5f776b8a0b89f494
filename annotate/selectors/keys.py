"""The keys of the label screen, as each person has them."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from annotate.models import User

OPTIONS = tuple(f"option_{n}" for n in range(1, 10))
# What a key does -> the usual one, and words. Not "?", which opens the list on every page.
USUAL: dict[str, tuple[str, str | Promise]] = {
    **{name: (name[-1], format_lazy(_("Option {n}"), n=name[-1])) for name in OPTIONS},
    "none": ("0", _("None of these, nothing to mark, tie")),
    "submit": ("Enter", _("Submit, next item")),
    "skip": ("s", _("Skip this item")),
    "flag": ("f", _("Flag for a lead")),
    "comment": ("c", _("Write a comment")),
    "reveal": ("r", _("Save, then see what a judge says")),
    "guideline": ("g", _("Show or hide the guideline")),
    "search": ("/", _("Search the guideline, or many options")),
    "undo": ("Control+Z", _("Take the last answer back")),
}


def keys_of(user: User) -> dict[str, str]:
    """What each key of the label screen is for this person. No query."""
    return {name: user.keys.get(name) or usual for name, (usual, _words) in USUAL.items()}


def digits_of(keys: dict[str, str]) -> dict[str, str]:
    """Which key stands for each digit."""
    return {str(n): keys[name] for n, name in enumerate(OPTIONS, 1)} | {"0": keys["none"]}
