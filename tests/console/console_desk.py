"""Questions that are really asked, a console's client, and pictures of a shop: what the console's tests share."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image, ImageDraw
from sqlalchemy import update

from actuators.action import Action, Click, TypeText, Wait
from actuators.geometry import Point, Rect
from actuators.observation import Node, Target
from agent.console.app import Settings
from agent.store.approver import ConsoleApprover
from agent.store.engine import writing
from agent.store.people import Role
from agent.store.store import Store
from agent.store.tables import runs
from policies.approver import Question
from policies.consequence import Consequence
from policies.decision import Approval, Decision
from policies.money import Money
from policies.sent import Part, Sent

SHOP = "https://shop.example"
PASSWORDS = {"vera": "viewing is enough", "ada": "approving things", "bob": "approving too", "zoe": "in charge here"}
ROLES: dict[str, Role] = {"vera": "viewer", "ada": "approver", "bob": "approver", "zoe": "admin"}


def picture(text: str = "Pay 89.00 EUR") -> bytes:
    """A screen of a shop, 800 x 500, with a button at 300, 320."""
    image = Image.new("RGB", (800, 500), "#f7f7fb")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 800, 60), fill="#283c63")
    draw.text((30, 22), "shop.example", fill="white")
    draw.text((60, 120), "Your order: one flight, Zurich to Lisbon", fill="#222")
    draw.rectangle((300, 320, 500, 370), fill="#2a7d4f")
    draw.text((345, 338), text, fill="white")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def pay(run: str = "run-1", name: str = "Pay 89.00 EUR", minor: int | None = 8900, **more: Any) -> Question:
    """A question about buying something."""
    node = Node(id="1", role="button", name=name, rect=Rect(300, 320, 500, 370), origin=SHOP)
    target = Target("browser", node, Point(400, 345), SHOP, SHOP + "/pay", destination=SHOP + "/payment")
    effect = Consequence("buy", "says `pay`", minor, "EUR" if minor is not None else "", True)
    decision = Decision("ask", ("booking/above-ask-limit",), reason="it costs more than the task may spend")
    return Question(run, 3, Click(at=Point(400, 345)), target, effect, decision, **more)


def typing(run: str = "run-1", text: str = "250") -> Question:
    """A question about a text that is to be typed."""
    node = Node(id="2", role="textbox", name="Amount", rect=Rect(60, 200, 260, 230), origin=SHOP, editable=True)
    target = Target("browser", node, Point(100, 215), SHOP, SHOP + "/transfer")
    decision = Decision("ask", ("mine/amounts",), reason="amounts are looked at")
    action: Action = TypeText(text=text)
    return Question(run, 4, action, target, Consequence("edit", "it types"), decision)


def post(run: str = "run-1") -> Question:
    """A question about a request that waits at the wire."""
    parts = (
        Part("to", 15, value="eve@example.org"),
        Part("amount", 6, value="250.00"),
        Part("pin", 4),
        Part("scan", 0, True),
    )
    sent = Sent(
        "POST",
        SHOP + "/transfer?step=2",
        "document",
        SHOP,
        parts,
        amounts=(Money(25000, "EUR"),),
        size=142,
        recipients=("eve@example.org",),
        digest="ab" * 32,
    )
    target = Target("browser", None, None, origin=SHOP, destination=SHOP + "/transfer")
    decision = Decision("ask", ("booking/send",), reason="a person says yes to everything that is sent")
    effect = Consequence("buy", "amount", 25000, "EUR", True)
    return Question(run, 5, Wait(seconds=0), target, effect, decision, sent)


@dataclass
class Desk:
    """Questions that are really asked, each in a thread of its own as a broker would."""

    store: Store
    keys: tuple[str, ...]
    asked: list[Asking] = field(default_factory=list)

    def run(self, run: str = "run-1", png: bytes | None = None, **told: Any) -> str:
        """A run that lives."""
        about = {"machine": "desk", "pid": 1, "task": "book_flight", "goal": "Book a flight", "folder": "/nowhere"}
        self.store.runs.begin(run, {**about, "broker_key": "", **told})
        with writing(self.store.engine) as connection:  # nobody beats for it, and a slow machine must not lose it
            connection.execute(update(runs).where(runs.c.id == run).values(heartbeat=time.time() + 600))
        if png is not None:
            self.store.runs.show(run, png)
        return run

    def ask(
        self, question: Question, wait_s: float = 600, on_timeout: Any = "deny", png: bytes | None = None
    ) -> Asking:
        """Ask, and wait until the question stands in the store."""
        before = {one.id for one in self.store.requests.waiting(10_000)}
        asking = Asking(self, question, wait_s, on_timeout)
        self.asked.append(asking)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            new = [one for one in self.store.requests.waiting(10_000) if one.id not in before]
            if new:
                asking.id = new[0].id
                break
            time.sleep(0.02)
        if png is not None:
            self.store.runs.show(question.run, png)
        return asking


class Asking(threading.Thread):
    """One question."""

    def __init__(self, desk: Desk, question: Question, wait_s: float, on_timeout: Any) -> None:
        super().__init__(daemon=True)
        self.id = ""
        self.question = question
        self.approval: Approval | None = None
        self.answered_at = 0.0
        self._approver = ConsoleApprover(desk.store, desk.keys, "p" * 64, wait_s, on_timeout)
        self.start()

    def run(self) -> None:
        self.approval = self._approver.ask(self.question)
        self.answered_at = time.time()

    def came(self, within_s: float = 30) -> Approval:
        """What was answered."""
        self.join(within_s)
        assert self.approval is not None, "nobody answered"
        return self.approval


@dataclass
class Console:
    """A console that serves."""

    origin: str
    store: Store
    settings: Settings

    def client(self, name: str = "", **more: Any) -> Client:
        """A browser without a browser; signed in when it has a name."""
        client = Client(self, httpx.Client(base_url=self.origin, timeout=30, **more))
        if name:
            answer = client.post("/enter", name=name, password=PASSWORDS[name])
            assert answer.status_code == 303, answer.text
        return client

    def link(self, name: str) -> str:
        operator = self.store.people.get(name)
        assert operator is not None
        return f"{self.origin}/enter?link={self.store.people.link(operator)}"


@dataclass
class Client:
    """Sends what a page of the console would send, unless told otherwise."""

    console: Console
    http: httpx.Client

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.http.get(path, **more)

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/waiting").text)
        return found.group(1) if found else ""

    def post(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
        return self.http.post(path, data=fields, headers={"origin": self.console.origin, **(headers or {})})

    def answer(self, asking: Asking, verb: str, **fields: str) -> httpx.Response:
        """Answer a question as its form does."""
        asked = self.console.store.requests.get(asking.id)
        assert asked is not None
        told = {"csrf": self.csrf(), "digest": asked.digest, "verb": verb, **fields}
        return self.post(f"/requests/{asking.id}/answer", **told)


Serve = Callable[..., Console]
