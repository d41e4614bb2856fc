"""What every hand has in common: the permit first, then a look, then the act, and a receipt that tells the truth.

An actuator says how its surface is looked at and touched; in which order, and what each thing that can go wrong means,
is decided here, once.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, Self, TypeVar

from actuators.action import Action, Drag, TypeText, pointed
from actuators.base import SecretRefused, SecretSource
from actuators.errors import SurfaceError
from actuators.geometry import Point, Screen
from actuators.halt import Halt, Halted, go_on, never
from actuators.observation import Observation, Target
from actuators.permit import Permit, PermitRefused, Verifier
from actuators.receipt import Receipt, ReceiptStatus

__all__ = ["Attempt", "NotPossible", "Permitted", "not_judged", "points_of", "seen_point"]

_SECRET = re.compile(r"<secret:([A-Za-z0-9_.-]+)>")


class NotPossible(Exception):
    """The surface cannot do this; nothing was pressed."""


@dataclass(slots=True)
class Attempt:
    """What is being done, and what was really sent to the surface."""

    action: Action
    performed: Action | None = None
    text: str = field(default="", repr=False)
    """What is typed, with its secrets; never part of an action, a message or a record."""
    since: float = field(default_factory=time.monotonic)


A = TypeVar("A", bound=Attempt)


class Permitted(ABC, Generic[A]):
    """The part of `actuators.base.Actuator` that acts.

    Args:
        verifier: checks permits.
        secrets: gives values for `<secret:NAME>` while typing.
        halt: the red stop; once it is set nothing more is sent.
    """

    thing = "surface"
    """How its messages call it."""
    breaks: tuple[type[Exception], ...] = (SurfaceError,)
    """What in the middle of an act means that something may have happened."""

    def __init__(self, verifier: Verifier, secrets: SecretSource, halt: Halt = never) -> None:
        self._verifier = verifier
        self._secrets = secrets
        self._halt = halt

    def perform(self, permit: Permit) -> Receipt:
        """See `Actuator.perform`."""
        began, told = time.time(), self._mark()
        try:
            terms = self._verifier.accept(permit)
        except PermitRefused as refused:
            return Receipt("refused", None, began, time.time(), str(refused))
        attempt = self._attempt(terms.action)
        try:
            status, detail = self._try(attempt, terms.target_digest)
        finally:
            self._over(attempt)
        performed = attempt.performed if status in ("done", "unknown") else None
        return Receipt(status, performed, began, time.time(), detail, self._since(told))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let go of the surface. May be called twice."""

    # What a surface says

    @abstractmethod
    def _attempt(self, action: Action) -> A:
        """Begin. Raises `SurfaceLost` when there is nothing to act on."""

    @abstractmethod
    def _prepare(self, attempt: A, judged: str) -> str:
        """Everything up to the press: refuse what cannot be done, go there, look again, get the text.

        Returns what is there instead where it is not what was judged; empty when it is. Raises `NotPossible`,
        `SecretRefused`, `Halted`; and `SurfaceError`, since nothing can have happened yet.
        """

    @abstractmethod
    def _act(self, attempt: A) -> str:
        """Do it; returns a remark for the receipt. Corrects `attempt.performed` where less was done than asked."""

    def _broken_off(self, attempt: A, halted: Halted) -> tuple[ReceiptStatus, str]:
        """What is said of an act that the stop has ended in the middle."""
        return "unknown", f"{halted} in the middle of it"

    def _broke(self, attempt: A, error: Exception) -> tuple[ReceiptStatus, str]:
        """What is said of an act in the middle of which the surface broke."""
        return "unknown", f"the {self.thing} broke in the middle of it: {error}"

    def _over(self, attempt: A) -> None:
        """The act has ended, in whatever way."""

    def _mark(self) -> int:
        """Where notices stand before an act."""
        return 0

    def _since(self, mark: int) -> tuple[str, ...]:
        """Notices since then."""
        return ()

    # What it may use

    def _revealed(self, action: Action, target: Target) -> str:
        """The text to type, with each `<secret:NAME>` replaced. Raises `SecretRefused`."""
        if not isinstance(action, TypeText):
            return ""
        return _SECRET.sub(lambda found: self._secrets.reveal(found.group(1), target), action.text)

    # In this order

    def _try(self, attempt: A, judged: str) -> tuple[ReceiptStatus, str]:
        """What goes wrong before the press is not an effect; what goes wrong from there on may be one."""
        try:
            go_on(self._halt)
            if stale := self._prepare(attempt, judged):
                return "stale", stale
            go_on(self._halt)
        except (Halted, SecretRefused) as refused:
            return "refused", str(refused)
        except NotPossible as problem:
            return "failed", str(problem)
        attempt.performed = attempt.action
        try:
            return "done", self._act(attempt)
        except NotPossible as problem:
            return "failed", str(problem)
        except Halted as halted:
            return self._broken_off(attempt, halted)
        except self.breaks as error:
            return self._broke(attempt, error)


def seen_point(action: Action, seen: Observation) -> Point | None:
    """The point that an action is about. Raises `SurfaceError` where it lies outside what was seen."""
    point = pointed(action)
    if point is not None and not seen.screen.contains(point):
        size = f"{seen.screen.width}x{seen.screen.height}"
        raise SurfaceError(f"the point ({point.x}, {point.y}) lies outside the {size} screen")
    return point


def points_of(action: Action, screen: Screen) -> tuple[Point, ...]:
    """Every point that an act presses at or lets go at. Raises `NotPossible` for one outside the screen."""
    point = pointed(action)
    if point is None:
        return ()
    points = (point, action.end) if isinstance(action, Drag) else (point,)
    for one in points:
        if not screen.contains(one):
            raise NotPossible(f"({one.x}, {one.y}) lies outside the {screen.width}x{screen.height} screen")
    return points


def not_judged(found: str) -> str:
    """The remark of a stale receipt."""
    return f"{found} is there now, which is not what was judged"
