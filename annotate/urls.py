"""Addresses of the screens. One block a screen; an item's external id is never in an address."""

from __future__ import annotations

from django.urls import path

from annotate.views import (
    account,
    aggregates,
    bulk,
    data,
    exports,
    guideline,
    home,
    imports,
    items,
    jobs,
    joining,
    label,
    label_errors,
    overview,
    people,
    project,
    projects,
    questions,
    review,
    saved_views,
    settings,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("theme/", home.theme, name="theme"),
    path("deletions/<int:job_id>/again/", home.deletion_again, name="deletion_again"),
    path("account/", account.account, name="account"),
    path("account/login/", account.log_in, name="login"),
    path("account/token/new/", account.token_new, name="token_new"),
    path("account/token/end/", account.token_end, name="token_end"),
    path("join/<str:token>/", joining.join, name="join"),
    path("projects/new/", projects.project_new, name="project_new"),
    path("projects/sample/", projects.project_sample, name="project_sample"),
    path("projects/<int:project_id>/", project.project, name="project"),
    path("projects/<int:project_id>/label/", label.label, name="label"),
    path("projects/<int:project_id>/label/submit/", label.label_submit, name="label_submit"),
    path("projects/<int:project_id>/label/skip/", label.label_skip, name="label_skip"),
    path("projects/<int:project_id>/label/undo/", label.label_undo, name="label_undo"),
    path("projects/<int:project_id>/label/leave/", label.label_leave, name="label_leave"),
    path("projects/<int:project_id>/overview/", overview.overview, name="overview"),
    path("projects/<int:project_id>/figures/", aggregates.figures, name="figures"),
    path(
        "projects/<int:project_id>/questions/<int:question_id>/aggregate/",
        aggregates.aggregate,
        name="aggregate",
    ),
    path("projects/<int:project_id>/review/", review.review, name="review"),
    path(
        "projects/<int:project_id>/review/<int:question_id>/<int:item_id>/",
        review.review_rule,
        name="review_rule",
    ),
    path(
        "projects/<int:project_id>/review/<int:question_id>/label-errors/",
        label_errors.label_errors_look,
        name="label_errors",
    ),
    path(
        "projects/<int:project_id>/rulings/<int:ruling_id>/withdraw/",
        review.ruling_take_back,
        name="ruling_withdraw",
    ),
    path("projects/<int:project_id>/items/", items.items, name="items"),
    path("projects/<int:project_id>/items/<int:item_id>/", items.item, name="item"),
    path("projects/<int:project_id>/items/views/", saved_views.view_keep, name="view_keep"),
    path(
        "projects/<int:project_id>/items/views/<int:view_id>/remove/",
        saved_views.view_remove,
        name="view_remove",
    ),
    path("projects/<int:project_id>/items/together/", bulk.bulk, name="bulk"),
    path("projects/<int:project_id>/items/together/rule/", bulk.bulk_rule, name="bulk_rule"),
    path(
        "projects/<int:project_id>/items/together/rule/start/",
        bulk.bulk_rule_start,
        name="bulk_rule_start",
    ),
    path(
        "projects/<int:project_id>/items/together/do/<slug:action>/", bulk.bulk_do, name="bulk_do"
    ),
    path(
        "projects/<int:project_id>/rulings/together/<int:job_id>/",
        bulk.bulk_batch,
        name="bulk_batch",
    ),
    path(
        "projects/<int:project_id>/rulings/together/<int:job_id>/undo/",
        bulk.bulk_undo,
        name="bulk_undo",
    ),
    path("projects/<int:project_id>/data/", data.data, name="data"),
    path(
        "projects/<int:project_id>/imports/new/<slug:kind>/", imports.import_new, name="import_new"
    ),
    path(
        "projects/<int:project_id>/imports/<int:import_id>/",
        imports.import_report,
        name="import_report",
    ),
    path(
        "projects/<int:project_id>/imports/<int:import_id>/columns/",
        imports.import_map,
        name="import_map",
    ),
    path(
        "projects/<int:project_id>/imports/<int:import_id>/reading/",
        imports.import_read,
        name="import_read",
    ),
    path(
        "projects/<int:project_id>/imports/<int:import_id>/refused/",
        imports.import_refused,
        name="import_refused",
    ),
    path(
        "projects/<int:project_id>/imports/<int:import_id>/undo/",
        imports.import_undo,
        name="import_undo",
    ),
    path(
        "projects/<int:project_id>/imports/<int:import_id>/go-on/",
        imports.import_go_on,
        name="import_go_on",
    ),
    path(
        "projects/<int:project_id>/imports/<int:import_id>/drop/",
        imports.import_drop,
        name="import_drop",
    ),
    path("projects/<int:project_id>/jobs/<int:job_id>/", jobs.job, name="job"),
    path("projects/<int:project_id>/jobs/<int:job_id>/pause/", jobs.pause, name="job_pause"),
    path("projects/<int:project_id>/jobs/<int:job_id>/resume/", jobs.resume, name="job_resume"),
    path("projects/<int:project_id>/jobs/<int:job_id>/cancel/", jobs.cancel, name="job_cancel"),
    path("projects/<int:project_id>/exports/", exports.exports, name="exports"),
    path("projects/<int:project_id>/exports/start/", exports.start, name="export_start"),
    path("projects/<int:project_id>/exports/<int:job_id>/file/", exports.file, name="export_file"),
    path("projects/<int:project_id>/people/", people.people, name="people"),
    path(
        "projects/<int:project_id>/people/<int:member_id>/role/",
        people.member_role,
        name="member_role",
    ),
    path(
        "projects/<int:project_id>/people/<int:member_id>/remove/",
        people.member_out,
        name="member_out",
    ),
    path("projects/<int:project_id>/invitations/", people.invitation_new, name="invitation_new"),
    path(
        "projects/<int:project_id>/invitations/<int:invitation_id>/end/",
        people.invitation_end,
        name="invitation_end",
    ),
    path("projects/<int:project_id>/settings/", settings.settings, name="settings"),
    path("projects/<int:project_id>/archive/", settings.archive, name="project_archive"),
    path("projects/<int:project_id>/reopen/", settings.reopen, name="project_reopen"),
    path("projects/<int:project_id>/delete/", settings.delete, name="project_delete"),
    path("projects/<int:project_id>/questions/new/", questions.question_new, name="question_new"),
    path(
        "projects/<int:project_id>/questions/<int:question_id>/",
        questions.question_edit,
        name="question_edit",
    ),
    path(
        "projects/<int:project_id>/questions/<int:question_id>/stop/",
        questions.question_stop,
        name="question_stop",
    ),
    path("projects/<int:project_id>/guideline/", guideline.guideline, name="guideline"),
    path(
        "projects/<int:project_id>/guideline/<int:version>/",
        guideline.guideline,
        name="guideline_version",
    ),
    path(
        "projects/<int:project_id>/guideline/edit/",
        guideline.guideline_edit,
        name="guideline_edit",
    ),
]
