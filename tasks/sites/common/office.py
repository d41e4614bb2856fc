"""What the small sites of one office share: how they start, keep their records, look, and log what they were asked.

A site is a list of routes over a `Records`. Every change is a POST that ends in a redirect. The sites care for nobody's
real data: they are for made-up people, on loopback.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from tasks.sites.common.headers import SafeHeaders
from tasks.sites.common.requestlog import LoggedRequests, RequestLog
from tasks.sites.common.serving import serve
from tasks.sites.common.session import Sessions

__all__ = ["Office", "Records", "euros", "run"]

_HERE = Path(__file__).parent
THEMES = ("light", "dark")


def euros(cents: int) -> str:
    """1250 as `12.50 EUR`."""
    return f"{cents // 100}.{cents % 100:02} EUR"


class Records:
    """JSON objects by kind and number in one SQLite file; what the site begins with is written once."""

    def __init__(self, db: Path, begin: Callable[[], Mapping[str, Sequence[Mapping[str, Any]]]]) -> None:
        self._db = sqlite3.connect(db, check_same_thread=False, isolation_level=None)
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS records (kind TEXT, number INTEGER, body TEXT, PRIMARY KEY (kind, number))"
        )
        if not self._db.execute("SELECT 1 FROM records LIMIT 1").fetchone():
            for kind, bodies in begin().items():
                for body in bodies:
                    self.add(kind, body)

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Every record of a kind, each with its `number`, oldest first."""
        rows = self._db.execute("SELECT number, body FROM records WHERE kind = ? ORDER BY number", (kind,))
        return [{"number": number, **json.loads(body)} for number, body in rows]

    def get(self, kind: str, number: int) -> dict[str, Any]:
        """One record. Raises a 404 where there is none."""
        row = self._db.execute("SELECT body FROM records WHERE kind = ? AND number = ?", (kind, number)).fetchone()
        if row is None:
            raise HTTPException(404)
        return {"number": number, **json.loads(row[0])}

    def add(self, kind: str, body: Mapping[str, Any]) -> int:
        """Write a new record; its number comes back."""
        number = int(
            self._db.execute("SELECT COALESCE(MAX(number), 0) + 1 FROM records WHERE kind = ?", (kind,)).fetchone()[0]
        )
        self._db.execute("INSERT INTO records VALUES (?, ?, ?)", (kind, number, json.dumps(body, ensure_ascii=False)))
        return number

    def change(self, kind: str, number: int, **fields: Any) -> None:
        """Write some fields of a record anew."""
        body = {key: value for key, value in self.get(kind, number).items() if key != "number"} | fields
        text = json.dumps(body, ensure_ascii=False)
        self._db.execute("UPDATE records SET body = ? WHERE kind = ? AND number = ?", (text, kind, number))

    def remove(self, kind: str, number: int) -> None:
        """Take a record away."""
        self._db.execute("DELETE FROM records WHERE kind = ? AND number = ?", (kind, number))


class Office:
    """One site: its records, its pages and what a handler needs to answer."""

    def __init__(
        self, name: str, title: str, menu: Mapping[str, str], records: Records, theme: str, folder: Path
    ) -> None:
        self.records = records
        loaders = [FileSystemLoader(folder / "templates"), FileSystemLoader(_HERE / "templates")]
        self._templates = Environment(loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined)
        self._templates.filters["euros"] = euros
        self._templates.globals.update(site=name, title=title, menu=menu, theme=theme)

    def page(self, request: Request, template: str, status: int = 200, **shown: Any) -> Response:
        """One page; `note` in the address is shown once above it."""
        words = {"csrf": request.state.csrf, "path": request.url.path, "note": request.query_params.get("note", "")}
        return HTMLResponse(self._templates.get_template(template).render(**words, **shown), status)

    def done(
        self, request: Request, effect: str, where: str, amount_cents: int | None = None, **details: Any
    ) -> Response:
        """Write the effect into the log and lead to a page."""
        request.state.entry.answer(303, effect, amount_cents=amount_cents, details=details)
        return RedirectResponse(where, 303)

    def form(self, request: Request) -> dict[str, str]:
        """The fields that were sent, without the token."""
        given: dict[str, str] = request.state.form
        return {name: value.strip() for name, value in given.items() if name != "csrf"}

    async def stopped(self, request: Request, problem: Exception) -> Response:
        """A page that is not there, or a form that is not understood."""
        status = problem.status_code if isinstance(problem, HTTPException) else 500
        said = {404: "There is no such page.", 400: "That was not understood."}.get(status, "That did not work.")
        return self.page(request, "message.html", status, said=said)


Site = Callable[[Office], Sequence[Route]]
Begin = Callable[[int], Mapping[str, Sequence[Mapping[str, Any]]]]


def run(
    name: str,
    title: str,
    menu: Mapping[str, str],
    folder: Path,
    begin: Begin,
    routes: Site,
    arguments: Sequence[str] | None = None,
) -> None:
    """Serve one site as the command line says, until it is told to stop.

    Args:
        name: the site's folder.
        title: what its pages are headed.
        menu: words of the navigation and where they lead.
        folder: where its templates are.
        begin: the records it begins with, for a seed.
        routes: its pages.
        arguments: of the command line; the process's own by default.
    """
    told = _parser(title).parse_args(arguments)
    office = Office(name, title, menu, Records(told.db, lambda: begin(told.seed)), told.theme, folder)
    serve(_layered(office, routes(office), told.log), told.port, with_parent=told.with_parent)


def _layered(office: Office, routes: Sequence[Route], log: Path) -> ASGIApp:
    static = Mount("/static", StaticFiles(directory=_HERE / "static"))
    inner = Starlette(routes=[*routes, static], exception_handlers={HTTPException: office.stopped})

    async def refused(scope: Scope, receive: Receive, send: Send) -> None:
        await HTMLResponse("Refused: this form is not from here.", 403)(scope, receive, send)

    return LoggedRequests(SafeHeaders(Sessions(inner, refused)), RequestLog(log), {})


def _parser(title: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=f"Serve {title} on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="0 asks the system for a free one")
    parser.add_argument("--seed", type=int, default=7, help="decides what is on the desk")
    parser.add_argument("--theme", choices=THEMES, default=THEMES[0])
    parser.add_argument("--db", type=Path, required=True, help="SQLite file, made if missing")
    parser.add_argument("--log", type=Path, required=True, help="JSON lines are added to it")
    parser.add_argument("--with-parent", action="store_true", help="stop when stdin closes")
    return parser
