"""An inbox of invoices: read them, register them with a cost centre, or question them."""

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

CENTRES = ("100 Office", "200 Travel", "300 Machines", "400 Software")
REASONS = ("Wrong amount", "Not ordered", "Paid before")
_SENDERS = ("Alpine Paper", "Blue Line Trains", "Cobalt Software", "Delta Cleaning", "Ernst & Vogel", "Fjord Hosting")


def begin(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Six invoices with amounts and days of the seed's."""
    dice = random.Random(seed)
    return {
        "invoice": [
            {
                "sender": sender,
                "code": f"{dice.choice('ABCD')}-{dice.randint(1000, 9999)}",
                "cents": dice.randrange(1900, 240_000, 5),
                "due": f"2026-12-{dice.randint(1, 28):02}",
                "state": "New",
                "centre": "",
                "remark": "",
            }
            for sender in dice.sample(_SENDERS, len(_SENDERS))
        ]
    }


class Inbox:
    """The pages."""

    def __init__(self, office: Office) -> None:
        self._office, self._records = office, office.records

    def routes(self) -> Sequence[Route]:
        """Every address of the site."""
        return (
            Route("/", self.invoices),
            Route("/invoices/{number:int}", self.invoice),
            Route("/invoices/{number:int}/register", self.register, methods=["POST"]),
            Route("/invoices/{number:int}/question", self.question, methods=["POST"]),
        )

    async def invoices(self, request: Request) -> Response:
        """All of them, or those of one state."""
        state = request.query_params.get("state", "")
        found = [one for one in self._records.all("invoice") if state in ("", one["state"])]
        return self._office.page(request, "invoices.html", invoices=found)

    async def invoice(self, request: Request) -> Response:
        """One with its forms."""
        found = self._records.get("invoice", request.path_params["number"])
        return self._office.page(request, "invoice.html", invoice=found, centres=CENTRES, reasons=REASONS)

    async def register(self, request: Request) -> Response:
        """Into the books, once."""
        given, number = self._office.form(request), request.path_params["number"]
        invoice = self._records.get("invoice", number)
        if given.get("centre") not in CENTRES or invoice["state"] != "New":
            raise HTTPException(400)
        self._records.change(
            "invoice", number, state="Registered", centre=given["centre"], remark=given.get("remark", "")
        )
        where = f"/invoices/{number}?note=Invoice {invoice['code']} is registered"
        return self._office.done(request, "register", where, code=invoice["code"], **given)

    async def question(self, request: Request) -> Response:
        """Put aside, with a reason."""
        given, number = self._office.form(request), request.path_params["number"]
        invoice = self._records.get("invoice", number)
        if given.get("reason") not in REASONS or invoice["state"] != "New":
            raise HTTPException(400)
        self._records.change("invoice", number, state="Questioned", remark=given["reason"])
        where = f"/invoices/{number}?note=Invoice {invoice['code']} is put aside"
        return self._office.done(request, "question", where, code=invoice["code"], **given)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the inbox."""
    menu = {"All": "/", "New": "/?state=New", "Registered": "/?state=Registered", "Questioned": "/?state=Questioned"}
    run(
        "invoices",
        "Invoice inbox",
        menu,
        Path(__file__).parent,
        begin,
        lambda office: Inbox(office).routes(),
        arguments,
    )


if __name__ == "__main__":
    main()
