"""What audits of judges found, kept as it was found."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from annotate.models.constraints import share
from judges.models.runs import Run


class AuditFinding(models.Model):
    """What one audit of a run came to when the run ended. Never edited; a run whose failed calls
    are asked again is measured anew.

    ``value`` with its interval is a share: of answers, or of the length of the scale. Null where
    ``missing`` says what was wanting. ``p`` is null of what is no test, ``p_adjusted`` is for all
    audits of the run together.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="findings")
    audit = models.CharField(max_length=30)
    n = models.PositiveIntegerField()  # items compared
    changed = models.PositiveIntegerField()  # of these, items whose answer differs
    value = models.FloatField(null=True, blank=True)
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    p = models.FloatField(null=True, blank=True)
    p_adjusted = models.FloatField(null=True, blank=True)
    option = models.PositiveSmallIntegerField(null=True, blank=True)  # whose share changed most
    missing = models.CharField(max_length=20, blank=True)
    calls = models.PositiveIntegerField(default=0)
    # US dollars of these calls; null where a price is not known.
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "audit"], name="audit_once_a_run"),
            share("p", "audit_p_is_a_share"),
            share("p_adjusted", "audit_p_adjusted_is_a_share"),
            models.CheckConstraint(
                condition=models.Q(missing="", value__isnull=False)
                | (~models.Q(missing="") & models.Q(value__isnull=True)),
                name="audit_value_unless_missing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.audit} in {self.run_id}"
