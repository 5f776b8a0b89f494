"""The judges app: raters that are models."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class JudgesConfig(AppConfig):
    name = "judges"
    verbose_name = "Judges"

    def ready(self) -> None:
        from annotate.access import Right
        from annotate.selectors import evidence
        from annotate.services import deletion
        from annotate.views.needs_shown import needs_register
        from annotate.views.page import NavEntry, nav_register
        from judges.selectors.evidence import panel_evidence
        from judges.services.deletion import judges_delete
        from judges.services.label_opinion import opinion_register
        from judges.services.sending import sending_register
        from judges.views.hand_over import hand_over_jobs_register, hand_over_needs
        from judges.views.watch_shown import watch_needs

        needs_register(watch_needs)
        nav_register(NavEntry(50, "judges", _("Judges"), "judges", Right.REVIEW))
        nav_register(NavEntry(55, "trust", _("Trust"), "trust", Right.REVIEW))
        deletion.register(judges_delete)
        evidence.register(panel_evidence)
        sending_register()
        needs_register(hand_over_needs)
        hand_over_jobs_register()
        opinion_register()
