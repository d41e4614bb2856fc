"""The contract of a surface: look, resolve, act on a permit, wait until it is still."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from actuators.action import Action
from actuators.observation import Observation, Surface, Target
from actuators.permit import Permit
from actuators.receipt import Receipt

__all__ = ["ALLOW_REAL_DEVICES", "Actuator", "SecretRefused", "SecretSource", "Settled", "no_secrets"]

ALLOW_REAL_DEVICES = True
"""Tests set this to False: an actuator that would touch the developer's own desktop or phone then refuses to start."""


class SecretRefused(Exception):
    """A secret may not be typed here: unknown name, wrong origin or app, or a field that does not fit."""


class SecretSource(Protocol):
    """Gives the value behind `<secret:NAME>` to the hand, at the moment of typing and nowhere else."""

    def reveal(self, name: str, target: Target) -> str:
        """Raises `SecretRefused` unless this secret may go into this target."""
        ...


class _NoSecrets:
    def reveal(self, name: str, target: Target) -> str:
        raise SecretRefused(f"the task names no secret `{name}`")


no_secrets: SecretSource = _NoSecrets()


@dataclass(frozen=True, slots=True)
class Settled:
    """How the wait for stillness ended."""

    still: bool
    """False when the bound was reached first."""
    waited_s: float
    watching: str = ""
    """What was still moving when the bound was reached: frames, requests or nodes; empty when still."""


class Actuator(Protocol):
    """One surface. Not thread-safe; one run owns it. Use as a context manager, or `close` it, twice if you like."""

    @property
    def surface(self) -> Surface: ...

    def observe(self) -> Observation:
        """Look now. Raises `SurfaceError` when the surface is gone or silent, `Halted` once a person has said stop."""
        ...

    def target(self, action: Action, seen: Observation) -> Target:
        """Resolve what `action` would touch on the live surface. Touches nothing, moves nothing.

        For keys and text the target is what has the focus. Raises `SurfaceError`.
        """
        ...

    def perform(self, permit: Permit) -> Receipt:
        """Verify the permit, look again, act. What it returns is what was really done.

        Order: signature and terms; pointer to the place; resolve the target anew; compare with the permit;
        only then press. Any difference gives a `stale` receipt and nothing is pressed. Never raises for a refusal;
        raises `SurfaceError` only when nothing can have happened, and returns `unknown` when something may have.

        Once the stop that the actuator was given is set (`actuators.halt`), nothing more is sent: an act that had not
        begun is `refused`, one that is broken off says what had been sent by then, and what was held down is let go.
        """
        ...

    def settle(self, bound_s: float = 3.0) -> Settled:
        """Wait until the surface stops changing, by watching it, at most `bound_s` seconds."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
