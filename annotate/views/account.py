"""One's own account: log-in, name, colours, language, token for the API."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from rest_framework.authtoken.models import Token

from annotate.address import address_of
from annotate.errors import BadInput
from annotate.forms.people import AccountForm, KeysForm
from annotate.languages import language_remember
from annotate.services.accounts import account_change, keys_change, token_renew, token_revoke
from annotate.services.throttle import (
    LOGIN_OF_ADDRESS,
    LOGIN_OF_NAME,
    attempt_check,
    attempt_count,
    attempts_forget,
)
from annotate.views.page import AuthenticatedRequest, render_page

_login = LoginView.as_view(redirect_authenticated_user=True)


@login_not_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def log_in(request: HttpRequest) -> HttpResponseBase:
    """Django's log-in, with attempts counted by address and name, and by address alone."""
    if request.method == "GET":
        return _login(request)
    who = address_of(request)
    name = request.POST.get("username", "").strip().casefold()
    attempt_check(LOGIN_OF_NAME, who, name)
    attempt_check(LOGIN_OF_ADDRESS, who)
    response = _login(request)
    if request.user.is_authenticated:
        attempts_forget(LOGIN_OF_NAME, who, name)
    else:
        attempt_count(LOGIN_OF_NAME, who, name)
        attempt_count(LOGIN_OF_ADDRESS, who)
    return response


@require_http_methods(["GET", "POST"])
def account(request: AuthenticatedRequest) -> HttpResponse:
    user = request.user
    form = _form(request)
    if request.method == "POST" and form.is_valid():
        account_change(user, **form.cleaned_data)
        with override(user.language or get_language()):
            messages.success(request, _("Saved."))
        response = redirect("account")
        # For the pages that are seen before log-in.
        response.set_cookie("theme", user.theme, max_age=31_536_000, samesite="Lax", httponly=True)
        language_remember(response, user.language)
        return response
    return _page(request, form, status=422 if form.errors else 200)


@require_POST
def account_keys(request: AuthenticatedRequest) -> HttpResponse:
    """The person's own keys of the label screen; with ``reset`` the usual ones again."""
    form = KeysForm({} if "reset" in request.POST else request.POST)
    if form.is_valid():
        try:
            keys_change(request.user, form.cleaned_data)
        except BadInput as error:
            form.refuse(error)
        else:
            messages.success(request, _("Saved. They are your keys from the next item on."))
            return redirect(f"{reverse('account')}#keys-of-mine")
    return _page(request, _form(request, bound=False), keys_form=form, status=422)


@never_cache
@require_POST
def token_new(request: AuthenticatedRequest) -> HttpResponse:
    # No redirect: this answer is the one place where the token stands.
    token = token_renew(request.user)
    return _page(request, _form(request, bound=False), token=token)


@require_POST
def token_end(request: AuthenticatedRequest) -> HttpResponse:
    token_revoke(request.user)
    messages.success(request, _("The token is useless from now on."))
    return redirect("account")


def _form(request: AuthenticatedRequest, *, bound: bool = True) -> AccountForm:
    data = request.POST if bound and request.method == "POST" else None
    user = request.user
    return AccountForm(
        data, initial={"name": user.get_full_name(), "theme": user.theme, "language": user.language}
    )


def _page(
    request: AuthenticatedRequest,
    form: AccountForm,
    *,
    token: str = "",
    keys_form: KeysForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "keys_form": keys_form or KeysForm(initial=request.user.keys),
        "kept": Token.objects.filter(user=request.user).first(),
        "token": token,
        "example": 'curl -H "Authorization: Token …" '
        + request.build_absolute_uri("/api/v1/projects/"),
    }
    return render_page(request, "annotate/account.html", context, status=status)
