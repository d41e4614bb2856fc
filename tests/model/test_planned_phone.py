"""The oracle's sentences for a phone."""

from __future__ import annotations

import io
import time

import pytest
from PIL import Image

from actuators.action import Action, LaunchApp, SystemButton
from actuators.geometry import Screen
from actuators.observation import Frame, Observation
from model.base import Act, Done, Finish, Instruction
from model.planned import PlanReader


def seen() -> Observation:
    out = io.BytesIO()
    Image.new("RGB", (20, 40)).save(out, "PNG")
    return Observation(0, time.time(), "android", Screen(20, 40), Frame(out.getvalue()))


@pytest.mark.parametrize(
    ("step", "action", "told"),
    [
        ("start the contacts app", LaunchApp(name="contacts"), 'open "contacts"'),
        ("start org.example.shop", LaunchApp(name="org.example.shop"), 'open "org.example.shop"'),
        ("go back", SystemButton(button="back"), "system_button back"),
        ("Go home", SystemButton(button="home"), "system_button home"),
    ],
)
def test_apps_are_started_and_buttons_of_the_phone_pressed_once(step: str, action: Action, told: str) -> None:
    asked = Instruction("x", step)
    assert PlanReader().propose(asked, (), seen(), "both").move == Act(action)
    assert PlanReader().propose(asked, (Done(told),), seen(), "both").move == Finish()
