"""Short ways to write targets and cases for the tests of this folder."""

from __future__ import annotations

from typing import Any

from actuators.action import Click
from actuators.geometry import Point, Rect, Screen
from actuators.observation import Form, Frame, Node, Observation, Target
from policies.narrow import Narrow
from policies.request import Case

AIR = "https://air.example"
AT = Point(5, 5)
CLICK = Click(at=AT)


def node(role: str = "button", name: str = "", **told: Any) -> Node:
    told.setdefault("id", "1")
    told.setdefault("rect", Rect(0, 0, 10, 10))
    return Node(role=role, name=name, **told)


def form(action: str = f"{AIR}/go", method: str = "POST", text: str = "") -> Form:
    return Form(method, action, text)


def target(on: Node | None = None, origin: str = AIR, **told: Any) -> Target:
    told.setdefault("surface", "browser")
    return Target(node=on, point=AT, origin=origin, **told)


def field(**told: Any) -> Node:
    return node("textbox", told.pop("name", "Name"), editable=True, tag=told.pop("tag", "input"), **told)


def pay(name: str = "Pay 89.00 EUR", **told: Any) -> Target:
    return target(node("button", name, submits=True, form=form(f"{AIR}/payment"), **told))


def seen(*nodes: Node, png: bytes = b"") -> Observation:
    return Observation(0, 0.0, "browser", Screen(100, 80), Frame(png), nodes, AIR)


def narrow(**told: Any) -> Narrow:
    return Narrow.model_validate({"origins": [AIR], "ask_above": "500 EUR", **told})


def case(on: Target, step: int = 1, **told: Any) -> Case:
    return Case(step, told.pop("action", CLICK), on, **told)
