"""A ticket desk: look through what people want, hand it to a colleague, note something down, answer."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[3])

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tasks.sites.common.office import Office, run

__all__ = ["main"]

STATES = ("Open", "Waiting", "Solved")
PRIORITIES = ("Low", "Normal", "High", "Urgent")
PEOPLE = ("Nobody", "Ada", "Bela", "Chidi")
_SUBJECTS = (
    "Printer on floor 3 prints blank pages",
    "Cannot sign in after holidays",
    "New laptop for Zoë",
    "Projector remote is lost",
    "Mailbox is full",
    "Door badge stopped working",
    "Spreadsheet opens read only",
    "Phone line crackles",
)
_PERSONS = ("Noor Haddad", "Tom Baker", "Zoë Lang", "Ines Moreau", "Jakub Novák", "Mei Lin", "Otto Brandt", "Rosa Díaz")


def begin(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Eight tickets, one of them urgent."""
    dice = random.Random(seed)
    subjects, persons = dice.sample(_SUBJECTS, len(_SUBJECTS)), dice.sample(_PERSONS, len(_PERSONS))
    urgent = dice.randrange(len(subjects))
    return {
        "ticket": [
            {
                "subject": subject,
                "by": by,
                "state": "Open",
                "owner": "Nobody",
                "notes": [],
                "replies": [],
                "priority": "Urgent" if n == urgent else dice.choice(PRIORITIES[:3]),
            }
            for n, (subject, by) in enumerate(zip(subjects, persons, strict=True))
        ]
    }


class Helpdesk:
    """The pages."""

    def __init__(self, office: Office) -> None:
        self._office, self._records = office, office.records

    def routes(self) -> Sequence[Route]:
        """Every address of the site."""
        return (
            Route("/", self.tickets),
            Route("/tickets/{number:int}", self.ticket),
            Route("/tickets/{number:int}/update", self.update, methods=["POST"]),
            Route("/tickets/{number:int}/note", self.note, methods=["POST"]),
            Route("/tickets/{number:int}/reply", self.reply, methods=["POST"]),
        )

    async def tickets(self, request: Request) -> Response:
        """All tickets, or those of one state and priority."""
        state, priority = request.query_params.get("state", ""), request.query_params.get("priority", "")
        found = [
            one
            for one in self._records.all("ticket")
            if state in ("", "Any", one["state"]) and priority in ("", "Any", one["priority"])
        ]
        shown = {"tickets": found, "states": STATES, "priorities": PRIORITIES, "state": state, "priority": priority}
        return self._office.page(request, "tickets.html", **shown)

    async def ticket(self, request: Request) -> Response:
        """One ticket with its forms."""
        ticket = self._records.get("ticket", request.path_params["number"])
        return self._office.page(request, "ticket.html", ticket=ticket, states=STATES, people=PEOPLE)

    async def update(self, request: Request) -> Response:
        """Who looks after it and how far it is."""
        given, number = self._office.form(request), request.path_params["number"]
        if given.get("state") not in STATES or given.get("owner") not in PEOPLE:
            raise HTTPException(400)
        self._records.change("ticket", number, state=given["state"], owner=given["owner"])
        return self._office.done(
            request, "update", f"/tickets/{number}?note=Ticket {number} is up to date", ticket=number, **given
        )

    async def note(self, request: Request) -> Response:
        """A remark for colleagues."""
        return self._written(request, "notes", "note", "Note kept")

    async def reply(self, request: Request) -> Response:
        """An answer that goes out to the person."""
        return self._written(request, "replies", "send", "Reply sent")

    def _written(self, request: Request, where: str, effect: str, note: str) -> Response:
        number = request.path_params["number"]
        text = self._office.form(request).get("text", "")
        if not text:
            raise HTTPException(400)
        ticket = self._records.get("ticket", number)
        self._records.change("ticket", number, **{where: [*ticket[where], text]})
        return self._office.done(request, effect, f"/tickets/{number}?note={note}", ticket=number, text=text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the ticket desk."""
    menu = {"Tickets": "/", "Open": "/?state=Open", "Solved": "/?state=Solved"}
    run("helpdesk", "Ask Us", menu, Path(__file__).parent, begin, lambda office: Helpdesk(office).routes(), arguments)


if __name__ == "__main__":
    main()
