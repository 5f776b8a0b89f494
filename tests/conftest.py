"""What holds for every test: its own database and folder, no network, cheap passwords."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import hypothesis
import pytest
from django.conf import settings

from tests.environment import FOLDER

ON_CI = bool(os.environ.get("CI"))

# --- Settings that differ in tests ------------------------------------------------------------

settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Pages are asked for without collecting static files first.
settings.STORAGES = {
    **settings.STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# A test database need not survive a power cut.
_options = settings.DATABASES["default"].get("OPTIONS", {})
if "init_command" in _options:
    _options["init_command"] = _options["init_command"].replace(
        "synchronous=NORMAL", "synchronous=OFF"
    )

hypothesis.settings.register_profile(
    "concord",
    deadline=None,  # a busy machine is no failure
    print_blob=True,
    # A random find on CI would stop somebody else's change; at home each run looks elsewhere.
    derandomize=ON_CI,
    database=None,
)
hypothesis.settings.load_profile("concord")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """On CI nothing is skipped: what could not run there has not been tested anywhere."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if ON_CI and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return (yield)


# --- Database ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Name the test database.

    SQLite: a file, not memory, since the live server's threads and real processes open it too.
    PostgreSQL: CONCORD_TEST_DB_SUFFIX keeps two people on one server apart.
    """
    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database["TEST"]["NAME"] = str(FOLDER / "test.sqlite3")
        return
    name = database["TEST"].get("NAME") or f"test_{database['NAME']}"
    database["TEST"]["NAME"] = name + os.environ.get("CONCORD_TEST_DB_SUFFIX", "")


def _database_url() -> str:
    from django.db import connection

    now = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{now['NAME']}"
    person = quote(now["USER"] or "", safe="")
    if now["PASSWORD"]:
        person += f":{quote(now['PASSWORD'], safe='')}"
    port = f":{now['PORT']}" if now["PORT"] else ""
    return f"postgres://{person}@{now['HOST'] or 'localhost'}{port}/{now['NAME']}"


@pytest.fixture
def process_env(transactional_db: None) -> dict[str, str]:
    """Environment in which a real process (manage.py, a worker) works on this test's database."""
    return {
        **os.environ,
        "DATABASE_URL": _database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


# --- Files ------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> None:
    """Give each test an empty folder of files, so that none finds another's."""
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.TABLE_DIR = tmp_path / "tables"


# --- Network ----------------------------------------------------------------------------------


class NetworkUsed(Exception):
    """A test reached for another machine. No OSError: the code under test must not swallow it."""


def _allowed_hosts() -> set[str]:
    named = {urlsplit(os.environ.get(name, "")).hostname for name in ("CELERY_BROKER_URL",)}
    return {"localhost", "", "0.0.0.0", "::"} | {host for host in named if host}  # noqa: S104


def _is_allowed(host: object, allowed: set[str]) -> bool:
    if host is None:
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    if text in allowed:
        return True
    try:
        return ipaddress.ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _network_off() -> Iterator[None]:
    """Let sockets reach this machine only (and the broker that CELERY_BROKER_URL names)."""
    allowed = _allowed_hosts()
    real_connect, real_connect_ex = socket.socket.connect, socket.socket.connect_ex
    real_getaddrinfo = socket.getaddrinfo

    def check(host: object) -> None:
        if not _is_allowed(host, allowed):
            raise NetworkUsed(f"A test asked for {host!r}; tests use this machine only.")

    def connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple):
            check(address[0])
        real_connect(self, address)

    def connect_ex(self: socket.socket, address: Any) -> int:
        if isinstance(address, tuple):
            check(address[0])
        return real_connect_ex(self, address)

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        check(host)
        return real_getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        patch.setattr(socket.socket, "connect_ex", connect_ex)
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield
