"""Which asker a run has, by what is behind its connection."""

from __future__ import annotations

from judges.models import ProviderName, Run
from judges.services.asking import Asker, ChatAsker
from judges.services.runs import is_classifier


def asker_of(run: Run) -> Asker:
    """The asker of a run: of labels where the judge gives labels, of words where it is a language
    model.
    """
    if is_classifier(run.version):
        from judges.services.classifying import ClassifierAsker

        return ClassifierAsker(run)
    if run.version.connection.provider == ProviderName.LABEL_STUDIO:
        from judges.services.backends import BackendAsker

        return BackendAsker(run)
    return ChatAsker(run)
