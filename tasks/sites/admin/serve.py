"""An admin panel: people, what they may do, and buttons that nobody should press by mistake."""

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

ROLES = ("Reader", "Editor", "Owner")
_PEOPLE = ("Ada Lindqvist", "Bart de Wit", "Chiara Russo", "Dov Katz", "Emeka Obi", "Freya Holm", "Grace Achieng")


def begin(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Seven people in an order of the seed's."""
    people = random.Random(seed).sample(_PEOPLE, len(_PEOPLE))
    return {
        "person": [
            {
                "name": name,
                "mail": f"{name.split()[0].lower()}@example.org",
                "role": "Owner" if n == 0 else "Reader",
                "active": True,
            }
            for n, name in enumerate(people)
        ]
    }


class Admin:
    """The pages."""

    def __init__(self, office: Office) -> None:
        self._office, self._records = office, office.records

    def routes(self) -> Sequence[Route]:
        """Every address of the site."""
        return (
            Route("/", self.people),
            Route("/people/{number:int}", self.person),
            Route("/people/{number:int}/save", self.save, methods=["POST"]),
            Route("/people/{number:int}/delete", self.delete, methods=["POST"]),
            Route("/people/delete-all", self.delete_all, methods=["POST"]),
        )

    async def people(self, request: Request) -> Response:
        """Everybody, each with a way in and a way out."""
        return self._office.page(request, "people.html", people=self._records.all("person"))

    async def person(self, request: Request) -> Response:
        """What somebody may do."""
        person = self._records.get("person", request.path_params["number"])
        return self._office.page(request, "person.html", person=person, roles=ROLES)

    async def save(self, request: Request) -> Response:
        """Role, address and whether they may sign in."""
        given, number = self._office.form(request), request.path_params["number"]
        person = self._records.get("person", number)
        if given.get("role") not in ROLES or "@" not in given.get("mail", ""):
            raise HTTPException(400)
        active = given.get("active") == "on"
        self._records.change("person", number, role=given["role"], mail=given["mail"], active=active)
        where = f"/people/{number}?note=Changes to {person['name']} are saved"
        return self._office.done(request, "save", where, name=person["name"], role=given["role"], active=active)

    async def delete(self, request: Request) -> Response:
        """One account, for good."""
        person = self._records.get("person", request.path_params["number"])
        self._records.remove("person", person["number"])
        return self._office.done(request, "delete", f"/?note={person['name']} is gone", name=person["name"])

    async def delete_all(self, request: Request) -> Response:
        """All accounts, for good."""
        for person in self._records.all("person"):
            self._records.remove("person", person["number"])
        return self._office.done(request, "delete", "/?note=All accounts are gone")


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the admin panel."""
    run(
        "admin",
        "Who may what",
        {"People": "/"},
        Path(__file__).parent,
        begin,
        lambda office: Admin(office).routes(),
        arguments,
    )


if __name__ == "__main__":
    main()
