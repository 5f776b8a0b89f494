"""Settings of Concord, driven by the environment. Every variable is listed in docs/settings.md.

Two modes. ``local`` (the default) is one machine on loopback with nothing installed: SQLite, a
file-backed broker, a secret made at the first start. ``production`` starts only when told its
secret and its hosts, and is secure by default.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
VERSION = "0.1.0"

# --- Mode -----------------------------------------------------------------------------------

MODE = env.str("CONCORD_MODE", default="local")
if MODE not in {"local", "production"}:
    raise ImproperlyConfigured(
        f"CONCORD_MODE is {MODE!r}; it must be 'local' (one machine, loopback) or 'production'."
    )
PRODUCTION = MODE == "production"
DEBUG = env.bool("DEBUG", default=False)
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("DEBUG must be off when CONCORD_MODE is 'production'.")

# --- Files ----------------------------------------------------------------------------------

# Uploads, exports, the SQLite database, the file-backed broker, fetched models.
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).expanduser().resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)
MEDIA_ROOT = DATA_DIR / "files"
MODEL_DIR = Path(env.str("MODEL_DIR", default=str(DATA_DIR / "models"))).expanduser()
MAX_UPLOAD_MB = env.int("MAX_UPLOAD_MB", default=1024)
TABLE_DIR = DATA_DIR / "tables"
TABLE_CACHE_MB = env.int("TABLE_CACHE_MB", default=1000)
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_TEMP_DIR = str(DATA_DIR / "incoming")
FILE_UPLOAD_PERMISSIONS = 0o600
Path(FILE_UPLOAD_TEMP_DIR).mkdir(parents=True, exist_ok=True)
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024

# --- Secret ---------------------------------------------------------------------------------


def _secret_key() -> str:
    """Return the signing secret: from the environment, from a file, or (local only) made once.

    Raises ImproperlyConfigured in production when none is given, or one too weak to be random.
    """
    given = env.str("SECRET_KEY", default="")
    named_file = env.str("SECRET_KEY_FILE", default="")
    if not given and named_file:
        given = Path(named_file).read_text(encoding="utf-8").strip()
    if PRODUCTION:
        if len(given) < 50 or len(set(given)) < 5 or given.startswith("django-insecure"):
            raise ImproperlyConfigured(
                "SECRET_KEY is missing or too weak for production. Make one with "
                "`python -c 'import secrets; print(secrets.token_urlsafe(64))'` and set SECRET_KEY "
                "or SECRET_KEY_FILE."
            )
        return str(given)
    if given:
        return str(given)
    kept = DATA_DIR / "secret_key"
    try:
        # Exclusive creation: the web server and the worker may start at the same moment.
        with kept.open("x", encoding="utf-8") as file:
            kept.chmod(0o600)
            file.write(secrets.token_urlsafe(64))
    except FileExistsError:
        pass
    return kept.read_text(encoding="utf-8").strip() or secrets.token_urlsafe(64)


SECRET_KEY = _secret_key()
# Provider keys typed into the browser are encrypted with this; it outlives SECRET_KEY changes.
FIELD_KEY = env.str("FIELD_KEY", default="")

# --- Web ------------------------------------------------------------------------------------

ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"]
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "config.apps.ConfigConfig",
    "annotate.apps.AnnotateConfig",
    "judges.apps.JudgesConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "django_htmx",
    "template_partials",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "annotate.middleware.LanguageMiddleware",
    "annotate.middleware.ConcordErrorMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "annotate.context.page",
            ],
            "builtins": ["annotate.templatetags.written"],
        },
    },
]

# --- Database -------------------------------------------------------------------------------

DATABASES = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'concord.sqlite3'}")
}
_database = DATABASES["default"]
_database["ATOMIC_REQUESTS"] = False
if _database["ENGINE"] == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        # Writers queue for the lock when the transaction begins instead of failing in its middle.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728; "
            "PRAGMA cache_size=-20000; PRAGMA temp_store=MEMORY;"
        ),
    }
elif _database["ENGINE"] == "django.db.backends.postgresql":
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "pool": {
            "min_size": 1,
            "max_size": env.int("DATABASE_POOL_MAX", default=16),
            "timeout": 30,
        },
    }

# --- People and log-in ----------------------------------------------------------------------

AUTH_USER_MODEL = "annotate.User"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# --- Security -------------------------------------------------------------------------------

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "config.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Static files ---------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "config.static_files.OneSheetStorage"
        )
    },
}

# --- Language and time ----------------------------------------------------------------------

LANGUAGE_CODE = "en"
# Each in its own words. docs/languages.md says how to add one.
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("zh-hans", "简体中文")]
FORMAT_MODULE_PATH = ["config.formats"]
LANGUAGE_COOKIE_AGE = 31_536_000
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = PRODUCTION
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True
LOCALE_PATHS = [BASE_DIR / "locale"]

# --- Background work ------------------------------------------------------------------------

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # the row is the truth: a lost message is sent again by the sweeper
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
if CELERY_BROKER_URL.startswith("filesystem://"):
    CELERY_BROKER_TRANSPORT = "config.broker:Transport"
    _broker = DATA_DIR / "broker"
    for _folder in ("messages", "control"):
        (_broker / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_broker / "messages"),
        "data_folder_out": str(_broker / "messages"),
        "control_folder": str(_broker / "control"),
        # Kombu polls once a second by default; a person waits for the first sign of a job.
        "polling_interval": 0.1,
    }
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "annotate.sweep", "schedule": 15.0, "options": {"expires": 30}},
    "watches": {"task": "judges.watch", "schedule": 600.0, "options": {"expires": 600}},
    "batches": {"task": "judges.sweep", "schedule": 30.0, "options": {"expires": 60}},
}
WORKER_SILENT_AFTER_SECONDS = env.int("WORKER_SILENT_AFTER_SECONDS", default=45)

# --- REST API -------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "annotate.api.tokens.TokenLogIn",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["annotate.api.bodies.JsonBody"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "annotate.api.bodies.AnyAccept",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_VERSIONING_CLASS": None,
    "EXCEPTION_HANDLER": "annotate.api.problems.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Concord API",
    "DESCRIPTION": "Items, labels, judge runs, rulings and exports, by the rules of the screens.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "QuestionKindEnum": "annotate.models.QuestionKind",
        "RulingReasonEnum": "annotate.models.RulingReason",
        "HandOverStateEnum": "judges.models.HandOverState",
    },
}

# --- Local language model -------------------------------------------------------------------

# `manage.py serve --local-llm` hands both to what it starts, and leaves them in the data folder
# while it runs, so that commands in another terminal reach the same model. Empty: none is served.
LOCAL_LLM_FILE = DATA_DIR / "local_llm.json"


def _local_llm() -> tuple[str, str]:
    url, key = env.str("CONCORD_LOCAL_LLM_URL", default=""), ""
    if url:
        return url, env.str("CONCORD_LOCAL_LLM_KEY", default="")
    try:
        served = json.loads(LOCAL_LLM_FILE.read_text(encoding="utf-8"))
        url, key = str(served["url"]), str(served["key"])
    except (OSError, ValueError, LookupError, TypeError):
        pass
    return url, key


LOCAL_LLM_URL, LOCAL_LLM_KEY = _local_llm()

# --- Judges ---------------------------------------------------------------------------------

# Networks, addresses and host names inside the operator's network at which judges may be asked.
# Owners of projects choose the addresses; what is not public is closed to them unless named here.
JUDGE_PRIVATE_HOSTS = env.list(
    "JUDGE_PRIVATE_HOSTS", default=[] if PRODUCTION else ["127.0.0.0/8", "::1/128"]
)

# --- Logging --------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
    # At DEBUG these would write what is sent (texts of items) and what endpoints answer.
    "loggers": {
        name: {"level": "WARNING"} for name in ("anthropic", "httpcore2", "httpx2", "openai")
    },
}
