"""The annotate app: projects, items, labels, rulings. Complete with people only."""

from __future__ import annotations

from django.apps import AppConfig


class AnnotateConfig(AppConfig):
    name = "annotate"
    verbose_name = "Annotation"

    def ready(self) -> None:
        from annotate.services.item_actions_own import actions_register

        actions_register()
