"""Screens made of words, for tests that read them."""

from __future__ import annotations

from typing import Any

from actuators.geometry import Rect, Screen
from actuators.observation import Frame, Node, Observation

ORIGIN = "http://127.0.0.1:8000"


def node(name: str, role: str = "text", **facts: Any) -> Node:
    return Node(id=facts.pop("id", name), role=role, name=name, rect=Rect(0, 0, 10, 10), **facts)


def seen(*nodes: str | Node, url: str = ORIGIN + "/", origin: str = ORIGIN) -> Observation:
    whole = tuple(node(one) if isinstance(one, str) else one for one in nodes)
    return Observation(0, 0.0, "browser", Screen(100, 100), Frame(b""), whole, origin=origin, url=url)
