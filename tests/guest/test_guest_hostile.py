"""Nothing that a model or a screen says is executed in a guest: not in a shell, not as Python, not as an option."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from contract.actuator import do, press
from contract.mint import Mint
from guest_stage import GuestStage

from actuators import guest as module
from actuators.action import LaunchApp, TypeText
from actuators.errors import SurfaceLost, SurfaceUnavailable
from actuators.geometry import Point, Screen
from actuators.guest import GuestActuator
from actuators.guest_nodes import TreeUnreadable, screen_of
from sandboxes.guest import Guest, Ran

HOSTILE = [
    "$(touch /tmp/pwned)", "`touch /tmp/pwned`", "; touch /tmp/pwned #", "| touch /tmp/pwned", "&& touch /tmp/pwned",
    "'; import os; os.system('touch /tmp/pwned') #", '"); __import__("os").system("touch /tmp/pwned") #', "\\'\\\"\\",
    "{SCREEN_WIDTH}%s{0}", "~/x $HOME ${IFS}", "--help -c -x", "\\u0027;exit()\\n", "\u202e}]\"}' <&>",
]  # fmt: skip


class Recorded(Guest):
    """Keeps what would be run."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9")
        self.commands: list[Any] = []
        self.launched: list[Any] = []

    def platform(self) -> str:
        return "Linux"

    def screen_size(self) -> tuple[int, int]:
        return 400, 300

    def accessibility(self, bound_s: float = 60.0) -> str:
        st = 'xmlns:st="https://accessibility.ubuntu.example.org/ns/state"'
        cp = 'xmlns:cp="https://accessibility.ubuntu.example.org/ns/component"'
        box = 'cp:screencoord="(0, 0)" cp:size="(300, 200)"'
        on = 'st:enabled="true" st:sensitive="true" st:editable="true" st:focused="true"'
        return (
            f'<desktop-frame {st} {cp}><application name="a"><frame name="f" st:active="true" {box}>'
            f'<entry name="Field" {on} {box}/></frame></application></desktop-frame>'
        )

    def execute(self, command: Any, shell: bool = False, bound_s: float = 125.0) -> Ran:
        assert shell is False
        self.commands.append(command)
        told = json.loads(command[-1])
        typed = sum(len(act[1]) for act in told["do"] if act[0] == "type")
        return Ran(0, json.dumps({"did": len(told["do"]), "typed": typed, "own": [], "at": told["at"]}), "")

    def launch(self, command: Any, shell: bool = False) -> None:
        self.launched.append((command, shell))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_typed_reaches_the_guest_as_numbers_in_one_argument(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TAKES_S", 0.0)
    monkeypatch.setattr(module, "_EACH_S", 0.0)
    guest, mint = Recorded(), Mint()
    with GuestActuator(guest, mint.verifier()) as actuator:
        action = TypeText(text=text)
        permit = mint.permit(action, actuator._target(action))
        assert actuator.perform(permit).status == "done"
    program = Path(module.__file__).with_name("guest_hand.py").read_text()
    for command in guest.commands:
        assert command[:3] == ["python3", "-c", program] and len(command) == 4
        assert text not in command[3]
    typed = [act for command in guest.commands for act in json.loads(command[3])["do"] if act[0] == "type"]
    assert all(isinstance(symbol, int) for act in typed for symbol in act[1]) and typed


@pytest.mark.parametrize("name", ["mousepad; touch /tmp/pwned", "/bin/sh", "-c", "../x", "xterm", "", "mousepad\n"])
def test_only_named_programs_are_started_and_by_their_names_alone(name: str) -> None:
    guest, mint = Recorded(), Mint()
    with GuestActuator(guest, mint.verifier(), apps=("mousepad", "mousepad; touch /tmp/pwned")) as actuator:
        action = LaunchApp(name=name)
        receipt = actuator.perform(mint.permit(action, actuator._target(action)))
    assert receipt.status == "failed" and guest.launched == []


def test_the_hand_evaluates_nothing() -> None:
    program = Path(module.__file__).with_name("guest_hand.py").read_text()
    called = {
        node.func.id
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"eval", "exec", "compile", "__import__", "getattr", "open"}
    imported = {
        alias.name.partition(".")[0]
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in ([ast.alias(node.module or "")] if isinstance(node, ast.ImportFrom) else node.names)
    }
    assert imported == {"__future__", "json", "sys", "time", "typing", "Xlib"}


@pytest.mark.display
@pytest.mark.timeout(300)
def test_hostile_strings_are_typed_as_they_are_and_run_nothing(begin_guest: Callable[[], GuestStage]) -> None:
    stage = begin_guest()
    text = " ".join(HOSTILE).replace("\\u0027;exit()\\n", "")
    press(stage, "Name")
    receipt = do(stage, TypeText(text=text))
    assert receipt.performed == TypeText(text=text), receipt
    assert stage.inner("Name") == text
    assert stage.actuator._guest.execute(["ls", "/tmp/pwned"]).code != 0


@pytest.mark.parametrize(
    "xml",
    ["", "<a", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "<a>" * 5, '<?xml version="1.0"?><!DOCTYPE lolz []><a/>'],
)
def test_a_tree_that_is_none_is_refused(xml: str) -> None:
    with pytest.raises(TreeUnreadable):
        screen_of(xml, Screen(10, 10))


def test_a_tree_of_nonsense_shows_nothing() -> None:
    deep = "<panel>" * 500 + "</panel>" * 500
    for xml in (f"<d><application><frame>{deep}</frame></application></d>", "<d><application/></d>", "<d/>"):
        shown = screen_of(xml, Screen(10, 10))
        assert shown.nodes == () and shown.at(Point(1, 1)) == (None, None)


def test_a_guest_that_answers_nonsense_is_no_surface() -> None:
    class Odd(Recorded):
        def execute(self, command: Any, shell: bool = False, bound_s: float = 125.0) -> Ran:
            return Ran(0, "[]", "")

    with pytest.raises(SurfaceUnavailable, match="answered something else"):
        GuestActuator(Odd(), Mint().verifier())


def test_a_windows_guest_is_refused() -> None:
    class Other(Recorded):
        def platform(self) -> str:
            return "Windows"

    with pytest.raises(SurfaceUnavailable, match="only Linux"):
        GuestActuator(Other(), Mint().verifier())


def test_a_guest_that_stops_answering_is_lost() -> None:
    guest = Recorded()
    with GuestActuator(guest, Mint().verifier()) as actuator, pytest.raises(SurfaceLost, match="cannot be reached"):
        actuator.observe()
