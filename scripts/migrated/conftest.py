"""Django with an SQLite database, for the packages under trial. No settings module: it is all here."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    NINJA_FIX_REQUEST_FILES_METHODS={"PUT", "PATCH"},
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF="urls",
    SECRET_KEY="for tests alone",  # signs nothing that leaves them
    STRAWBERRY_DJANGO={"USE_DEPRECATED_FILTERS": False},
)
django.setup()

# The copies under trial are first on the path; those of the environment are there for their dependencies.
for package in ("channels", "daphne", "ninja", "strawberry_django"):
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).is_relative_to(os.environ["TRIAL"]), spec.origin
