from __future__ import annotations

from dataclasses import dataclass

import pytest
from contract.actuator import ActuatorContract, Vault, do, press
from contract.mint import Mint

from actuators.action import Click
from actuators.fake import FakeActuator, Widget
from actuators.geometry import Point, Rect


def _save(page: FakeActuator, _: Widget) -> None:
    count = int(page.named("Saved").value.rpartition(" ")[2] or 0) + 1
    page.named("Saved").value = f"{page.named('Name').value} {count}"


def _dodge(page: FakeActuator, widget: Widget) -> None:
    widget.box = Rect(300, 300, 360, 320)


def _rename(page: FakeActuator, widget: Widget) -> None:
    widget.name = "Buy now"


def _drop(page: FakeActuator, dragged: Widget, onto: Widget | None) -> None:
    page.named("Dropped").value = f"{dragged.name} in {onto.name if onto else 'nothing'}"


def _row(y: int, left: int = 10, width: int = 200) -> Rect:
    return Rect(left, y, left + width, y + 24)


def widgets() -> list[Widget]:
    return [
        Widget("name", "textbox", "Name", _row(10)),
        Widget("notes", "textbox", "Notes", _row(40), lines=True),
        Widget("password", "textbox", "Password", _row(70), password=True),
        Widget("agree", "checkbox", "Agree", _row(100), checked=False),
        Widget("save", "button", "Save", _row(130, width=80), submits=True, on_press=_save),
        Widget("dodge", "button", "Dodge", _row(160, width=80), on_hover=_dodge),
        Widget("fickle", "button", "Fickle", _row(190, width=80), on_hover=_rename),
        Widget("parcel", "button", "Parcel", _row(220, width=60), on_drop=_drop),
        Widget("bin", "button", "Bin", _row(220, left=200, width=60)),
        Widget("saved", "status", "Saved", _row(250)),
        Widget("dropped", "status", "Dropped", _row(280)),
        Widget("bottom", "text", "Bottom", _row(900)),
    ]


@dataclass
class FakeStage:
    actuator: FakeActuator
    mint: Mint

    def inner(self, name: str) -> str:
        return self.actuator.named(name).value

    def rename(self, name: str, to: str) -> None:
        self.actuator.named(name).name = to

    def die(self, during_act: bool = False) -> None:
        self.actuator.die(during_act)


@pytest.fixture
def stage() -> FakeStage:
    mint = Mint()
    return FakeStage(FakeActuator(mint.verifier(), widgets(), Vault()), mint)


class TestFake(ActuatorContract):
    pass


def test_what_was_done_is_kept_in_order(stage: FakeStage) -> None:
    first, second = press(stage, "Agree"), press(stage, "Save")
    assert stage.actuator.acts == [first.performed, second.performed]


def test_the_background_is_told_by_its_pixels(stage: FakeStage) -> None:
    seen = stage.actuator.observe()
    target = stage.actuator.target(Click(at=Point(470, 5)), seen)
    assert target.node is None and target.region is not None and len(target.region_digest) == 64
    assert do(stage, Click(at=Point(470, 5))).status == "done"


def test_ids_are_unique() -> None:
    with pytest.raises(ValueError, match="unique"):
        FakeActuator(Mint().verifier(), [*widgets(), widgets()[0]])
