"""What the import screens say in whole sentences."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotate.models import ImportBatch, ImportKind, ItemStatus, Project
from annotate.services.import_undo import UndoFacts


def map_facts(project: Project) -> dict[str, Any]:
    """What the upload page says: how large a file may be, and whether there are items yet."""
    return {
        "max_mb": settings.MAX_UPLOAD_MB,
        "has_items": project.items.filter(status=ItemStatus.LIVE).exists(),
    }


def undo_words(batch: ImportBatch, facts: UndoFacts) -> dict[str, Any]:
    """Title, text and list of the question before an undo: what goes, what stays."""
    goes = []
    if batch.kind == ImportKind.LABELS:
        goes.append(
            ngettext("%(n)s label goes.", "%(n)s labels go.", facts.labels) % _n(facts.labels)
        )
    least = "" if facts.sure else _("At least: ")
    if facts.withdrawn:
        goes.append(
            least
            + ngettext(
                "%(n)s item goes: it came with this import, and nobody has met it.",
                "%(n)s items go: they came with this import, and nobody has met them.",
                facts.withdrawn,
            )
            % _n(facts.withdrawn)
        )
    if facts.restored:
        goes.append(
            least
            + ngettext(
                "%(n)s item gets the content back that it had before.",
                "%(n)s items get the content back that they had before.",
                facts.restored,
            )
            % _n(facts.restored)
        )
    if facts.stay:
        goes.append(
            least
            + ngettext(
                "%(n)s item stays as it is: it was labelled, given out, or changed again since.",
                "%(n)s items stay as they are: they were labelled, given out, or changed again "
                "since.",
                facts.stay,
            )
            % _n(facts.stay)
        )
    if not goes:
        goes.append(_("There is nothing left of it to take back."))
    text = _("What goes is withdrawn, not erased: importing the same file again brings it back.")
    if batch.mapping.get("plan", {}).get("questions"):
        text += " " + _("Questions stay.")
    return {
        "title": _("Take back %(name)s?") % {"name": batch.name},
        "text": text,
        "goes": goes,
        "action": _("Take it back"),
    }


def _n(number: int) -> dict[str, str]:
    return {"n": intcomma(number)}
