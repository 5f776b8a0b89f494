"""Wiring: settings, addresses, the Celery app, system checks. May import everything."""

from __future__ import annotations

from config.celery import app as celery_app

__all__ = ["celery_app"]
