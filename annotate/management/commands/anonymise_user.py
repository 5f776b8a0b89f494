"""Take a person out of their account: name and log-in go, labels stay."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotate.errors import ConcordError
from annotate.models import User
from annotate.services.accounts import account_anonymise


class Command(BaseCommand):
    help = (
        "Remove a person's name, e-mail, log-in and tokens; make the account inactive and take it "
        "out of its projects. Labels and rulings stay, under a neutral name. There is no way back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no account named {options['username']!r}.")
        if not options["yes"] and input(f"Type {user.username} again to go on: ") != user.username:
            raise CommandError("Nothing was changed.")
        try:
            account_anonymise(None, user)
        except ConcordError as error:
            raise CommandError(error.message) from None
        self.stdout.write(f"The account is anonymous now: removed-{user.pk}.")
