"""Where a slot plays, as data: what a worker is told, and makes its own machine of."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from osworld_eval.osworld.machine import DockerMachine, GuestMachine, Machine, MachineFault, SandboxMachine

__all__ = ["Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """One machine, not yet there."""

    kind: str = "sandbox"
    """`sandbox`, `guest`, `docker` or `android`."""
    address: str = ""
    """Of a guest; of a phone, its serial number."""
    token_env: str = ""
    """The environment variable that holds a guest's token; empty for upstream's machines, which want none."""
    revert: str = ""
    """The command that puts a guest back, in a shell's words though no shell sees it; `{address}` is filled in."""
    disk: str = ""
    """Of docker's machine: `Ubuntu.qcow2`."""
    screen: tuple[int, int] = (1920, 1080)
    """Of a sandbox."""

    @property
    def told(self) -> str:
        """For a person and for the manifest."""
        return f"{self.kind} {self.address}".strip()

    def open(self, apps: Sequence[str] = ()) -> Machine:
        """Make it, or reach it. Raises `MachineFault`."""
        match self.kind:
            case "sandbox":
                return SandboxMachine(apps, self.screen)
            case "guest":
                token = os.environ.get(self.token_env, "") if self.token_env else ""
                if self.token_env and not token:
                    raise MachineFault(f"the guest's token is not there: set {self.token_env}")
                words = shlex.split(self.revert.replace("{address}", shlex.quote(self.address)))
                return GuestMachine(self.address, token or None, words)
            case "docker":
                return DockerMachine(Path(self.disk).expanduser())
            case "android":
                from osworld_eval.osworld.android import PhoneMachine

                return PhoneMachine(self.address)
            case other:
                raise MachineFault(f"there is no place `{other}`, expected sandbox, guest, docker or android")
