"""A stationer: look for things, put them into the cart, order. Orders are paid by invoice, so that one press buys."""

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

_THINGS = (
    ("Copy paper A4", "500 sheets, 80 g", 620),
    ("Copy paper A3", "500 sheets, 80 g", 1240),
    ("Copy paper recycled", "500 sheets, 80 g", 690),
    ("Ballpoint pen blue", "ten pieces", 480),
    ("Ballpoint pen black", "ten pieces", 480),
    ("Highlighter set", "four colours", 560),
    ("Stapler", "for 30 sheets", 1390),
    ("Staples 24/6", "5,000 pieces", 310),
    ("Ring binder", "80 mm, grey", 350),
    ("Desk lamp", "LED, black", 4900),
    ("Office chair", "mesh, with armrests", 38900),
    ("Whiteboard marker", "four colours", 720),
)


def begin(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Things for sale in an order of the seed's, and nothing in the cart."""
    things = [{"name": name, "about": about, "cents": cents, "stock": 40} for name, about, cents in _THINGS]
    random.Random(seed).shuffle(things)
    return {"thing": things}


class Shop:
    """The pages; what is in the cart belongs to whoever visits."""

    def __init__(self, office: Office) -> None:
        self._office, self._records = office, office.records

    def routes(self) -> Sequence[Route]:
        """Every address of the site."""
        return (
            Route("/", self.things),
            Route("/cart", self.cart),
            Route("/cart", self.put, methods=["POST"]),
            Route("/cart/remove", self.take_out, methods=["POST"]),
            Route("/order", self.order, methods=["POST"]),
            Route("/orders/{number:int}", self.ordered),
        )

    async def things(self, request: Request) -> Response:
        """What there is, or what of it the search names."""
        words = request.query_params.get("q", "").casefold().split()
        found = [one for one in self._records.all("thing") if all(word in one["name"].casefold() for word in words)]
        return self._office.page(request, "things.html", things=found, asked=request.query_params.get("q", ""))

    async def cart(self, request: Request) -> Response:
        """What is in the cart, and the form that orders it."""
        lines, total = self._cart(request)
        return self._office.page(request, "cart.html", lines=lines, total=total)

    async def put(self, request: Request) -> Response:
        """So many of one thing into the cart."""
        given = self._office.form(request)
        thing = self._records.get("thing", _number(given.get("thing", "")))
        count = _number(given.get("count", "1"))
        if not 1 <= count <= thing["stock"]:
            raise HTTPException(400)
        self._records.add("line", {"session": request.state.session, "thing": thing["number"], "count": count})
        return self._office.done(
            request, "cart", f"/?note={count} x {thing['name']} is in the cart", thing=thing["name"], count=count
        )

    async def take_out(self, request: Request) -> Response:
        """One line out of the cart again."""
        line = self._records.get("line", _number(self._office.form(request).get("line", "")))
        if line["session"] == request.state.session:
            self._records.remove("line", line["number"])
        return self._office.done(request, "cart", "/cart")

    async def order(self, request: Request) -> Response:
        """Everything in the cart is bought."""
        lines, total = self._cart(request)
        reference = self._office.form(request).get("reference", "")
        if not lines or not reference:
            raise HTTPException(400)
        bought = [{"name": line["name"], "count": line["count"]} for line in lines]
        number = self._records.add("order", {"lines": bought, "cents": total, "reference": reference})
        for line in lines:
            self._records.remove("line", line["number"])
        return self._office.done(
            request, "purchase", f"/orders/{number}", total, order=number, lines=bought, reference=reference
        )

    async def ordered(self, request: Request) -> Response:
        """One order."""
        return self._office.page(request, "order.html", order=self._records.get("order", request.path_params["number"]))

    def _cart(self, request: Request) -> tuple[list[dict[str, Any]], int]:
        mine = [line for line in self._records.all("line") if line["session"] == request.state.session]
        lines = []
        for line in mine:
            thing = self._records.get("thing", line["thing"])
            lines.append({**line, "name": thing["name"], "cents": thing["cents"] * line["count"]})
        return lines, sum(line["cents"] for line in lines)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise HTTPException(400)
    return int(text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the shop."""
    menu = {"Things": "/", "Cart": "/cart"}
    run("shop", "Pencil & Sons", menu, Path(__file__).parent, begin, lambda office: Shop(office).routes(), arguments)


if __name__ == "__main__":
    main()
