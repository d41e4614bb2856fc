"""The guest machine of a run, from `with` to its end: reached, put into its first program, and let go of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from actuators.base import Actuator, SecretSource
from actuators.errors import SurfaceUnavailable
from actuators.halt import Halt
from actuators.permit import Verifier
from agent.task_file import GuestSurface

__all__ = ["guest"]

MOST_FILE = 16 * 2**20
"""Bytes of one file that a check reads."""


@contextmanager
def guest(
    spec: GuestSurface, verifier: Verifier, secrets: SecretSource, stop: Halt
) -> Iterator[tuple[Actuator, Callable[[str], bytes | None]]]:
    """The machine of a task, ready for its first step, and what reads a file of its user's home for checks.

    Raises:
        SurfaceUnavailable: it does not answer, wants another token, or its first program does not start.
        SandboxUnavailable: its address or token is none.
    """
    from actuators.guest import GuestActuator
    from sandboxes.guest import Guest, GuestGone, GuestSaid

    token = os.environ.get(spec.token.env, "") if spec.token is not None else ""
    if spec.token is not None and not token:
        raise SurfaceUnavailable(f"the guest's token is not there: set {spec.token.env}")
    machine = Guest(spec.address, token)

    def read(path: str) -> bytes | None:
        """None also for what cannot be read: a check on it then fails."""
        try:
            return machine.download(path if path.startswith(("/", "~")) else f"~/{path}", most=MOST_FILE)
        except (GuestGone, GuestSaid):
            return None

    with GuestActuator(machine, verifier, secrets, spec.apps, stop, spec.nodes) as actuator:
        if spec.start:
            actuator.open(spec.start[0], spec.start[1:])
        yield actuator, read
