"""Bring items, labels of named raters, or both into a project, from files, in the foreground."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotate.errors import ConcordError, JobStopped
from annotate.models import (
    ImportBatch,
    ImportKind,
    Project,
    QuestionKind,
    QuestionStatus,
    RaterKind,
    User,
)
from annotate.services import imports
from annotate.services.import_lines import ENCODINGS
from annotate.services.import_look import key_guess, look
from annotate.services.import_plans import (
    LabelPlan,
    Use,
    item_plan,
    label_plan,
    question_guess,
    uses_guess,
)
from annotate.services.import_records import DELIMITERS
from annotate.services.import_refusals import (
    media_path,
    reasons_told,
    refusals_shown,
    refused_upload,
)
from annotate.services.import_staging import reading_of
from annotate.services.jobs import RunningJob, job_take
from annotate.services.projects import OptionDraft, QuestionDraft, project_create

EXAMPLES = """\
examples:
  manage.py import_items 3 reviews.csv --id-column review --show text
  manage.py import_items 3 --labels labels.csv --question-key stars
  manage.py import_items --create-project Reviews --owner olga --items items.csv --labels labels.csv

A file of labels has a row for each label: item_id, annotator_id, annotator_kind (person or judge),
label. Columns of other names are told by --column, for example --column label=answer.
"""


class Printing(RunningJob):
    """A job in the foreground: each new sentence of its progress is a line."""

    def __init__(self, running: RunningJob, write: Any) -> None:
        super().__init__(running.job)
        self._write = write
        self._said = ""

    def progress(
        self, done: int | None = None, *, total: int | None = None, message: str | None = None
    ) -> None:
        super().progress(done, total=total, message=message)
        if message and message != self._said:
            self._said = message
            self._write(message)


class Command(BaseCommand):
    help = "Bring items, labels of named raters, or both into a project. Reports what was refused."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(
            prog_name,
            subcommand,
            epilog=EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **kwargs,
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", nargs="?", help="number or name of a project")
        parser.add_argument("file", nargs="?", type=Path, help="items, as --items")
        parser.add_argument("--items", type=Path, help="CSV or JSON lines, a row an item")
        parser.add_argument("--labels", type=Path, help="CSV or JSON lines, a row a label")
        new = parser.add_argument_group("a new project")
        new.add_argument("--create-project", metavar="NAME")
        new.add_argument("--owner", metavar="USER", help="who owns the new project")
        new.add_argument("--labels-per-item", type=int, default=1, metavar="N")
        items = parser.add_argument_group("columns of items")
        items.add_argument("--id-column", help="default: guessed; made from the text where none")
        items.add_argument("--show", type=_names, help="columns shown, in this order: text,aspect")
        items.add_argument("--metadata", type=_names, help="columns kept but not shown")
        labels = parser.add_argument_group("labels")
        labels.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="USE=NAME",
            help="a column by its use: item, rater, kind, label, question, confidence, rationale, "
            "time; may be given several times",
        )
        labels.add_argument("--rater", default="", help="name of the one rater of all labels")
        labels.add_argument("--rater-kind", choices=RaterKind.values, default=RaterKind.PERSON)
        labels.add_argument("--question-key", help="which question; made where there is none")
        labels.add_argument("--question-name", help="of a question that is made")
        labels.add_argument("--question-text", default="", help="may name {fields} of the item")
        labels.add_argument("--question-kind", choices=QuestionKind.values)
        labels.add_argument("--options", type=_names, help="of a question that is made, in order")
        labels.add_argument(
            "--create-items",
            action=argparse.BooleanOptionalAction,
            help="make items that are not there (default: where no items are imported)",
        )
        reading = parser.add_argument_group("reading")
        reading.add_argument("--encoding", choices=[*ENCODINGS], default="")
        reading.add_argument("--delimiter", choices=[*DELIMITERS], default="")
        reading.add_argument("--format", choices=["csv", "jsonl"])
        reading.add_argument("--user", help="in whose name; default: who started the project")
        reading.add_argument("--refused", type=Path, help="write the refused lines to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["create_project"] and options["project"] and not options["file"]:
            options["file"], options["project"] = Path(options["project"]), None
        items, labels = options["items"] or options["file"], options["labels"]
        if not items and not labels:
            raise CommandError("Name a file of items, a file of labels (--labels), or both.")
        for path in filter(None, (items, labels)):
            if not path.is_file():
                raise CommandError(f"There is no file {path}.")
        try:
            project, actor = self._project(options)
            batches = []
            if items:
                batches.append(self._items(actor, project, items, options))
            if labels:
                create = options["create_items"]
                options["create_items"] = not items if create is None else create
                batches.append(self._labels(actor, project, labels, options))
        except ConcordError as error:
            raise CommandError(error.message) from None
        if options["refused"]:
            self._write_refused(batches, options["refused"])
        empty = [batch.name for batch in batches if not _taken(batch)]
        if empty:
            raise CommandError(f"Nothing of {', '.join(empty)} was taken in.")

    def _project(self, options: dict[str, Any]) -> tuple[Project, User]:
        if options["create_project"]:
            owner = _user(options["owner"] or "", "--owner")
            project = project_create(
                owner, name=options["create_project"], labels_per_item=options["labels_per_item"]
            )
            self.stdout.write(f"Project {project.pk}: {project.name}")
            return project, owner
        wanted = options["project"]
        if not wanted:
            raise CommandError("Name a project, or start one by --create-project NAME --owner USER")
        found = Project.objects.filter(
            **({"pk": int(wanted)} if wanted.isdecimal() else {"name": wanted})
        ).select_related("created_by")[:2]
        if len(found) != 1:
            raise CommandError(
                f"There is no project {wanted!r}."
                if not found
                else f"Several projects are named {wanted!r}. Give the number of the one you mean."
            )
        actor = _user(options["user"], "--user") if options["user"] else found[0].created_by
        return found[0], actor

    def _items(
        self, actor: User, project: Project, path: Path, options: dict[str, Any]
    ) -> ImportBatch:
        batch = self._upload(actor, project, ImportKind.ITEMS, path, options)
        uses = _guessed(batch)
        guessed = item_plan(uses).item
        if options["show"]:
            # The order in which they are named is the order in which they are shown.
            left_out = {name: Use.OUT.value for name in uses if name not in options["show"]}
            uses = dict.fromkeys(options["show"], Use.SHOWN.value) | left_out
        name = options["id_column"] or (guessed if guessed not in (options["show"] or ()) else None)
        if name:
            uses = {n: Use.OUT.value if u == Use.ITEM else u for n, u in uses.items()}
            uses[name] = Use.ITEM.value
        uses |= dict.fromkeys(options["metadata"] or (), Use.METADATA.value)
        return self._run(imports.import_start(actor, batch, item_plan(uses)))

    def _labels(
        self, actor: User, project: Project, path: Path, options: dict[str, Any]
    ) -> ImportBatch:
        batch = self._upload(actor, project, ImportKind.LABELS, path, options)
        uses = _guessed(batch)
        for given in options["column"]:
            use, _equals, name = given.partition("=")
            if use not in Use.values or not name:
                raise CommandError(f"--column {given}: write USE=NAME, as in label=answer.")
            uses = {n: Use.OUT.value if u == use else u for n, u in uses.items()} | {name: use}
        plan = label_plan(
            uses,
            rater_name=options["rater"],
            fixed_kind=options["rater_kind"],
            create=options["create_items"],
        )
        key, draft = self._question(project, batch, plan, options)
        if not plan.question:
            plan = label_plan(
                uses,
                rater_name=options["rater"],
                fixed_kind=options["rater_kind"],
                create=options["create_items"],
                question_key=key,
            )
        return self._run(imports.import_start(actor, batch, plan, question=draft))

    def _question(
        self, project: Project, batch: ImportBatch, plan: LabelPlan, options: dict[str, Any]
    ) -> tuple[str, QuestionDraft | None]:
        """Key of the question that is there, or a draft of one from the file's values."""
        live = set(
            project.questions.filter(status=QuestionStatus.LIVE).values_list("key", flat=True)
        )
        if plan.question:
            return "", None
        key = options["question_key"]
        if key is None and len(live) > 1:
            raise CommandError(f"Say which question by --question-key: {', '.join(sorted(live))}.")
        if key is None:
            key = next(iter(live), key_guess(options["question_name"] or plan.label))
        if key in live:
            return key, None
        values = batch.mapping["values"].get(plan.label)
        if values is None and not options["options"]:
            raise CommandError(
                f"“{plan.label}” has too many different values to be a question's options."
            )
        kind, drafts = question_guess(values or {})
        if options["options"]:
            drafts = [OptionDraft(value, value) for value in options["options"]]
        draft = QuestionDraft(
            key=key,
            name=options["question_name"] or key.replace("-", " ").replace("_", " ").capitalize(),
            kind=options["question_kind"] or kind,
            options=drafts,
            text=options["question_text"],
        )
        self.stdout.write(
            f"New question {draft.key} ({draft.kind}): {', '.join(d.key for d in drafts)}"
        )
        return key, draft

    def _upload(
        self, actor: User, project: Project, kind: str, path: Path, options: dict[str, Any]
    ) -> ImportBatch:
        batch = imports.import_upload(
            actor,
            project,
            kind=kind,
            name=path.name,
            chunks=_chunks(path),
            format=options["format"] or "",
            encoding=options["encoding"],
            values_up_to=None,
        )
        if not batch.encoding:
            unclear = batch.mapping["unclear"]
            samples = "\n".join(f"  {n}: {text}" for n, text in unclear["samples"].items())
            imports.import_drop(actor, batch)
            raise CommandError(
                f"{path.name} is not UTF-8: {unclear['bad_lines']} of {unclear['lines']} lines are "
                f"not, line {unclear['first_bad']} first. Say by --encoding how it was written; "
                f"read in each, that line is\n{samples}"
            )
        if options["delimiter"]:
            batch = imports.import_read_as(
                actor,
                batch,
                format=batch.format,
                encoding=batch.encoding,
                delimiter=options["delimiter"],
            )
        return batch

    def _run(self, batch: ImportBatch) -> ImportBatch:
        self.stdout.write(f"{batch.name}: {batch.size:,} bytes, {batch.encoding}")
        taken = job_take(batch.job_id or 0)
        if taken is None:
            raise CommandError("A worker has taken this import already; see the Data screen.")
        running = Printing(taken, lambda line: self.stdout.write(f"  {line}"))
        try:
            imports.import_run(running)
        except KeyboardInterrupt:
            running.pause("Stopped at the terminal. Resume it on the Data screen.")
            raise CommandError(
                "Stopped. What was taken in stays; it can be resumed on the Data screen."
            ) from None
        except JobStopped:
            raise CommandError("The import was paused or cancelled on the Data screen.") from None
        except ConcordError as error:
            running.fail(error.message)
            raise
        batch.refresh_from_db()
        self._report(batch)
        return batch

    def _report(self, batch: ImportBatch) -> None:
        self.stdout.write(imports.import_told(batch))
        for told in reasons_told(batch.counts.get("reasons", {})):
            self.stdout.write(f"  {told}")
        shown = refusals_shown(batch)
        for refusal in shown:
            self.stderr.write(f"  line {refusal.lines}: {refusal.sentence}")
        left = batch.counts.get("refused", 0) - len(shown)
        if left > 0:
            self.stderr.write(f"  and {left:,} more; --refused FILE keeps them all")

    def _write_refused(self, batches: list[ImportBatch], path: Path) -> None:
        refused = [batch for batch in batches if batch.counts.get("refused")]
        for batch in refused:
            target = path if len(refused) == 1 else path.with_stem(f"{path.stem}.{batch.kind}")
            with target.open("wb") as file:
                file.writelines(refused_upload(batch))
            self.stdout.write(f"Refused lines: {target}")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _user(username: str, flag: str) -> User:
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no account named {username!r}. Give one by {flag} USER.")
    return user


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            yield piece


def _guessed(batch: ImportBatch) -> dict[str, str]:
    seen = look(media_path(batch.upload), reading_of(batch))
    return uses_guess(batch.kind, seen.columns, seen.examples)


def _taken(batch: ImportBatch) -> int:
    return sum(batch.counts.get(name, 0) for name in ("created", "updated", "unchanged"))
