"""The files that the suite's tasks begin with, and those that their results are compared with.

They are made here, byte for byte the same each time, so that the repository holds no binary files and nothing is
fetched. Their addresses are nobody's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from osworld_eval.osworld.own.office import Cell, document, slides, workbook

__all__ = ["ADDRESS", "made", "names"]

ADDRESS = "https://own.deskhand.invalid/assets/"
_SHOPPING = "Milk\nBread\nApples\n"
_LETTER = (
    "Dear Ms Novak,\n\nthe office in Graz moves to Linz in May. Please send letters for Graz to the old address until "
    "then.\n\nYours,\nthe Graz team\n"
)
_MINUTES = "Minutes\n\nPresent: Ada, Grace\nAgreed: ship on Friday\nAgreed: ship on Friday\nNext: 12 June\n"
_SERVER = {"host": "localhost", "port": 8080, "debug": True, "tags": ["a", "b"]}
_DEPLOY = "service: web\nreplicas: 2\nimage: web:1.4\nlimits:\n  memory: 256Mi\n"
_STOCK = "item,count\nbolt,120\nnut,80\n"
_GREET = "def greet(name):\n    return 'Hello ' + nam\n\n\ndef shout(name):\n    return greet(name).upper() + '!'\n"
_GREET_TEST = (
    "from greet import greet, shout\n\n\ndef test():\n"
    "    return greet('Ada') == 'Hello Ada' and greet(name='B') == 'Hello B' and shout('c') == 'HELLO C!'\n"
)
_INVOICES = (
    "CREATE TABLE invoice(id INTEGER PRIMARY KEY, total REAL, paid INTEGER);\n"
    "INSERT INTO invoice VALUES(1, 10.5, 1), (2, 20, 0), (3, 12.25, 0), (4, 8, 0);\n"
)
_LOG = "".join(
    f"2026-03-0{1 + n % 9} {'ERROR' if n % 7 == 3 else 'WARN' if n % 5 == 2 else 'INFO'} request {n}\n"
    for n in range(60)
)
_SALES: tuple[tuple[Cell, ...], ...] = (
    ("Month", "North", "South"),
    *(("January", 120, 80), ("February", 95, 110), ("March", 140, 70), ("April", 105, 90)),
)
_TEAM: tuple[tuple[Cell, ...], ...] = (
    ("Name", "Role", "City"),
    *(("Ada", "Lead", "Graz"), ("Grace", "Engineer", "Linz"), ("Edsger", "Engineer", "Wien")),
)
_REPORT = ("# Report", "The pump was tested on Monday.", "It ran for six hours without a fault.", "Signed: A. Berg")
_TALK: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Water in the city", ("Where it comes from", "Where it goes")),
    ("Sources", ("Springs", "Wells")),
    ("Thanks", ("Questions?",)),
)
_PAGE = "<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>\n"


def _with(rows: Sequence[Sequence[Cell]], **cells: Cell) -> list[list[Cell]]:
    """The same rows with other cells: `B6=4`."""
    made = [list(row) for row in rows]
    for at, value in cells.items():
        column, row = ord(at[0]) - ord("A"), int(at[1:]) - 1
        while len(made) <= row:
            made.append([])
        made[row] += [None] * (column + 1 - len(made[row]))
        made[row][column] = value
    return made


def _png(colour: tuple[int, int, int]) -> bytes:
    """A square picture of one colour."""
    import struct
    import zlib

    size = 48
    rows = (b"\0" + bytes(colour) * size) * size

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def _text(said: str) -> Callable[[], bytes]:
    return lambda: said.encode()


def _book(sheets: Mapping[str, Sequence[Sequence[Cell]]], frozen: str = "") -> Callable[[], bytes]:
    return lambda: workbook(sheets, frozen)


_MAKES: Mapping[str, Callable[[], bytes]] = {
    "shopping.txt": _text(_SHOPPING),
    "shopping_cheese.txt": _text(f"{_SHOPPING}Cheese"),
    "letter.txt": _text(_LETTER),
    "letter_linz.txt": _text(_LETTER.replace("Graz", "Linz")),
    "minutes.txt": _text(_MINUTES),
    "server.json": _text(json.dumps(_SERVER, indent=2) + "\n"),
    "deploy.yaml": _text(_DEPLOY),
    "stock.csv": _text(_STOCK),
    "greet.py": _text(_GREET),
    "greet_test.py": _text(_GREET_TEST),
    "backup.sh": _text("#!/bin/sh\ntar -cf backup.tar Documents\n"),
    "service.log": _text(_LOG),
    "errors.txt": _text("".join(line for line in _LOG.splitlines(keepends=True) if " ERROR " in line)),
    "invoices.sql": _text(_INVOICES),
    "sales.xlsx": _book({"Sales": _SALES}),
    "sales_total.xlsx": _book({"Sales": _with(_SALES, B6=460)}),
    "sales_mean.xlsx": _book({"Sales": _with(_SALES, C6=87.5)}),
    "sales_march.xlsx": _book({"Sales": _with(_SALES, C4=77)}),
    "sales_may.xlsx": _book({"Sales": [*_SALES, ("May", 99, 101)]}),
    "sales_no_march.xlsx": _book({"Sales": [row for row in _SALES if row[0] != "March"]}),
    "sales.csv": _text("".join(f"{','.join(map(str, row))}\n" for row in _SALES)),
    "team.xlsx": _book({"Team": _TEAM}),
    "stock.xlsx": _book({"stock": [("item", "count"), ("bolt", 120), ("nut", 80)]}),
    "report.docx": lambda: document(_REPORT),
    "report.txt": _text("\n".join(("Report", *_REPORT[1:])) + "\n"),
    "talk.pptx": lambda: slides(_TALK),
    "talk_titled.pptx": lambda: slides([("Water for Graz", _TALK[0][1]), *_TALK[1:]]),
    "talk_short.pptx": lambda: slides([_TALK[0], _TALK[2]]),
    "talk_words.json": _text(json.dumps({"title": "Water in the city", "line": "Springs", "end": "Thanks"})),
    "pictures.txt": _text("blue.png\ngreen.png\nred.png\n"),
    "squares.py": _text("for number in range(1, 6):\n    print(number * number)\n"),
    "squares.txt": _text("1\n4\n9\n16\n25\n"),
    "first.html": _text(_PAGE.format(title="First page", body='<p><a href="second.html">Second page</a></p>')),
    "second.html": _text(_PAGE.format(title="Second page", body="<p>The end.</p>")),
    "red.png": lambda: _png((200, 30, 30)),
    "green.png": lambda: _png((30, 160, 60)),
    "blue.png": lambda: _png((40, 70, 200)),
}


def names() -> tuple[str, ...]:
    """Every file, by its name."""
    return tuple(_MAKES)


@lru_cache(maxsize=128)
def made(url: str) -> bytes | None:
    """The file of an address; None for an address that is none of the suite's."""
    make = _MAKES.get(url.removeprefix(ADDRESS)) if url.startswith(ADDRESS) else None
    return make() if make is not None else None
