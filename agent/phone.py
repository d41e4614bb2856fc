"""The phone of a run, from `with` to its end: found, woken, put into its first app, and put back where it can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from actuators.base import Actuator, SecretSource
from actuators.halt import Halt
from actuators.permit import Verifier
from agent.task_file import AndroidSurface

__all__ = ["phone"]


@contextmanager
def phone(spec: AndroidSurface, verifier: Verifier, secrets: SecretSource, stop: Halt) -> Iterator[Actuator]:
    """The device of a task, ready for its first step; `stop` is the red stop.

    Raises:
        SurfaceUnavailable: adb, the device or the app is not there, or it is locked.
        SandboxUnavailable: `restore` on what is no emulator.
    """
    from actuators.android import AndroidActuator
    from sandboxes.device import Device, find_device

    serial = find_device(spec.serial)
    with ExitStack() as stack:
        if spec.restore:
            stack.enter_context(Device(serial))
        actuator = stack.enter_context(AndroidActuator(serial, verifier, secrets, apps=spec.apps, halt=stop))
        actuator.open(spec.start)
        yield actuator
