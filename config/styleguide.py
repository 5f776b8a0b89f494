"""Samples for the style guide (only with DEBUG, at /styleguide/): long names, empty things."""

from __future__ import annotations

from typing import Any

from django import forms

COLOURS = ("blue", "green", "amber", "red", "violet", "teal", "pink", "slate")
LONG = (
    "The kitchen closed at nine although the door said ten, and the waiter, who had been friendly "
    "until then, told us so only after we had waited for forty minutes at a table beside the bins. "
)


class SampleForm(forms.Form):
    """One of each control; shown with errors."""

    name = forms.CharField(label="Name of the project", help_text="Shown to everyone in it.")
    overlap = forms.IntegerField(
        label="People an item", help_text="How many people label each item."
    )
    mode = forms.ChoiceField(
        label="What annotators see",
        widget=forms.RadioSelect,
        choices=[("blind", "Nothing: they label blind"), ("first", "A judge’s answer first")],
    )
    kind = forms.ChoiceField(
        label="Kind of question", choices=[("single", "Single choice"), ("rating", "Rating")]
    )
    notes = forms.CharField(label="Notes", widget=forms.Textarea, required=False)
    leave = forms.BooleanField(
        label="Texts may leave this machine",
        help_text="Judges at an outside provider are only offered when this is on.",
    )


def sample() -> dict[str, Any]:
    """The context `style` of templates/styleguide.html."""
    return {
        "goes": [
            "293 items and 879 labels",
            "4 judges with 12 runs and their replies",
            "the guideline in 6 versions",
        ],
        "shares": [
            {"name": "Positive", "colour": "green", "percent": 55.2, "count": 162},
            {"name": "Not mentioned", "colour": "slate", "percent": 34.1, "count": 100},
            {"name": "Negative", "colour": "red", "percent": 10.7, "count": 31},
        ],
        "eight": [
            {"name": colour, "colour": colour, "percent": 12.5, "count": None} for colour in COLOURS
        ],
        "rows": _rows(),
        "raters": _raters(),
        "form": SampleForm({"overlap": "three", "kind": "single"}),
        "job": {
            "pk": 1,
            "title": "gpt-x v3 over 293 items",
            "state_label": "Running",
            "hue": "judge",
            "done": 120,
            "total": 293,
            "unit": "items",
            "note": "about 3 minutes · $0.22 of $1.00",
        },
        "failed": {
            "pk": 2,
            "title": "Export, one row per label",
            "state_label": "Failed",
            "hue": "error",
            "done": 4000,
            "total": 10080,
            "unit": "rows",
            "error": "The disk is full. Make room in the data folder, then try again; "
            "it goes on where it stopped.",
        },
    }


def _rows() -> list[dict[str, Any]]:
    keys = ("id", "text", "answer", "colour", "labels", "doubt")
    rows = [
        ("1769000005", "It was pretty good.", "Positive", "green", 2, 0.91),
        ("R-22", LONG * 3, "Negative", "red", 3, 0.04),
        (
            "R-23",
            "كان الطعام لذيذًا ولكن الخدمة كانت بطيئة جدًا.",
            "A name of an option that goes on and on",
            "amber",
            0,
            1.0,
        ),
    ]
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _raters() -> list[dict[str, Any]]:
    names = [("person", "ana"), ("person", "ben"), ("judge", "gpt-x v3"), ("judge", "local")]
    agreement = [
        [None, 0.91, 0.61, 0.77],
        [0.91, None, 0.58, 0.74],
        [0.61, 0.58, None, 0.32],
        [0.77, 0.74, 0.32, None],
    ]
    return [
        {
            "kind": kind,
            "name": name,
            "cells": [
                {"depth": 0, "text": "–"}
                if value is None
                else {"depth": min(4, int(value * 5)), "text": f"{value:.2f}"[1:] + " · 120"}
                for value in line
            ],
        }
        for (kind, name), line in zip(names, agreement, strict=True)
    ]
