"""Make an account that may start projects: the first one, or one more."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotate.errors import BadInput
from annotate.models import User
from annotate.services.accounts import account_create, account_promote


class Command(BaseCommand):
    help = (
        "Make an account that may start projects. Asks for what is not given; without a terminal "
        "give --username and --password-stdin. With --promote, an account that is there already."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--username")
        parser.add_argument("--name", default="", help="the name that others see")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )
        parser.add_argument(
            "--promote", action="store_true", help="let an existing account start projects"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["promote"]:
            self._promote(options["username"])
            return
        asking = sys.stdin.isatty() and not options["password_stdin"]
        if not asking and not (options["username"] and options["password_stdin"]):
            raise CommandError(
                "There is no terminal to ask in. Use --username NAME --password-stdin, for "
                "example: manage.py createowner --username olga --password-stdin < password.txt"
            )
        while True:
            username = options["username"] or input("User name: ")
            password = self._ask_password() if asking else sys.stdin.readline().rstrip("\r\n")
            try:
                account_create(
                    username=username, name=options["name"], password=password, is_founder=True
                )
            except BadInput as error:
                if not asking:
                    raise CommandError(error.message) from None
                self.stderr.write(error.message)
                if "username" in error.detail.get("fields", {}):
                    options["username"] = None
                continue
            self.stdout.write(f"{username} can log in now, and start projects.")
            return

    def _ask_password(self) -> str:
        while True:
            first = getpass.getpass("Password: ")
            if getpass.getpass("The same again: ") == first:
                return first
            self.stderr.write("The two differ. Once more.")

    def _promote(self, username: str | None) -> None:
        user = User.objects.filter(username=username or "", is_active=True).first()
        if user is None:
            raise CommandError(f"There is no account named {username!r}. Give one by --username.")
        account_promote(user)
        self.stdout.write(f"{user.username} may start projects.")
