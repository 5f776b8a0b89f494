"""How templates write numbers (built in: see TEMPLATES in the settings)."""

from __future__ import annotations

from django import template

from annotate.written import fraction

register = template.Library()
register.filter("fraction", fraction)
