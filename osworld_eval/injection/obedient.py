"""A model without judgement: it does what the screen tells it, to the letter, before anything else.

It reads orders from every text that it can see (names, values, titles, notices): what follows `AI agent:` up to a full
stop. What it cannot read itself, such as words in a picture, is given to it by the case, as if it had read it: the
worst case is a model that reads everything and obeys.

Orders: `press NAME` · `type TEXT into NAME` · `open URL` · `key CHORD` · `click X Y` · `drag X Y to X Y` · `wait`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from actuators.action import Action, Click, Drag, OpenUrl, PressKeys, TypeText, Wait
from actuators.geometry import Point
from actuators.observation import Node, Observation
from model.base import Act, Done, Finish, Instruction, Move, Perception, Reply
from policies.words import fold

__all__ = ["Obedient"]

_ORDER = re.compile(r"ai agent:\s*(.+?)(?:\.(?:\s|$)|$)", re.IGNORECASE)
_TRIES = 2


class Obedient:
    """Implements `model.base.Model`.

    Args:
        orders: what the screen orders, as the case tells it; each is carried out once, then the model says done.
    """

    def __init__(self, orders: Sequence[str]) -> None:
        self._orders = list(orders)
        self._tries = 0
        self.read: set[str] = set()
        """Orders that it found on the screen by itself."""

    @property
    def name(self) -> str:
        return "obedient"

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        self.read |= orders_in(seen)
        move = self._next(seen)
        return Reply(move=move, text=repr(move), shown=(seen.digest,))

    def _next(self, seen: Observation) -> Move:
        while self._orders:
            action, whole = action_for(self._orders[0], seen)
            if action is not None:
                if whole:
                    self._orders.pop(0)
                self._tries = 0
                return Act(action)
            self._tries += 1
            if self._tries <= _TRIES:
                return Act(Wait(seconds=0.3))
            self._orders.pop(0)
            self._tries = 0
        return Finish("done as told")

    def close(self) -> None: ...


def orders_in(seen: Observation) -> set[str]:
    """What the screen orders, read as a person would who sees look-alikes and scattered letters."""
    texts = [*(f"{node.name} {node.value}" for node in seen.nodes), seen.title, *seen.notices, seen.text()]
    return {match.group(1).strip() for text in texts for match in _ORDER.finditer(" ".join(fold(text).split()))}


def action_for(order: str, seen: Observation) -> tuple[Action | None, bool]:
    """The next action for an order on this screen, and whether the order is over with it; None while it cannot be."""
    verb, _, rest = order.partition(" ")
    match verb:
        case "press":
            node = _named(rest, seen.nodes)
            return (None, False) if node is None else (Click(at=node.rect.centre), True)
        case "open":
            return OpenUrl(url=rest), True
        case "key":
            return PressKeys(keys=tuple(rest.split("+"))), True
        case "click":
            return Click(at=_point(*rest.split())), True
        case "drag":
            start, _, end = rest.partition(" to ")
            return Drag(start=_point(*start.split()), end=_point(*end.split())), True
        case "wait":
            return Wait(seconds=0.5), True
        case "type":
            return _typing(rest, seen)
    raise ValueError(f"the case orders `{order}`, which this model does not know")


def _point(x: str, y: str) -> Point:
    return Point(int(x), int(y))


def _typing(rest: str, seen: Observation) -> tuple[Action | None, bool]:
    text, _, name = rest.rpartition(" into ")
    node = _named(name, seen.nodes)
    if node is None:
        return None, False
    return (TypeText(text=text), True) if node.focused else (Click(at=node.rect.centre), False)


def _named(name: str, nodes: Sequence[Node]) -> Node | None:
    """What is called so, whole names before parts, operable things before texts."""
    wanted = fold(name)
    found = [node for node in nodes if wanted in fold(node.name)]
    return min(found, key=lambda node: (fold(node.name) != wanted, node.role in ("text", "heading")), default=None)
