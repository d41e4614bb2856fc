"""What holds on every phone, without an app of ours on it: the virtual one, and a real one where a person names it.

    DESKHAND_ANDROID_SERIAL=emulator-5554 pytest tests/android/test_any_phone.py -m android_device

It opens Settings, scrolls in it, starts it again and presses Home; it changes no setting.
"""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from contract.mint import Mint
from PIL import Image

from actuators.action import Action, Click, LaunchApp, Scroll, SystemButton, Wait
from actuators.android import AndroidActuator
from actuators.receipt import Receipt

pytestmark = pytest.mark.android

Phone = tuple[AndroidActuator, Mint]


def act(any_phone: Phone, action: Action) -> Receipt:
    actuator, mint = any_phone
    receipt = actuator.perform(mint.permit(action, actuator.target(action, actuator.observe())))
    actuator.settle()
    return receipt


def test_an_observation_is_a_picture_with_nodes_inside_it(any_phone: Phone) -> None:
    seen = any_phone[0].observe()
    with Image.open(io.BytesIO(seen.frame.png)) as picture:
        assert picture.size == (seen.screen.width, seen.screen.height)
    assert seen.surface == "android" and seen.app == "com.android.settings" and seen.nodes
    assert all(node.rect.area and node.rect.intersect(seen.screen.rect) == node.rect for node in seen.nodes)
    assert len({node.id for node in seen.nodes}) == len(seen.nodes)


def test_the_middle_of_what_can_be_pressed_hits_it(any_phone: Phone) -> None:
    actuator, _ = any_phone
    seen = actuator.observe()
    rows = [node for node in seen.nodes if node.role == "button" and node.name][:3]
    assert rows
    for node in rows:
        target = actuator.target(Click(at=node.rect.centre), seen)
        assert target.node is not None and target.app == "com.android.settings"
        assert seen.node_at(node.rect.centre) is not None


def test_permits_are_used_once_and_not_forged(any_phone: Phone) -> None:
    actuator, mint = any_phone
    seen, wait = actuator.observe(), Wait(seconds=0.1)
    permit = mint.permit(wait, actuator.target(wait, seen))
    assert actuator.perform(replace(permit, signature=bytes(64))).status == "refused"
    assert [actuator.perform(permit).status for _ in range(2)] == ["done", "refused"]


def test_a_list_scrolls_and_comes_back(any_phone: Phone) -> None:
    actuator, _ = any_phone
    seen = actuator.observe()
    down = act(any_phone, Scroll(at=seen.screen.rect.centre, dy=seen.screen.height // 2))
    assert down.status == "done" and actuator.observe().digest != seen.digest
    assert act(any_phone, Scroll(at=seen.screen.rect.centre, dy=-20000)).status == "done"


def test_only_named_apps_are_started_and_home_leaves_them(any_phone: Phone) -> None:
    actuator, _ = any_phone
    assert act(any_phone, LaunchApp(name="com.android.contacts")).status == "failed"
    assert act(any_phone, SystemButton(button="home")).status == "done"
    assert actuator.observe().app != "com.android.settings"
    assert act(any_phone, LaunchApp(name="settings")).status == "done"
    assert actuator.observe().app == "com.android.settings"


def test_a_still_phone_settles(any_phone: Phone) -> None:
    assert any_phone[0].settle(5.0).still
