"""manage.py fetch_model: bring a language model's file to this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from judges.local_llm.fetch import FetchError, adopt, fetch
from judges.local_llm.models import BY_NAME, DEFAULT_MODEL, MODELS, LocalModel, installed


class Command(BaseCommand):
    help = (
        "Fetch a language model from its publisher, or take a GGUF file you have; then start "
        "Concord with bin/run --local-llm."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help=f"default: {DEFAULT_MODEL.name}")
        parser.add_argument("--file", type=Path, help="a GGUF file on this machine")
        parser.add_argument("--list", action="store_true", help="which are known, and are here")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.MODEL_DIR)
        if options["list"]:
            self._list(folder)
            return
        model = self._named(options["name"])
        try:
            if options["file"]:
                taken = adopt(options["file"], folder, model=model)
                self.stdout.write(f"{taken.path}\n{taken.note}")
            else:
                wanted = model or DEFAULT_MODEL
                self.stdout.write(
                    f"{wanted.name}: {wanted.size / 1e6:,.0f} MB, {wanted.licence}, "
                    f"by {wanted.publisher}. {wanted.note}"
                )
                self.stdout.write(str(fetch(wanted, folder, progress=self._progress())))
        except FetchError as error:
            raise CommandError(error.message) from None
        self.stdout.write("Start Concord with it: bin/run --local-llm")

    def _named(self, name: str | None) -> LocalModel | None:
        if name is None:
            return None
        if name not in BY_NAME:
            raise CommandError(f"There is no model {name!r}. Known: {', '.join(BY_NAME)}.")
        return BY_NAME[name]

    def _list(self, folder: Path) -> None:
        here = {found.path.name for found in installed(folder)}
        for model in MODELS:
            state = "here" if model.file in here else f"{model.size / 1e6:,.0f} MB"
            self.stdout.write(f"{model.name}  {state}  {model.licence}  {model.note}")

    def _progress(self) -> Any:
        shown = -1

        def show(done: int, total: int) -> None:
            nonlocal shown
            percent = done * 100 // max(total, 1)
            # A line for each twentieth: it reads well in a log too.
            if percent // 5 != shown:
                shown = percent // 5
                self.stdout.write(f"  {percent} %, {done / 1e6:,.0f} of {total / 1e6:,.0f} MB")

        return show
