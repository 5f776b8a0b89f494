"""All addresses: log-in, the screens, the API."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularAPIView

from annotate.api.nowhere import Nowhere

urlpatterns: list[URLPattern | URLResolver] = [
    # Log-in is annotate's, which counts attempts. No reset by e-mail: an operator sets a new
    # password with `manage.py changepassword`.
    path("account/logout/", auth.LogoutView.as_view(), name="logout"),
    path("account/password/", auth.PasswordChangeView.as_view(), name="password_change"),
    path(
        "account/password/done/",
        auth.PasswordChangeDoneView.as_view(),
        name="password_change_done",
    ),
    path("api/v1/", include("annotate.api.urls")),
    path("api/v1/", include("judges.api.urls")),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="api_schema"),
    re_path(r"^api/", Nowhere.as_view(), name="api_nowhere"),
    path("", include("annotate.urls")),
    path("", include("judges.urls")),
]

if settings.DEBUG:
    from config.styleguide import sample

    urlpatterns += [
        path(
            "styleguide/",
            login_not_required(
                TemplateView.as_view(
                    template_name="styleguide.html", extra_context={"style": sample()}
                )
            ),
            name="styleguide",
        )
    ]
