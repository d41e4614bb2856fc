"""An actuator on a virtual phone, and what a test does behind its back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contract.mint import Mint

from actuators.action import Action
from actuators.android import AndroidActuator
from actuators.receipt import Receipt
from tests.android.phone.pages_app import Pages
from tests.android.phone.running import APPS, Served

PACKAGES = tuple(app.package for app in APPS)


@dataclass
class PhoneStage:
    """An actuator on a phone, and hands behind the scenes."""

    served: Served
    actuator: AndroidActuator
    mint: Mint
    forms: bool = False

    @property
    def phone(self) -> Any:
        return self.served.phone

    @property
    def pages(self) -> Any:
        return self.phone.apps[Pages.package]

    def inner(self, name: str) -> str:
        rid = {**{new: old for old, new in self.pages.renamed.items()}}.get(name, name).lower()
        return str(self.served.do(lambda: self.pages.screens[-1].text(rid)))

    def rename(self, name: str, to: str) -> None:
        self.pages.renamed[name] = to
        self.served.do(self.phone.changed)

    def die(self, during_act: bool = False) -> None:
        if during_act:
            self.served.cut_during("tap", 0.0)
        else:
            self.served.unplug()

    def act(self, action: Action) -> Receipt:
        """One act with everything around it but a policy."""
        seen = self.actuator.observe()
        receipt = self.actuator.perform(self.mint.permit(action, self.actuator.target(action, seen)))
        self.actuator.settle()
        return receipt
