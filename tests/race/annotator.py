"""Several annotators at the label screen, each in a process of its own: for test_exactly_n.py.

Each works like an impatient person with a bad connection: sends a page twice, opens two tabs, takes
answers back, goes to lunch. A name given twice is one person at two machines. Prints the client
keys that were accepted, as JSON: a user name and its keys for each process. What
each does is drawn with a seed; what happens between the processes is up to the machine.

With --unguarded they claim as a naive program does: look for an item that has too few, then take a
place, with nothing that holds the others off in between.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from html import unescape
from multiprocessing.synchronize import Barrier

# How often one of them leaves a page open for longer than its lease.
LUNCHES = 3
PATIENCE_SECONDS = 120
# Set before the processes fork off.
together: Barrier


def settings_made() -> None:
    """Prepare once what each process needs. No connection is opened: each opens its own."""
    import django
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    django.setup()
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018 (imports the views)


class Annotator:
    def __init__(self, username: str, project_id: int) -> None:
        from django.contrib.auth import get_user_model
        from django.test import Client

        self.client = Client(headers={"HX-Request": "true"})
        self.client.force_login(get_user_model().objects.get(username=username))
        self.username = username
        self.base = f"/projects/{project_id}/label/"
        self.accepted: list[str] = []

    def open(self) -> str:
        response = self.client.get(self.base, headers={"HX-Request": ""})
        assert response.status_code == 200, response.status_code
        return response.content.decode()

    def post(self, name: str, data: dict[str, str]) -> str:
        response = self.client.post(f"{self.base}{name}/", data)
        assert response.status_code in {200, 409}, (response.status_code, response.content)
        return response.content.decode()

    def let_lease_run_out(self) -> None:
        from django.utils import timezone

        from annotate.models import Assignment
        from annotate.services.claims import claims_expire

        held = Assignment.objects.filter(rater__user__username=self.username, state="open")
        held.update(lease_until=timezone.now())
        claims_expire()

    def submit(self, page: str, choice: int) -> str:
        data = fields(page, "answer")
        question = re.search(r'name="(q\d+)"', page)
        assert question is not None
        data[question[1]] = str(choice)
        reply = self.post("submit", data)
        self.accepted.append(data["client_key"])
        return reply


def fields(page: str, form: str) -> dict[str, str]:
    """The hidden fields of a form, {} where the page has no such form."""
    part = re.search(rf'<form[^>]*id="{form}".*?</form>', page, re.DOTALL)
    if part is None:
        return {}
    found = re.findall(r'<input type="hidden"\s+name="(\w+)"\s+value="([^"]*)"', part[0])
    return {name: unescape(value) for name, value in found}


def work(annotator: Annotator, draw: random.Random) -> None:
    """Label until there is nothing left for this person. Whoever let a lease run out comes back."""
    page, lunches = annotator.open(), 0
    unsent: list[str] = []
    while unsent or fields(page, "answer"):
        if not fields(page, "answer"):
            page = annotator.submit(unsent.pop(), 0)
            continue
        habit = draw.random()
        if habit < 0.10 and lunches < LUNCHES:
            # Gone so long that the lease runs out; the page stays open and is sent much later.
            lunches += 1
            unsent.append(page)
            annotator.let_lease_run_out()
            page = annotator.open()
        elif habit < 0.25:
            annotator.submit(page, draw.randrange(3))
            # The reply was lost: the same page is sent again.
            page = annotator.submit(page, 0)
        elif habit < 0.35:
            other_tab = annotator.open()
            page = annotator.submit(page, draw.randrange(3))
            if fields(other_tab, "answer"):
                page = annotator.submit(other_tab, 0)
        elif habit < 0.45:
            page = annotator.submit(page, draw.randrange(3))
            undo = fields(page, "undo")
            page = annotator.post("undo", undo) if undo else page
        else:
            page = annotator.submit(page, draw.randrange(3))
        if unsent and draw.random() < 0.15:
            page = annotator.submit(unsent.pop(), 0)


def guard_off() -> None:
    """Claim without the guard, for the control: count what an item has, then take a place on it."""
    from datetime import timedelta

    from django.db.models import Count, F, Q
    from django.utils import timezone

    from annotate.models import Assignment, AssignmentState, Item, Rater, Slot
    from annotate.services import claims
    from annotate.views import label_screen

    looked = False

    def naive(rater: Rater, *, wanted: int = 1) -> list[Assignment]:
        nonlocal looked
        held = claims._held(rater)
        if held:
            return held
        taken = Count("assignments", filter=Q(assignments__state__in=["open", "submitted"]))
        item = (
            Item.objects.annotate(taken=taken)
            .filter(taken__lt=F("project__labels_per_item"))
            .exclude(assignments__rater=rater)
            .order_by("draw")
            .first()
        )
        if not looked:
            # All have looked before the first one takes: a barrier, so that this is no luck.
            looked = True
            together.wait(PATIENCE_SECONDS)
        if item is None:
            return []
        now = timezone.now()
        slot = Slot.objects.filter(item=item).order_by("ordinal")[item.taken]  # type: ignore[attr-defined]
        claim = Assignment.objects.create(
            project_id=item.project_id,
            item=item,
            rater=rater,
            slot=slot,
            state=AssignmentState.OPEN,
            strategy="random",
            draw=item.draw,
            claimed_at=now,
            lease_until=now + timedelta(minutes=30),
        )
        return [claim]

    label_screen.claims_hold = naive  # type: ignore[assignment]


def run(username: str, project_id: int) -> list[str]:
    annotator = Annotator(username, project_id)
    together.wait(PATIENCE_SECONDS)
    work(annotator, random.Random(username))
    return annotator.accepted


def main() -> None:
    global together
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=int)
    parser.add_argument("usernames", nargs="+")
    parser.add_argument("--unguarded", action="store_true")
    options = parser.parse_args()
    settings_made()
    if options.unguarded:
        guard_off()
    people = options.usernames
    # Forked, so that Django is loaded once and not eight times.
    fork = multiprocessing.get_context("fork")
    together = fork.Barrier(len(people))
    with ProcessPoolExecutor(len(people), mp_context=fork) as pool:
        accepted = pool.map(run, people, [options.project] * len(people))
        json.dump(list(zip(people, accepted, strict=True)), sys.stdout)


if __name__ == "__main__":
    main()
