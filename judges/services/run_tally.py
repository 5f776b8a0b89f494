"""How the items of a run ended, counted, and said in a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import ngettext

from judges.models import Ending, Outcome


@dataclass
class Tally:
    """Items by how they ended, this worker's and those before."""

    by_outcome: dict[str, int] = field(default_factory=dict)

    @property
    def closed(self) -> int:
        return sum(self.by_outcome.values())

    def add(self, outcome: str) -> None:
        self.by_outcome[outcome] = self.by_outcome.get(outcome, 0) + 1

    @property
    def sentence(self) -> str:
        found = self.by_outcome
        labels, rest = found.get(Outcome.LABEL, 0), []
        if n := found.get(Outcome.UNPARSEABLE):
            said = ngettext("%(n)s reply did not parse", "%(n)s replies did not parse", n)
            rest.append(said % {"n": n})
        if n := found.get(Outcome.REFUSED):
            rest.append(ngettext("%(n)s was refused", "%(n)s were refused", n) % {"n": n})
        if n := found.get(Ending.UNDECIDED):
            rest.append(ngettext("%(n)s is undecided", "%(n)s are undecided", n) % {"n": n})
        if n := found.get(Outcome.FAILED):
            rest.append(ngettext("%(n)s failed", "%(n)s failed", n) % {"n": n})
        said = ngettext("%(n)s label", "%(n)s labels", labels) % {"n": labels}
        return "; ".join([said, *rest]) + "."
