"""Django's own admin over its users and groups."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from leash import PASSWORD, main, serve_wsgi

PEOPLE = ("alan", "barbara", "edsger", "mallory")


def configure(folder: Path) -> None:
    """Settings of a project without an application of its own."""
    import django

    settings.configure(
        DEBUG=True,
        SECRET_KEY="only for a throw-away server on loopback",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="django_admin_urls",
        INSTALLED_APPS=[f"django.contrib.{name}" for name in _APPS],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
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
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "app.db"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        STATIC_URL="/static/",
        USE_TZ=True,
    )
    django.setup()


_APPS = ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")


def prepare(folder: Path) -> None:
    """A superuser `operator`, four people, two groups."""
    configure(folder)
    from django.contrib.auth.models import Group, Permission, User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("operator", "operator@example.org", PASSWORD)
    for name in PEOPLE:
        User.objects.create_user(name, f"{name}@example.org", PASSWORD)
    editors = Group.objects.create(name="Editors")
    editors.permissions.add(Permission.objects.get(codename="view_user"))
    Group.objects.create(name="Readers")
    User.objects.get(username="alan").groups.add(editors)


def serve(folder: Path, port: int) -> None:
    """The admin at `/admin/`."""
    configure(folder)
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.wsgi import get_wsgi_application

    serve_wsgi(StaticFilesHandler(get_wsgi_application()), port)


main(prepare, serve)
