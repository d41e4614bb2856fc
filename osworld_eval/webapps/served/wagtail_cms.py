"""A Wagtail site of articles."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from leash import PASSWORD, main, serve_wsgi

ARTICLES = (
    ("Opening hours", "We are open from nine to five."),
    ("How to find us", "Take tram 4 to the harbour."),
    ("Old announcement", "The fair of last year is over."),
)


def configure(folder: Path, port: int = 0) -> None:
    """Settings of a small Wagtail project."""
    import django

    wagtail = ("contrib.forms", "contrib.redirects", "embeds", "sites", "users", "snippets", "documents", "images")
    wagtail += ("search", "admin")
    settings.configure(
        DEBUG=True,
        SECRET_KEY="only for a throw-away server on loopback",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="wagtail_cms_urls",
        INSTALLED_APPS=[
            "articles",
            *(f"wagtail.{name}" for name in wagtail),
            "wagtail",
            "modelcluster",
            "taggit",
            *(f"django.contrib.{n}" for n in ("auth", "contenttypes", "sessions", "messages", "staticfiles")),
        ],
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
        MEDIA_ROOT=folder / "media",
        USE_TZ=True,
        WAGTAIL_SITE_NAME="Harbour office",
        WAGTAIL_AUTOSAVE_INTERVAL=0,  # saved is what somebody saves; two writers also lock SQLite
        WAGTAILADMIN_BASE_URL=f"http://127.0.0.1:{port}",
        WAGTAIL_ENABLE_UPDATE_CHECK=False,
        WAGTAIL_ENABLE_WHATS_NEW_BANNER=False,
    )
    django.setup()


def prepare(folder: Path) -> None:
    """A superuser `operator` and three articles under the home page."""
    configure(folder)
    from articles.models import ArticlePage
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from wagtail.models import Page

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("operator", "operator@example.org", PASSWORD)
    home = Page.objects.get(depth=2)
    home.title = home.draft_title = "Harbour office"
    home.save()
    for title, body in ARTICLES:
        home.add_child(instance=ArticlePage(title=title, body=body)).save_revision().publish()


def serve(folder: Path, port: int) -> None:
    """The editor's side at `/admin/`."""
    configure(folder, port)
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.wsgi import get_wsgi_application

    serve_wsgi(StaticFilesHandler(get_wsgi_application()), port)


main(prepare, serve)
