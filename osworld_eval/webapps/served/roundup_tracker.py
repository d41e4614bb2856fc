"""Roundup's classic issue tracker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from leash import PASSWORD, main, serve_wsgi

ISSUES = ("Printer on floor two jams", "Door of room 204 squeaks", "Lamp in the stairwell is broken")


def prepare(folder: Path) -> None:
    """An administrator, a user `operator` and three open issues."""
    home = folder / "tracker"
    admin = str(Path(sys.executable).with_name("roundup-admin"))
    subprocess.run([admin, "-i", str(home), "install", "classic", "sqlite"], check=True, stdout=subprocess.DEVNULL)
    _set(
        home / "config.ini", {"web": "http://127.0.0.1:8000/", "email": "tracker@example.org", "domain": "example.org"}
    )
    subprocess.run([admin, "-i", str(home), "initialise", PASSWORD], check=True, stdout=subprocess.DEVNULL)
    from roundup import instance, password

    db = instance.open(str(home)).open("admin")
    secret = password.Password(PASSWORD, config=db.config)
    db.user.create(username="operator", password=secret, roles="User", address="operator@example.org")
    chatting = db.status.lookup("chatting")
    for title in ISSUES:
        db.issue.create(title=title, priority=db.priority.lookup("bug"), status=chatting)
    db.commit()
    db.close()


def serve(folder: Path, port: int) -> None:
    """The tracker at `/`, writing its mail into a file."""
    from roundup.cgi.wsgi_handler import RequestDispatcher

    home = folder / "tracker"
    os.environ["SENDMAILDEBUG"] = str(folder / "mail.txt")
    _set(home / "config.ini", {"web": f"http://127.0.0.1:{port}/"})
    serve_wsgi(RequestDispatcher(str(home)), port)


def _set(config: Path, wanted: dict[str, str]) -> None:
    """Set options of `config.ini` where they stand, commented out or not; the first of each name alone."""
    lines = config.read_text().splitlines()
    for name, value in wanted.items():
        place = next(n for n, line in enumerate(lines) if line.lstrip("#").split("=")[0].strip() == name)
        lines[place] = f"{name} = {value}"
    config.write_text("\n".join(lines) + "\n")


main(prepare, serve)
