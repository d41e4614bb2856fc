"""A shop on loopback whose orders outlive it: one form, one log, and a word to whoever breaks things at what moment.

    python -m osworld_eval.rows.shop --port 0 --log orders.jsonl --plan plan.json --held FOLDER

An order counts from the moment that it is on the disk (`fsync`), whatever becomes of its answer. For a name in the plan
the shop prints a line once when its moment has come (`open`: its page is asked for, `before`: its order has come in and
is not written down, `after`: it is written down and not answered), and holds the request until a file of that name lies
in the folder. `drop` among the moments ends the shop itself there, as a power cut would.
"""

from __future__ import annotations

import argparse
import html
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

__all__ = ["PRICES", "Shop", "main"]

PRICES = {"teapot": "12.00 EUR", "gold": "900.00 EUR"}
_HELD_S = 20.0


class Shop:
    """The state: orders in a file, what is to happen at which moment, and what has."""

    def __init__(self, log: Path, plan: dict[str, dict[str, Any]], held: Path) -> None:
        self._log, self._plan, self._held = log, plan, held
        self._lock = threading.Lock()

    def orders(self) -> list[dict[str, Any]]:
        """Every order that counts."""
        try:
            lines = self._log.read_text("utf-8").splitlines()
        except OSError:
            return []
        return [json.loads(line) for line in lines if line.strip()]

    def put(self, name: str, item: str) -> None:
        """One more order, on the disk when this returns."""
        with self._lock, self._log.open("a", encoding="utf-8") as out:
            number = f"N{1000 + len(self.orders())}"
            out.write(json.dumps({"number": number, "name": name, "item": item, "at": time.time()}) + "\n")
            out.flush()
            os.fsync(out.fileno())

    def moment(self, name: str, moment: str) -> bool:
        """Tell that a moment has come, once in the life of the log. True where the request's sender is gone by now."""
        wanted = self._plan.get(name)
        if wanted is None or wanted["moment"] != moment:
            return False
        told = self._held / f"{name}.told"
        with self._lock:
            if told.exists():
                return False
            told.touch()
        print(json.dumps({"name": name, "moment": moment, "fault": wanted["fault"]}), flush=True)
        if wanted["fault"] == "site down":
            os._exit(9)
        until = time.monotonic() + _HELD_S
        while not (self._held / name).exists() and time.monotonic() < until:
            time.sleep(0.02)
        return bool(wanted.get("gone"))


class _Answer(BaseHTTPRequestHandler):
    shop: Shop

    def do_GET(self) -> None:
        where, asked = urlsplit(self.path), parse_qs(urlsplit(self.path).query)
        name, item = asked.get("for", [""])[0], asked.get("item", ["teapot"])[0]
        if where.path == "/":
            self.shop.moment(name, "open")
            self._send(_form(name, item))
        elif where.path == "/orders":
            self._send(_orders([one for one in self.shop.orders() if one["name"] == name], name))
        else:
            self._send("<!doctype html><title>-</title>", 404)

    def do_POST(self) -> None:
        length = min(int(self.headers.get("content-length", 0)), 10_000)
        given = parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
        name, item = given.get("name", [""])[0], given.get("item", ["teapot"])[0]
        if self.shop.moment(name, "before"):
            self.close_connection = True
            return
        self.shop.put(name, item)
        self.shop.moment(name, "after")
        self.send_response(303)
        self.send_header("location", f"/orders?for={quote(name)}")
        self.send_header("content-length", "0")
        self.end_headers()

    def _send(self, text: str, status: int = 200) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""


def _form(name: str, item: str) -> str:
    price = PRICES.get(item, PRICES["teapot"])
    return (
        f"<!doctype html><title>Shop</title><h1>One {html.escape(item)}</h1><p>Total {price}</p>"
        f'<form method="post" action="/order"><input type="hidden" name="item" value="{html.escape(item)}">'
        f'<p><label>Name <input name="name" autocomplete="off"></label></p>'
        f"<p><button>Order for {price}</button></p></form>"
    )


def _orders(found: list[dict[str, Any]], name: str) -> str:
    lines = "".join(f"<p>Order number {html.escape(one['number'])}</p>" for one in found)
    said = f"Order of {name} confirmed" if found else f"No order of {name}"
    return f"<!doctype html><title>Orders</title><h1>{html.escape(said)}</h1>{lines}"


def main(arguments: list[str] | None = None) -> int:
    """Serve until killed, or until whoever started it is gone."""
    parser = argparse.ArgumentParser(prog="osworld_eval.rows.shop")
    parser.add_argument("--port", type=int, default=0)
    for name in ("log", "plan", "held"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args(arguments)
    given.held.mkdir(parents=True, exist_ok=True)
    shop = Shop(given.log, json.loads(given.plan.read_text("utf-8")), given.held)
    ThreadingHTTPServer.allow_reuse_address = True
    server = ThreadingHTTPServer(("127.0.0.1", given.port), type("Answer", (_Answer,), {"shop": shop}))
    server.daemon_threads = True
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}/"}), flush=True)
    threading.Thread(target=_until_alone, daemon=True).start()
    server.serve_forever()
    return 0


def _until_alone() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
