"""Three hundred strings, typed and read back exactly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from contract.actuator import do, named, press
from desktop_stage import DesktopStage
from typed_strings import KINDS, strings, type_and_read

from actuators.action import PressKeys, TypeText

pytestmark = pytest.mark.display


def test_strings_of_every_kind_are_typed_exactly(begin_desktop: Callable[[], DesktopStage]) -> None:
    assert type_and_read(begin_desktop(), strings()[: 2 * len(KINDS)]) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_three_hundred_strings_are_typed_exactly(begin_desktop: Callable[[], DesktopStage]) -> None:
    found = strings()
    assert len(found) == 300 and len(set(found)) > 290
    assert type_and_read(begin_desktop(), found) == []


def test_more_characters_than_there_are_free_keys_are_typed_exactly(begin_desktop: Callable[[], DesktopStage]) -> None:
    text = "".join(chr(0x4E00 + 7 * n) for n in range(60))
    assert type_and_read(begin_desktop(), [text]) == []


def test_what_is_copied_is_pasted_elsewhere_by_keys_that_are_acts_like_any_other(
    begin_desktop: Callable[[], DesktopStage],
) -> None:
    """The clipboard is the programs' own; each key of it needs its permit, and the field says what has come."""
    stage, text = begin_desktop(), "Käse; $(rm -rf ~) 日本茶 🍵"
    press(stage, "Name")
    do(stage, TypeText(text=text))
    for keys in (("ctrl", "a"), ("ctrl", "c")):
        assert do(stage, PressKeys(keys=keys)).status == "done"
    press(stage, "Notes")
    receipt = do(stage, PressKeys(keys=("ctrl", "v")))
    assert (receipt.status, receipt.performed) == ("done", PressKeys(keys=("ctrl", "v")))
    assert stage.inner("Notes") == stage.inner("Name") == text
    assert named(stage.actuator.observe(), "Notes").value == text
