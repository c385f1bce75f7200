# Copyright: barehost.web contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of the project. What differs from host to host comes from the environment:

* ``POLLS_SECRET_KEY``: signs sessions and forms
* ``POLLS_ALLOWED_HOSTS``: host names, with commas between them
* ``POLLS_DATABASE``: file of the database
* ``POLLS_STATIC_URL``: address of the static files, ``/static/`` unless it is set
* ``POLLS_STATIC_ROOT``: folder that ``collectstatic`` fills; ``static`` beside ``manage.py`` unless it is set
* ``POLLS_DEBUG``: ``1`` on a developer's own machine
"""

from __future__ import annotations

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ["POLLS_SECRET_KEY"]
DEBUG = os.environ.get("POLLS_DEBUG") == "1"
ALLOWED_HOSTS = [name.strip() for name in os.environ.get("POLLS_ALLOWED_HOSTS", "").split(",") if name.strip()]

INSTALLED_APPS = [
    "polls",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("POLLS_DATABASE", BASE_DIR / "polls.sqlite3"),
        # Writers wait for each other instead of failing when both have read before.
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 10},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# Not derived from a request: Django would keep for good what it saw in the first one, and that may come from the host
# itself, which asks whether the project is ready and knows of no path that it is served below.
STATIC_URL = os.environ.get("POLLS_STATIC_URL", "/static/")
STATIC_ROOT = BASE_DIR / os.environ.get("POLLS_STATIC_ROOT", "static")
# The name of a file changes with its content: browsers may keep it for ever.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage."
        + ("StaticFilesStorage" if DEBUG else "ManifestStaticFilesStorage")
    },
}

# Cookies of this project's own, beside others on the same host name.
SESSION_COOKIE_NAME = "polls_session"
CSRF_COOKIE_NAME = "polls_token"
