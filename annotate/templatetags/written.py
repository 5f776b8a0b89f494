"""How templates write numbers and names of choices (built in: see TEMPLATES in the settings)."""

from __future__ import annotations

from django import template

from annotate.written import fraction, within

register = template.Library()
register.filter("fraction", fraction)
register.filter("within", within)
