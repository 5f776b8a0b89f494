"""Accounts: made, changed, anonymised, and their tokens for the API."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from rest_framework.authtoken.models import Token

from annotate.errors import BadInput, Conflict
from annotate.models import Event, Membership, Rater, Role, User
from annotate.selectors.keys import USUAL
from annotate.services.events import event_write
from annotate.services.members import member_remove
from annotate.written import listed


def account_create(
    *, username: str, name: str = "", password: str, is_founder: bool = False
) -> User:
    """Make an account. Raises BadInput (fields username, name, password) for what does not fit.

    ``is_founder``: may start projects.
    """
    first, last = names_of(name)
    user = User(
        username=User.normalize_username(username.strip()),
        first_name=first,
        last_name=last,
        is_founder=is_founder,
    )
    wrong: dict[str, str] = {}
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        for field, messages in error.message_dict.items():
            wrong["username" if field == "username" else "name"] = " ".join(messages)
    try:
        validate_password(password, user)
    except ValidationError as error:
        wrong["password"] = " ".join(error.messages)
    if wrong:
        raise BadInput(" ".join(wrong.values()), fields=wrong)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            event_write(user, "account.created", project=None, target=user)
    except IntegrityError:  # somebody took the name between the check and here
        taken = _("A user with that username already exists.")
        raise BadInput(taken, fields={"username": taken}) from None
    return user


# These do something on every page, or in every text.
KEYS_TAKEN = {"?"}


def keys_change(user: User, wanted: Mapping[str, str]) -> User:
    """Set a person's own keys of the label screen, by what they do. Empty or left out: the usual.

    Raises BadInput by field for what is no key, or where one would do two things.
    """
    own = {name: wanted[name].strip().lower() for name in USUAL if wanted.get(name, "").strip()}
    wrong: dict[str, str] = {}
    users: dict[str, str] = {}
    for name, (usual, words) in USUAL.items():
        key = own.get(name, usual)
        if name in own and (len(key) != 1 or not key.isprintable() or key in KEYS_TAKEN):
            wrong[name] = _("One letter, digit or sign, but not ?, which opens the list of keys.")
        elif key in users:
            wrong[name] = _("%(key)s would do two things: %(one)s, and %(other)s.") % {
                "key": key,
                "one": USUAL[users[key]][1],
                "other": words,
            }
        else:
            users[key] = name
    if wrong:
        raise BadInput(" ".join(wrong.values()), fields=wrong)
    user.keys = {name: key for name, key in own.items() if key != USUAL[name][0]}
    user.save(update_fields=["keys"])
    return user


def names_of(name: str) -> tuple[str, str]:
    """Split a name as people write it into Django's two parts, of at most 150 characters each."""
    first, _space, last = name.strip().partition(" ")
    return first[:150], last.strip()[:150]


@transaction.atomic
def account_change(user: User, *, name: str, theme: str, language: str = "") -> User:
    """Change one's own name, theme and language (empty: what the browser asks for); one's raters
    take the new name. Idempotent.
    """
    user.first_name, user.last_name = names_of(name)
    user.theme = theme
    user.language = language
    user.full_clean(exclude=["password"])
    user.save(update_fields=["first_name", "last_name", "theme", "language"])
    Rater.objects.filter(user=user).update(name=user.shown_name[:200])
    return user


@transaction.atomic
def account_promote(user: User) -> None:
    """Let somebody start projects. Idempotent."""
    if User.objects.filter(pk=user.pk, is_founder=False).update(is_founder=True):
        event_write(None, "account.promoted", project=None, target=user)


@transaction.atomic
def account_anonymise(actor: User | None, user: User) -> None:
    """Take the person out of the account: name, log-in and tokens go, labels stay.

    The account becomes inactive under a neutral name, also where history wrote the name down.
    Raises Conflict while somebody's project has no other owner. Idempotent.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    alone = [
        membership.project.name
        for membership in Membership.objects.filter(user=user, role=Role.OWNER).select_related(
            "project"
        )
        if not Membership.objects.filter(project=membership.project, role=Role.OWNER)
        .exclude(user=user)
        .exists()
    ]
    if alone:
        raise Conflict(
            _("Make somebody else an owner first, of: %(projects)s.") % {"projects": listed(alone)}
        )
    for membership in Membership.objects.filter(user=user).select_related("project", "user"):
        member_remove(actor or user, membership)
    neutral = f"removed-{user.pk}"
    user.username, user.email = neutral, ""
    user.first_name = user.last_name = ""
    user.is_active = user.is_founder = user.is_staff = user.is_superuser = False
    user.last_login = None
    user.set_unusable_password()
    user.save(
        update_fields=[
            *("username", "email", "first_name", "last_name", "is_active", "is_founder"),
            *("is_staff", "is_superuser", "last_login", "password"),
        ]
    )
    Token.objects.filter(user=user).delete()
    Rater.objects.filter(user=user).update(name=neutral)
    Event.objects.filter(actor=user).update(actor_name=neutral)
    if not Event.objects.filter(verb="account.anonymised", target=f"user {user.pk}").exists():
        event_write(None, "account.anonymised", project=None, target=user)


@transaction.atomic
def token_get(user: User) -> str:
    """The account's API token, made at first use. Idempotent."""
    token, created = Token.objects.get_or_create(user=user)
    if created:
        event_write(user, "token.made", project=None, target=user)
    return str(token.key)


@transaction.atomic
def token_renew(user: User) -> str:
    """Make the account's API token anew and return it; the old one is useless from now on."""
    Token.objects.filter(user=user).delete()
    token = Token.objects.create(user=user)
    event_write(user, "token.made", project=None, target=user)
    return str(token.key)


@transaction.atomic
def token_revoke(user: User) -> None:
    """Take the account's API token away. Idempotent."""
    deleted, _by_model = Token.objects.filter(user=user).delete()
    if deleted:
        event_write(user, "token.revoked", project=None, target=user)
