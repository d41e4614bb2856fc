"""A Wagtail site of articles."""

from __future__ import annotations

from pathlib import Path

import django_site
from leash import main

ARTICLES = (
    ("Opening hours", "We are open from nine to five."),
    ("How to find us", "Take tram 4 to the harbour."),
    ("Old announcement", "The fair of last year is over."),
)


def configure(folder: Path, port: int = 0) -> None:
    """A small Wagtail project."""
    parts = ("contrib.forms", "contrib.redirects", "embeds", "sites", "users", "snippets", "documents", "images")
    parts += ("search", "admin")
    django_site.configure(
        folder,
        "wagtail_cms_urls",
        ["articles", *(f"wagtail.{name}" for name in parts), "wagtail", "modelcluster", "taggit"],
        MEDIA_ROOT=folder / "media",
        WAGTAIL_SITE_NAME="Harbour office",
        WAGTAIL_AUTOSAVE_INTERVAL=0,  # saved is what somebody saves; two writers also lock SQLite
        WAGTAILADMIN_BASE_URL=f"http://127.0.0.1:{port}",
        WAGTAIL_ENABLE_UPDATE_CHECK=False,
        WAGTAIL_ENABLE_WHATS_NEW_BANNER=False,
    )


def prepare(folder: Path) -> None:
    """A superuser `operator` and three articles under the home page."""
    configure(folder)
    django_site.migrate()
    from articles.models import ArticlePage
    from wagtail.models import Page

    home = Page.objects.get(depth=2)
    home.title = home.draft_title = "Harbour office"
    home.save()
    for title, body in ARTICLES:
        home.add_child(instance=ArticlePage(title=title, body=body)).save_revision().publish()


def serve(folder: Path, port: int) -> None:
    """The editor's side at `/admin/`."""
    configure(folder, port)
    django_site.serve(port)


main(prepare, serve)
