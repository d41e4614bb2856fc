"""An Otter Wiki: pages in a git repository, users in SQLite."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from pathlib import Path

from leash import PASSWORD, main, serve_wsgi

PAGES = {
    "home.md": "# Home\n\nWelcome to the wiki of the harbour office.\n",
    "cranes.md": "# Cranes\n\nCrane 2 is under repair.\n",
    "tides.md": "# Tides\n\nHigh water at noon.\n",
}


def configure(folder: Path) -> None:
    """Settings, read by the application when it is imported."""
    os.environ.update(
        REPOSITORY=str(folder / "pages"),
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder / 'app.db'}",
        SECRET_KEY="only for a throw-away server on loopback",
        SITE_NAME="Harbour wiki",
        READ_ACCESS="ANONYMOUS",
        WRITE_ACCESS="REGISTERED",
        ATTACHMENT_ACCESS="REGISTERED",
        COMMIT_MESSAGE="OPTIONAL",
        LOG_LEVEL="ERROR",
        LOG_LEVEL_WERKZEUG="ERROR",
    )


def prepare(folder: Path) -> None:
    """A user `operator@example.org` and three pages."""
    pages = folder / "pages"
    pages.mkdir()
    for name, text in PAGES.items():
        (pages / name).write_text(text)
    git = ["git", "-C", str(pages), "-c", "user.name=operator", "-c", "user.email=operator@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first pages"]):
        subprocess.run([*git, *words], check=True)
    configure(folder)
    from otterwiki import views  # noqa: F401  (the package imports itself in a circle; this is the end to begin at)
    from otterwiki.models import User
    from otterwiki.server import app, db
    from werkzeug.security import generate_password_hash

    now = dt.datetime.now(dt.UTC)
    with app.app_context():
        db.session.add(
            User(
                name="operator",
                email="operator@example.org",
                password_hash=generate_password_hash(PASSWORD, method="scrypt"),
                first_seen=now,
                last_seen=now,
                is_approved=True,
                is_admin=True,
                email_confirmed=True,
                allow_read=True,
                allow_write=True,
                allow_upload=True,
            )
        )
        db.session.commit()


def serve(folder: Path, port: int) -> None:
    """The wiki at `/`."""
    configure(folder)
    from otterwiki.views import app

    serve_wsgi(app, port)


main(prepare, serve)
