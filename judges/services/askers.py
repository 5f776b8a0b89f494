"""Which asker a run has, by what is behind its connection."""

from __future__ import annotations

from judges.models import JudgeVersion, ProviderName, Run
from judges.services.asking import Asker, ChatAsker
from judges.services.runs import is_classifier


def asker_of(run: Run, version: JudgeVersion) -> Asker:
    """What asks a version in a run, itself or as a member of a panel: for labels where the judge
    gives labels, in words where it is a language model.
    """
    if is_classifier(version):
        from judges.services.classifying import ClassifierAsker

        return ClassifierAsker(run, version)
    if version.connection.provider == ProviderName.LABEL_STUDIO:
        from judges.services.backends import BackendAsker

        return BackendAsker(version)
    if run.in_batches:
        from judges.services.batch_asking import BatchAsker

        return BatchAsker(run, version)
    return ChatAsker(run, version)
