"""Settings: SQLite in one file, no secrets, everything local."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

BASE_DIR: Final = Path(__file__).parents[1]

SECRET_KEY = "an example has no secrets"  # noqa: S105 - it has none
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]

INSTALLED_APPS = [
    "django.contrib.sessions",
    "channels",
    "catalogue",
]

MIDDLEWARE = [
    "library_site.middleware.request_number",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "library_site.middleware.Language",
    "library_site.middleware.threads",
]

ROOT_URLCONF = "library_site.urls"
ASGI_APPLICATION = "library_site.asgi.application"
WSGI_APPLICATION = "library_site.wsgi.application"

DATABASE: Final = os.environ.get("LIBRARY_SITE_DATABASE", str(BASE_DIR / "library.sqlite3"))
# Any: Django's own type for it.
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATABASE,
        "OPTIONS": {
            # Writers wait for each other (seconds), from the first statement of a transaction on.
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
        # In a file as well: unlike a database in memory it has a lock that waits, and connections
        # that can be closed.
        "TEST": {"NAME": str(Path(DATABASE).with_suffix(".test.sqlite3"))},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# In this process: enough for one server.
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

LANGUAGES = [("en", "English"), ("de", "German"), ("fr", "French")]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

TEST_RUNNER = "library_site.runner.LimitedRunner"
