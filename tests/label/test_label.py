"""The label screen: annotate/views/label.py."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotate.models import (
    Assignment,
    AssignmentState,
    Label,
    LabelStatus,
    Project,
    RaterKind,
    Slot,
    SlotState,
    Submission,
    SubmissionStatus,
    Visibility,
)
from annotate.services.answers import Answer
from annotate.services.claims import claims_expire, claims_hold
from annotate.services.projects import (
    OptionDraft,
    QuestionDraft,
    guideline_publish,
    project_archive,
    question_add,
    question_revise,
)
from annotate.services.raters import rater_imported
from annotate.services.submissions import submission_submit
from annotate.views.review_item import remark_shown
from tests.personas import SENTIMENT, STARS, story

pytestmark = pytest.mark.django_db

TEXTS = ["Lovely soup.", "Dreadful soup.", "It was soup.", "No soup at all."]


class Desk:
    """One person at the label screen: what the browser would send back, and what it got."""

    def __init__(self, s, person, *, htmx=True):
        self.s, self.htmx = s, htmx
        self.client = Client()
        self.client.force_login(person)
        self.response = None

    def url(self, name):
        return reverse(name, args=[self.s.project.pk])

    def open(self):
        self.response = self.client.get(self.url("label"))
        return self

    @property
    def html(self):
        return self.response.content.decode()

    @property
    def item(self):
        return int(self.hidden()["item"])

    @property
    def said(self):
        found = re.search(r'data-announce="([^"]*)"', self.html)
        return unescape(found[1]) if found else ""

    @property
    def checked(self):
        return {
            found[1]: found[2]
            for tag in re.findall(r"<input[^>]*>", self.html)
            if re.search(r"\bchecked\b", tag)
            and (found := re.search(r'name="(q\d+)"\s+value="(\d+)"', tag))
        }

    def hidden(self, form="answer"):
        part = re.search(rf'<form[^>]*id="{form}".*?</form>', self.html, re.S)[0]
        pairs = re.findall(r'<input type="hidden"\s+name="(\w+)"\s+value="([^"]*)"', part)
        return {name: unescape(value) for name, value in pairs}

    def post(self, name, data):
        headers = {"HX-Request": "true"} if self.htmx else {}
        self.response = self.client.post(self.url(name), data, headers=headers)
        return self.response

    def submit(self, choice=0, **more):
        return self.post(
            "label_submit", {**self.hidden(), f"q{self.s.question.pk}": choice, **more}
        )

    def skip(self, **more):
        return self.post("label_skip", {**self.hidden(), **more})

    def undo(self):
        return self.post("label_undo", self.hidden("undo"))


def judge_says(s, item, choice, **more):
    judge = rater_imported(s.project, name="gpt-x v3", kind=RaterKind.JUDGE)
    submission_submit(judge, item, answers=s.answer(choice, **more), client_key=f"j{item.pk}")
    return Label.objects.get(rater=judge, item=item)


def overdue():
    Assignment.objects.filter(state="open").update(lease_until=timezone.now())
    return claims_expire()


# --- One label --------------------------------------------------------------------------------


def test_an_answer_is_stored_and_its_reply_is_the_next_item() -> None:
    s = story()
    items = {item.pk: item for item in s.items(TEXTS)}
    desk = Desk(s, s.ana).open()
    assert desk.response.status_code == 200
    first = desk.item
    assert items[first].fields["text"] in desk.html

    response = desk.submit(1, seconds="3.25", flag="1", comment="odd")

    assert response.status_code == 200
    assert "<html" not in desk.html
    assert desk.item != first
    assert items[desk.item].fields["text"] in desk.html
    assert desk.said == "Negative saved"
    stored = Submission.objects.get()
    assert (stored.item_id, stored.status, stored.flagged) == (first, "submitted", True)
    assert (stored.comment, stored.guideline) == ("odd", s.project.guidelines.get())
    # The page is younger than 3.25 s, so that is not what it took.
    assert 0 <= stored.seconds < 3.25
    assert Label.objects.get().choice == 1


def test_the_screen_counts_what_was_done_today_and_how_fast() -> None:
    s = story()
    s.items(TEXTS)
    desk = Desk(s, s.ana).open()
    assert re.search(r"<strong>0</strong> of 4", desk.html)
    desk.submit()
    Submission.objects.update(seconds=4.13)
    desk.submit()
    assert re.search(r"<strong>2</strong> of 4", desk.html)
    Submission.objects.update(seconds=4.13)
    desk.open()
    assert "4.1 s each" in desk.html


def test_without_javascript_a_submit_leads_back_to_the_screen_with_a_message() -> None:
    s = story()
    s.items(TEXTS)
    desk = Desk(s, s.ana, htmx=False).open()
    response = desk.submit(0)
    assert response.status_code == 302
    assert response["Location"] == desk.url("label")
    assert "Positive saved" in desk.open().html


def test_the_guideline_comes_again_only_when_it_changed() -> None:
    s = story()
    s.items(TEXTS)
    desk = Desk(s, s.ana).open()
    assert "Judge the text only." in desk.html
    desk.submit()
    assert 'id="guideline"' not in desk.html
    guideline_publish(s.olga, s.project, "Judge the *soup* only.")
    response = desk.submit()
    assert response["HX-Retarget"] == "#label"
    assert "<em>soup</em> only" in desk.html
    # What was handed in was answered under the old one.
    assert [sub.guideline.version for sub in Submission.objects.order_by("pk")] == [1, 1]


def test_text_of_others_is_shown_as_text() -> None:
    s = story()
    s.items(["<script>alert(1)</script> & <b>bold</b>"])
    html = Desk(s, s.ana).open().html
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;bold&lt;/b&gt;" in html
    assert 'dir="auto"' in html


def test_several_fields_have_headings_and_fill_the_question() -> None:
    asked = QuestionDraft(
        key="about",
        name="About",
        kind="single",
        text="What of the {aspect}, {nothing}?",
        options=SENTIMENT.options,
    )
    s = story(questions=(asked, STARS))
    (item,) = s.items(["Lovely soup."])
    item.fields = {"text": "Lovely soup.", "aspect": "<i>service</i>"}
    item.save(update_fields=["fields"])
    html = Desk(s, s.ana).open().html
    assert "What of the &lt;i&gt;service&lt;/i&gt;, {nothing}?" in html
    assert re.findall(r'<h2 class="label__name"[^>]*>(\w+)</h2>', html) == ["text", "aspect"]


def test_digits_name_the_options_up_to_nine_and_a_scale_keeps_its_own() -> None:
    def keys(count, kind="single", start=1):
        options = tuple(OptionDraft(str(n), f"Option {n}") for n in range(start, start + count))
        draft = QuestionDraft(key="k", name="K", kind=kind, options=options)
        s.project.questions.update(status="retired")
        question_add(s.olga, s.project, draft)
        html = Desk(s, s.ana).open().html
        s.project.questions.filter(key="k").delete()
        return re.findall(r'data-key="(\d)"', html), re.search(r"data-filter\s", html) is not None

    s = story()
    s.items(TEXTS)
    assert keys(9) == (list("123456789"), False)
    assert keys(10) == ([], True)
    assert keys(6, "rating", start=0) == (list("012345"), False)
    assert keys(10, "rating") == (list("1234567890"), False)


# --- Once, and once only ----------------------------------------------------------------------


def test_the_same_page_sent_twice_is_stored_once() -> None:
    s = story()
    s.items(TEXTS)
    desk = Desk(s, s.ana).open()
    data = {**desk.hidden(), f"q{s.question.pk}": 0}
    assert desk.post("label_submit", data).status_code == 200
    second = desk.item
    assert desk.post("label_submit", data).status_code == 200
    assert desk.item == second
    assert Submission.objects.count() == 1


def test_a_second_tab_replaces_the_answer() -> None:
    s = story(labels_per_item=2)
    s.items(TEXTS)
    one, two = Desk(s, s.ana).open(), Desk(s, s.ana).open()
    assert one.item == two.item
    one.submit(0)
    two.submit(2)
    live = Label.objects.get(status=LabelStatus.LIVE)
    assert live.choice == 2
    assert Submission.objects.filter(status=SubmissionStatus.SUBMITTED).count() == 1


def test_a_reload_brings_the_same_item() -> None:
    s = story()
    s.items(TEXTS)
    desk = Desk(s, s.ana)
    assert desk.open().item == desk.open().item
    assert Slot.objects.filter(state=SlotState.HELD).count() == 1


def test_an_answer_that_comes_too_late_is_kept_and_said_so() -> None:
    s = story()
    s.items(["Lovely soup."])
    ana, ben = Desk(s, s.ana).open(), Desk(s, s.ben)
    overdue()
    ben.open().submit(0)

    response = ana.submit(1)

    assert response.status_code == 409
    assert "Others had finished that item" in ana.html
    assert ana.said == "Kept, not counted"
    late = Submission.objects.get(rater=s.rater(s.ana))
    assert late.status == SubmissionStatus.SURPLUS
    assert late.labels.get().choice == 1


def test_an_answer_to_an_item_never_given_is_refused() -> None:
    s = story()
    s.items(["Lovely soup.", "Dreadful soup."])
    ana, ben = Desk(s, s.ana).open(), Desk(s, s.ben).open()
    stolen = {**ana.hidden(), "item": ben.item, f"q{s.question.pk}": 0}
    assert ana.post("label_submit", stolen).status_code == 422
    assert ben.post("label_submit", ana.hidden() | {f"q{s.question.pk}": 0}).status_code == 422
    assert not Submission.objects.exists()


# --- What does not fit ------------------------------------------------------------------------


def test_an_answer_that_does_not_fit_stays_on_the_screen() -> None:
    s = story(questions=(SENTIMENT, STARS))
    s.items(TEXTS)
    stars = s.project.questions.get(key="stars")
    desk = Desk(s, s.ana).open()
    shown = desk.item
    data = {**desk.hidden(), f"q{stars.pk}": 3, "comment": "both at once", "flag": "1"}

    response = desk.post("label_submit", data)

    assert response.status_code == 422
    assert desk.item == shown
    assert "“Sentiment” needs an answer." in desk.html
    assert desk.checked == {f"q{stars.pk}": "3"}
    assert "both at once" in desk.html
    assert re.search(r'name="flag"\s+value="1"\s+checked', desk.html)
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"seal": "made up"},
        {"client_key": ""},
        {"client_key": "k" * 101},
        {"item": "0"},
        {"item": "9" * 40},
        {"comment": "c" * 4001},
        {"comment": "nul \x00 byte"},
    ],
)
def test_a_form_that_was_tampered_with_stores_nothing_and_breaks_nothing(wrong) -> None:
    s = story()
    s.items(TEXTS)
    desk = Desk(s, s.ana).open()
    assert desk.submit(0, **wrong).status_code == 422
    assert "label__form" in desk.html
    assert not Submission.objects.exists()


@pytest.mark.parametrize("choice", ["9", "-1", "99999999999", "positive", ""])
def test_a_value_that_is_no_option_is_refused(choice) -> None:
    s = story()
    s.items(TEXTS)
    desk = Desk(s, s.ana).open()
    assert desk.submit(choice).status_code == 422
    assert "is no option of “Sentiment”" in desk.html
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    ("sent", "kept"), [("12", 12), ("", 0), ("-5", 0), ("²", 0), ("9" * 12, 10**6), ("9" * 99, 0)]
)
def test_characters_pasted_are_kept_and_nonsense_refuses_nobody(sent, kept) -> None:
    s = story()
    s.items(["a"])
    assert Desk(s, s.ana).open().submit(0, pasted=sent).status_code == 200
    assert Submission.objects.get().pasted == kept


@pytest.mark.parametrize("seconds", ["nan", "inf", "-5", "soon", "1e400"])
def test_seconds_that_are_none_refuse_nobodys_answer(seconds) -> None:
    s = story()
    s.items(TEXTS)
    assert Desk(s, s.ana).open().submit(0, seconds=seconds).status_code == 200
    assert Submission.objects.get().seconds is None


def test_a_question_that_changed_meanwhile_is_shown_anew_and_nothing_is_misread() -> None:
    s = story()
    s.items(TEXTS)
    desk = Desk(s, s.ana).open()
    shown = desk.item
    turned = QuestionDraft(
        key="sentiment", name="Sentiment", kind="single", options=SENTIMENT.options[::-1]
    )
    # No label yet: the question is edited in place, and code 0 means something else now.
    question_revise(s.olga, s.question, turned)

    response = desk.submit(0, comment="kept")

    assert response.status_code == 409
    assert response["HX-Retarget"] == "#label"
    assert "The question was changed" in desk.html
    assert (desk.item, "kept" in desk.html) == (shown, True)
    assert not Submission.objects.exists()
    assert desk.submit(0).status_code == 200


def test_a_new_version_of_a_question_is_shown_anew() -> None:
    s = story()
    s.items(TEXTS)
    desk = Desk(s, s.ana).open()
    desk.submit(0)
    question_revise(s.olga, s.question, SENTIMENT)
    assert desk.submit(0).status_code == 409
    assert "A question was changed" in desk.html
    assert Submission.objects.count() == 1


# --- Skip and undo ----------------------------------------------------------------------------


def test_skipping_brings_another_item_and_keeps_flag_and_comment() -> None:
    s = story()
    s.items(TEXTS)
    desk = Desk(s, s.ana).open()
    first = desk.item
    assert desk.skip(flag="1", comment="not about soup").status_code == 200
    assert desk.item != first
    assert desk.said == "Skipped"
    skipped = Submission.objects.get()
    assert (skipped.status, skipped.flagged) == ("skipped", True)
    assert skipped.comment == "not about soup"


def test_a_reason_for_skipping_is_kept_and_told_to_leads() -> None:
    s = story()
    s.items(TEXTS)
    desk = Desk(s, s.ana).open()
    first = desk.item
    assert desk.skip(reason="nonsense").status_code == 422
    assert desk.skip(reason="other").status_code == 422
    assert "Say in a few words why." in desk.html
    assert not Submission.objects.exists()
    desk.skip(reason="other", why="Two texts in one", comment="See the end")
    desk.skip(reason="language")
    other, language = Submission.objects.order_by("pk")
    assert (other.skip_reason, other.comment) == ("other", "See the end\nTwo texts in one")
    assert language.skip_reason == "language"
    lead = Client()
    lead.force_login(s.olga)
    page = unescape(lead.get(reverse("item", args=[s.project.pk, first])).content.decode())
    assert "Skipped: Another reason" in page
    assert "Two texts in one" in page
    review = remark_shown(language)
    assert review["rater"]["note"] == "skipped: Not in a language I read"


def test_what_was_written_of_one_item_is_not_filled_in_for_another() -> None:
    s = story()
    s.items(TEXTS)
    one, two = Desk(s, s.ana).open(), Desk(s, s.ana).open()
    two.submit(0)
    assert one.skip(comment="about the first", **{f"q{s.question.pk}": 1}).status_code == 409
    assert "You have handed in this item" in one.html
    assert one.item == two.item
    assert one.checked == {}
    assert "about the first" not in one.html


def test_undo_brings_the_last_one_back_as_it_was_and_then_the_one_before() -> None:
    s = story(questions=(SENTIMENT, STARS))
    s.items(TEXTS)
    stars = s.project.questions.get(key="stars")
    desk = Desk(s, s.ana).open()
    first = desk.item
    desk.submit(0)
    second = desk.item
    desk.submit(2, **{f"q{stars.pk}": 4, "comment": "hm", "flag": "1"})
    third = desk.item

    assert desk.undo().status_code == 200

    assert desk.item == second
    assert desk.checked == {f"q{s.question.pk}": "2", f"q{stars.pk}": "4"}
    assert "hm</textarea>" in desk.html
    assert Label.objects.filter(status=LabelStatus.LIVE).count() == 1
    desk.undo()
    assert (desk.item, desk.checked) == (first, {f"q{s.question.pk}": "0"})
    desk.submit(1)
    assert (desk.item, desk.checked) == (second, {f"q{s.question.pk}": "2", f"q{stars.pk}": "4"})
    desk.submit(1)
    assert desk.item == third
    assert desk.checked == {}
    counted = Submission.objects.filter(status=SubmissionStatus.SUBMITTED)
    assert sorted(counted.values_list("item_id", flat=True)) == sorted([first, second])


def test_undo_pressed_twice_takes_back_one() -> None:
    s = story()
    s.items(TEXTS)
    desk = Desk(s, s.ana).open()
    desk.submit(0)
    desk.submit(0)
    data = desk.hidden("undo")
    desk.post("label_undo", data)
    shown = desk.item
    desk.post("label_undo", data)
    assert desk.item == shown
    assert Submission.objects.filter(status=SubmissionStatus.SUBMITTED).count() == 1


def test_undo_reaches_ones_own_work_only() -> None:
    s = story()
    s.items(TEXTS)
    ben = Desk(s, s.ben).open()
    ben.submit(0)
    ana = Desk(s, s.ana).open()
    theirs = Submission.objects.get()
    assert ana.post("label_undo", {"submission": theirs.pk}).status_code == 404
    assert ana.post("label_undo", {}).status_code == 409
    assert Submission.objects.get().status == SubmissionStatus.SUBMITTED


def test_undo_of_a_surplus_answer_says_that_a_new_one_does_not_count() -> None:
    s = story()
    s.items(["Lovely soup."])
    ana, ben = Desk(s, s.ana).open(), Desk(s, s.ben)
    overdue()
    ben.open().submit(0)
    ana.submit(1)
    ana.undo()
    assert "Others have finished this item meanwhile" in ana.html
    assert ana.checked == {f"q{s.question.pk}": "1"}
    assert ana.submit(2).status_code == 409
    assert Submission.objects.filter(status=SubmissionStatus.SURPLUS).count() == 1


def test_leaving_gives_back_what_is_held_behind_the_item_on_the_screen() -> None:
    s = story()
    s.items(TEXTS)
    desk = Desk(s, s.ana).open()
    desk.submit(0)
    desk.undo()
    assert Slot.objects.filter(state=SlotState.HELD).count() == 2
    shown = desk.item
    assert desk.post("label_leave", {"item": shown}).status_code == 204
    assert Slot.objects.filter(state=SlotState.HELD).count() == 1
    assert desk.open().item == shown
    # Somebody else's item, or none, gives nothing back.
    for odd in ("0", "x", ""):
        assert desk.post("label_leave", {"item": odd}).status_code == 204
    assert Assignment.objects.get(item_id=shown).state == AssignmentState.OPEN


# --- Blind, and suggestion first --------------------------------------------------------------


def test_people_label_blind() -> None:
    s = story(labels_per_item=3)
    item, _other = s.items(["Lovely soup.", "Dreadful soup."])
    judge_says(s, item, 2, confidence=0.8125, rationale="Soup has no opinion.")
    judge_says(s, _other, 2, confidence=0.8125, rationale="Soup has no opinion.")
    ben = Desk(s, s.ben).open()
    ben.submit(1, comment="I find it dreadful")
    ben.submit(1, comment="I find it dreadful")

    desk = Desk(s, s.ana).open()

    for page in (desk.html, desk.submit(0).content.decode(), desk.undo().content.decode()):
        assert "gpt-x" not in page
        assert "no opinion" not in page
        assert "dreadful</textarea>" not in page
        assert "Ben" not in page
        assert ".81" not in page
        assert "suggestion" not in page
    assert [sub.exposure for sub in Submission.objects.filter(rater=s.rater(s.ana))] == [[]]


def test_suggestion_first_shows_the_newest_judge_and_records_what_was_seen() -> None:
    s = story()
    Project.objects.update(visibility=Visibility.SUGGESTION_FIRST)
    item, other = s.items(["Lovely soup.", "Dreadful soup."])
    says = {
        i.pk: judge_says(s, i, 0, confidence=0.81, rationale="Praise of <soup>.")
        for i in (item, other)
    }
    desk = Desk(s, s.ana).open()
    shown = desk.item
    assert "gpt-x v3" in desk.html
    assert "Praise of &lt;soup&gt;." in desk.html
    assert ".81" in desk.html
    assert not desk.checked

    # The judge changes its mind after the page was shown: what was seen counts.
    submission_submit(
        says[shown].rater, says[shown].item, answers=s.answer(1), client_key="second thoughts"
    )
    desk.submit(2)

    (seen,) = Submission.objects.get(rater=s.rater(s.ana)).exposure
    assert (seen["label"], seen["judge"]) == (says[shown].pk, "gpt-x v3")
    assert (seen["question"], seen["choice"]) == ("sentiment", 0)
    assert seen["shown_at"].startswith(str(timezone.now().year))
    # Taken back, it shows the new answer; then both were seen.
    desk.undo()
    desk.submit(2)
    standing = Submission.objects.get(rater=s.rater(s.ana), status="submitted")
    assert [seen["choice"] for seen in standing.exposure] == [0, 1]


def test_what_was_seen_is_not_what_the_browser_says() -> None:
    s = story()
    Project.objects.update(visibility=Visibility.SUGGESTION_FIRST)
    judge_says(s, s.items(["Lovely soup."])[0], 0)
    desk = Desk(s, s.ana).open()
    seal = desk.hidden()["seal"]
    swapped = ("A" if seal[5] != "A" else "B").join([seal[:5], seal[6:]])
    assert desk.submit(0, seal=swapped).status_code == 422
    assert desk.submit(0, exposure="[]").status_code == 200
    assert len(Submission.objects.get(rater=s.rater(s.ana)).exposure) == 1


# --- Nothing to label -------------------------------------------------------------------------


def test_each_empty_screen_says_why_and_has_one_button() -> None:
    s = story()

    def button(person):
        html = Desk(s, person).open().html
        assert html.count("<h1") == 1
        title = re.search(r'class="empty__title">([^<]+)<', html)[1]
        found = re.findall(r'button--primary"\s+href="([^"]+)">\s*([^<]+?)\s*<', html)
        assert len(found) == 1
        return title, found[0][1]

    assert button(s.ana) == ("No items yet", "Look again")
    assert button(s.olga) == ("No items yet", "Bring in items")
    s.items(["Lovely soup."])
    ana, ben = Desk(s, s.ana).open(), Desk(s, s.ben)
    assert button(s.ben) == ("You have done your part", "Look again")
    ana.submit(0)
    assert "Every item has its labels" in ana.html
    assert ana.response["HX-Retarget"] == "#label"
    assert ben.open().html.count("Every item has its labels") == 1
    assert button(s.olga) == ("Every item has its labels", "See the overview")
    s.project.questions.update(status="retired")
    assert button(s.ana) == ("Nothing is asked yet", "Look again")
    assert button(s.olga) == ("Nothing is asked yet", "Add a question")
    project_archive(s.olga, s.project)
    assert button(s.ana) == ("This project is archived", "Your projects")


def test_undo_is_there_when_everything_is_done() -> None:
    s = story()
    s.items(["Lovely soup."])
    desk = Desk(s, s.ana).open()
    desk.submit(0)
    desk.undo()
    assert desk.checked == {f"q{s.question.pk}": "0"}


# --- Access -----------------------------------------------------------------------------------


def test_who_may_not_label_is_told_so_and_stores_nothing() -> None:
    s = story()
    s.items(TEXTS)
    data = Desk(s, s.ana).open().hidden() | {f"q{s.question.pk}": 0}
    for person, status in ((s.vic, 403), (s.sam, 404)):
        desk = Desk(s, person)
        assert desk.open().response.status_code == status
        for name in ("label_submit", "label_skip", "label_undo", "label_ahead", "label_leave"):
            assert desk.post(name, data).status_code == status
    assert Client().post(desk.url("label_submit"), data).status_code == 302
    project_archive(s.olga, s.project)
    assert Desk(s, s.ana).post("label_submit", data).status_code == 403
    assert not Submission.objects.exists()


def test_pages_answer_to_their_own_method_only() -> None:
    s = story()
    desk = Desk(s, s.ana)
    assert desk.post("label", {}).status_code == 405
    for name in ("label_submit", "label_skip", "label_undo", "label_ahead", "label_leave"):
        assert desk.client.get(desk.url(name)).status_code == 405


# --- Cost -------------------------------------------------------------------------------------


def statements(captured):
    """What went to the database; in production the outer transaction has no savepoint."""
    sql = [query["sql"] for query in captured.captured_queries]
    return [text for text in sql if not text.startswith(("SAVEPOINT", "RELEASE SAVEPOINT"))]


@pytest.mark.parametrize("answered", [1, 55])
def test_a_submit_with_its_next_item_costs_few_queries_however_many_went_before(answered) -> None:
    s = story(labels_per_item=2)
    rater = s.rater(s.ana)
    s.items([f"text {n}" for n in range(60)])
    for n in range(answered):
        (held,) = claims_hold(rater)
        submission_submit(
            rater, held.item, answers={s.question.pk: Answer(choice=0)}, client_key=str(n)
        )
    desk = Desk(s, s.ana).open()
    assert re.search(rf"<strong>{answered}</strong> of 60", desk.html)
    with CaptureQueriesContext(connection) as captured:
        desk.submit(1)
    # 31 on PostgreSQL, 29 on SQLite; one more counts today's answers beyond fifty.
    assert len(statements(captured)) <= 31 + (answered > 50), "\n".join(statements(captured))
