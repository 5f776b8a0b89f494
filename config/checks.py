"""System checks, one id for each mistake an operator can make."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from judges.providers.addresses import reach_of


@register(Tags.files)
def data_dir_writable(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if os.access(settings.DATA_DIR, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"The data folder {settings.DATA_DIR} cannot be written to.",
            hint="Set DATA_DIR to a folder that the web server and the worker may write to.",
            id="concord.E001",
        )
    ]


@register(Tags.security, deploy=True)
def hosts_named(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if "*" in settings.ALLOWED_HOSTS:
        found.append(
            Warning(
                "ALLOWED_HOSTS admits any host name.",
                hint="Name the hosts people reach Concord by.",
                id="concord.W002",
            )
        )
    if settings.PRODUCTION and not settings.ALLOWED_HOSTS:
        found.append(
            Error(
                "ALLOWED_HOSTS is empty, so every request will be refused.",
                hint="Set ALLOWED_HOSTS, for example ALLOWED_HOSTS=labels.example.org",
                id="concord.E003",
            )
        )
    return found


@register(Tags.database, deploy=True)
def database_fits_production(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    engine = settings.DATABASES["default"]["ENGINE"]
    if engine not in {"django.db.backends.sqlite3", "django.db.backends.postgresql"}:
        return [
            Error(
                f"The database engine {engine} is not supported.",
                hint="Set DATABASE_URL to sqlite:///... or postgres://...",
                id="concord.E004",
            )
        ]
    if settings.PRODUCTION and engine == "django.db.backends.sqlite3":
        return [
            Warning(
                "Production on SQLite: one machine only, one writer at a time.",
                hint="Set DATABASE_URL=postgres://... for a team.",
                id="concord.W005",
            )
        ]
    return []


@register(Tags.compatibility, deploy=True)
def broker_fits_production(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    if settings.PRODUCTION and settings.CELERY_BROKER_URL.startswith("filesystem://"):
        return [
            Warning(
                "Production on the file-backed broker: workers must share this machine.",
                hint="Set CELERY_BROKER_URL=redis://... for workers elsewhere.",
                id="concord.W006",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def field_key_given(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.PRODUCTION and not settings.FIELD_KEY:
        return [
            Warning(
                "FIELD_KEY is not set: provider keys at rest depend on SECRET_KEY.",
                hint="Set FIELD_KEY to a second random string, so that SECRET_KEY can be changed.",
                id="concord.W007",
            )
        ]
    return []


@register(Tags.security)
def private_hosts_make_sense(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    reach, wrong = reach_of(settings.JUDGE_PRIVATE_HOSTS)
    found: list[CheckMessage] = [
        Error(
            f"JUDGE_PRIVATE_HOSTS holds {entry!r}, which is no network and no host name.",
            hint="Name networks (10.20.0.0/16), addresses (10.20.0.7) or hosts (vllm.internal).",
            id="concord.E008",
        )
        for entry in wrong
    ]
    if settings.PRODUCTION and any(network.prefixlen == 0 for network in reach.networks):
        found.append(
            Warning(
                "JUDGE_PRIVATE_HOSTS allows every private address.",
                hint="Whoever owns a project could reach any service inside. Name the ones meant.",
                id="concord.W009",
            )
        )
    return found
