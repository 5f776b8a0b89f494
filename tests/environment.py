"""Loaded by pytest before the settings are: tests get their own folder, and no setting of yours.

`DATABASE_URL` and `CELERY_BROKER_URL` are kept: they choose what the tests run on.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

KEPT = {"DATABASE_URL", "CELERY_BROKER_URL"}
# What else config/settings.py reads (docs/settings.md).
OWN_SETTINGS = {
    "ALLOWED_HOSTS",
    "BEHIND_PROXY",
    "CONCORD_LOCAL_LLM_KEY",
    "CONCORD_LOCAL_LLM_URL",
    "CONCORD_MODE",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_POOL_MAX",
    "DEBUG",
    "FIELD_KEY",
    "LOG_LEVEL",
    "MAX_UPLOAD_MB",
    "MODEL_DIR",
    "SECRET_KEY",
    "SECRET_KEY_FILE",
    "SECURE_HSTS_SECONDS",
    "SECURE_SSL_REDIRECT",
    "TABLE_CACHE_MB",
    "TIME_ZONE",
    "WORKER_SILENT_AFTER_SECONDS",
}


def _folder() -> Path:
    """Make this process's folder; the processes of pytest-xdist have theirs inside the first's."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker and "CONCORD_TEST_FOLDER" in os.environ:
        folder = Path(os.environ["CONCORD_TEST_FOLDER"]) / worker
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    folder = Path(tempfile.mkdtemp(prefix="concord-tests-"))
    os.environ["CONCORD_TEST_FOLDER"] = str(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


for name in OWN_SETTINGS:
    os.environ.pop(name, None)
FOLDER = _folder()
os.environ["DATA_DIR"] = str(FOLDER)
os.environ["STATIC_ROOT"] = str(FOLDER / "static")
(FOLDER / "static").mkdir(exist_ok=True)
# The providers' own clients must not find a developer's real key.
os.environ.pop("OPENAI_API_KEY", None)
# Two test processes share two cores; the numeric libraries would each take both.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
