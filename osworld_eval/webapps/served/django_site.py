"""The settings that every Django project here shares, its first user, and serving it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from leash import PASSWORD, serve_wsgi

__all__ = ["configure", "migrate", "serve"]

CONTRIB = ("auth", "contenttypes", "sessions", "messages", "staticfiles")
_MIDDLEWARE = (
    "sessions.middleware.SessionMiddleware",
    "auth.middleware.AuthenticationMiddleware",
    "messages.middleware.MessageMiddleware",
)


def configure(folder: Path, urls: str, apps: list[str], **more: Any) -> None:
    """A project of `apps` beside Django's usual ones, with its database in `folder`; `more` are settings of its own."""
    import django

    processors = ("template.context_processors.request", "contrib.auth.context_processors.auth")
    processors += ("contrib.messages.context_processors.messages",)
    templates = {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": [f"django.{name}" for name in processors]},
    }
    sessions, auth, messages = (f"django.contrib.{name}" for name in _MIDDLEWARE)
    common = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
    settings.configure(
        DEBUG=True,
        SECRET_KEY="only for a throw-away server on loopback",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=urls,
        INSTALLED_APPS=[*apps, *(f"django.contrib.{name}" for name in CONTRIB)],
        MIDDLEWARE=[sessions, *common, auth, messages],
        TEMPLATES=[templates],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "app.db"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        STATIC_URL="/static/",
        USE_TZ=True,
        **more,
    )
    django.setup()


def migrate() -> None:
    """An empty database with the superuser `operator`."""
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("operator", "operator@example.org", PASSWORD)


def serve(port: int) -> None:
    """Serve the configured project until SIGTERM."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.wsgi import get_wsgi_application

    serve_wsgi(StaticFilesHandler(get_wsgi_application()), port)
