"""A person at a desktop, by real presses and keys through XTEST: what they did becomes a plan that runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from procs import agent
from test_recording import frames

from actuators.geometry import Point, Rect, Screen
from actuators.observation import Node, Observation
from agent.recording import desktop
from agent.recording.acts import settled
from agent.recording.desk_draft import desk_task
from agent.recording.desktop import DeskWatched, watch_desktop
from agent.recording.heard import Heard, Look
from agent.task import load_task


def _missing() -> str:
    wanted = ("Xvfb", "jwm", "bwrap", "galculator", "mousepad")
    return ", ".join(name for name in wanted if shutil.which(name) is None)


on_a_display = [
    pytest.mark.display,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(bool(_missing()), reason=f"not installed: {_missing()}"),
]


class Person:
    """Hands at a display on a connection of their own, and eyes that know where a thing is."""

    def __init__(self, desktop: Any, look: Callable[[], Any]) -> None:
        from actuators.keyboard import Keyboard
        from actuators.mouse import Mouse
        from actuators.x11 import Server

        self.server = Server(desktop.display.name, desktop.display.authority)
        self.mouse, self.keyboard, self.look = Mouse(self.server), Keyboard(self.server), look

    def press(self, name: str) -> None:
        found = next(node for node in self.look().nodes if node.name == name and node.role != "text")
        self.at(found.rect.centre)

    def at(self, point: Point) -> None:
        self.mouse.move(point)
        self.mouse.click(point, "left", 1)

    def write(self, text: str) -> None:
        self.keyboard.type(text, lambda count: None)

    def chord(self, *held: str, key: str) -> None:
        with self.keyboard.holding((*held, key)):
            pass

    def close(self) -> None:
        self.keyboard.close()
        self.server.close()


def recorded(
    folder: Path, app: str, arguments: tuple[str, ...], home: Path | None, script: Callable[[Person], Iterator[None]]
) -> tuple[DeskWatched, Path]:
    from contract.mint import Mint

    from actuators.a11y_bus import accessibility_bus
    from actuators.desktop import DesktopActuator
    from sandboxes.desktop import Desktop, programs_of
    from sandboxes.jail import DESK

    film = folder / "recording.avi"
    with Desktop(programs_of((app,)), home, folder / "desk", (800, 600)) as desktop:
        bus = accessibility_bus(desktop.bus, desktop.bus.parent, DESK)
        display = desktop.display
        with DesktopActuator(Mint().verifier, display.name, display.authority, bus, desktop) as actuator:
            actuator.open(app, arguments)
            person = Person(desktop, actuator.observe)
            going = script(person)
            looks = 0

            def pulse() -> bool:
                nonlocal looks
                looks += 1
                return bool(looks % 2) or next(going, "over") is None

            watched = watch_desktop(actuator, film, (app,), pulse, display.authority)
            person.close()
    return watched, film


def as_a_sandbox(text: str, folder: Path, **more: Any) -> Path:
    """What a reviewer writes into the draft: where it runs, what it begins with, how it is checked."""
    told = yaml.safe_load(text)
    told["surface"]["desktop"] |= {"sandbox": True, **more.pop("desktop", {})}
    told |= {"policy": {"preset": "sandbox"}, **more}
    place = folder / "task.yaml"
    place.write_text(yaml.safe_dump(told, sort_keys=False, allow_unicode=True))
    return place


class TestOnADisplay:
    pytestmark = on_a_display

    def test_a_sum_that_a_person_did_is_done_again(self, tmp_path: Path) -> None:
        def script(person: Person) -> Iterator[None]:
            for key in ("2", "7", "+", "1", "5", "="):
                person.press(key)
                yield

        watched, film = recorded(tmp_path, "galculator", (), None, script)
        text, notes = desk_task(watched, "sum_up", "Add two numbers.")
        told = yaml.safe_load(text)
        assert told["steps"] == [f'press the "{key}" button' for key in ("2", "7", "+", "1", "5", "=")], notes
        assert told["surface"]["desktop"]["apps"] == ["galculator"] and frames(film)
        task = as_a_sandbox(
            text, tmp_path, desktop={"start": ["galculator"]}, success=[{"kind": "text", "contains": "42"}]
        )
        found = agent(
            "run", task, "--model", "plan", "--approve", "deny", "--json", "--runs", tmp_path / "runs", timeout=200
        )
        assert (found.code, found.last["outcome"]) == (0, "verified"), found.out[-600:] + found.err

    def test_a_line_that_a_person_typed_is_an_input(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        (home / "list.txt").write_text("")

        def script(person: Person) -> Iterator[None]:
            person.at(Point(300, 300))
            yield
            person.write("Tea and Bread")
            yield
            person.chord("ctrl", key="s")
            yield

        watched, _ = recorded(tmp_path, "mousepad", ("list.txt",), home, script)
        text, notes = desk_task(watched, "shopping", "")
        told = yaml.safe_load(text)
        [name] = told["inputs"]
        assert told["inputs"][name]["default"] == "Tea and Bread", (text, notes)
        assert told["steps"][-2:] == [f"type {{{{{name}}}}}", "press the ctrl+s key"]
        checks = [{"kind": "file", "path": "list.txt", "contains": f"{{{{{name}}}}}"}]
        task = as_a_sandbox(text, tmp_path, desktop={"start": ["mousepad", "list.txt"], "home": "home"}, success=checks)
        words = ("run", task, "--model", "plan", "--approve", "deny", "--json", "--runs", tmp_path / "runs")
        found = agent(*words, "--set", f"{name}=Coffee", timeout=200)
        assert (found.code, found.last["outcome"]) == (0, "verified"), found.out[-600:] + found.err


# Without a display


class Slow:
    """A desktop whose looks are late, and a display that tells of keys later still."""

    def __init__(self, *shown: tuple[int, str, list[desktop._Stroke]]) -> None:
        self.shown = [(0, "", list[desktop._Stroke]()), *shown]
        self.at = -1

    def observe(self) -> Observation:
        self.at += 1
        node = replace(entry("Name", value=self.shown[self.at][1]), focused=True)
        frame: Any = None
        return Observation(self.at, 0.0, "desktop", Screen(800, 600), frame, (node,), app="editor")

    def settle(self, seconds: float) -> None: ...

    def now(self) -> int:
        return self.shown[self.at][0]

    def take(self) -> list[desktop._Stroke]:
        return self.shown[self.at][2]

    def add(self, *given: Any) -> None: ...

    def close(self) -> None: ...


def strokes(tick: int, *keys: str) -> list[desktop._Stroke]:
    return [
        desktop._Stroke(0.0, tick + n, char="" if len(key) > 1 else key, key=key if len(key) > 1 else "")
        for n, key in enumerate(keys)
    ]


@pytest.mark.parametrize(
    "shown",
    [
        [(100, "Ada", []), (200, "Ada", strokes(50, *"Ada", "escape"))],  # heard when two looks showed it already
        [(100, "", strokes(50, *"Ada", "escape"))],  # taken back from the screen before any look
        [(100, "Ad", strokes(50, *"Ad")), (200, "Ada", strokes(150, "a")), (300, "", strokes(250, "escape"))],
        [(100, "Ad", strokes(50, *"Ad")), (200, "", strokes(150, "a", "escape"))],
    ],
)
def test_what_was_typed_is_kept_however_late_it_is_heard_and_seen(shown: list[Any]) -> None:
    slow: Any = Slow(*shown)
    watcher = desktop._Watcher(slow, slow, slow, frozenset({"editor"}))
    for _ in shown:
        watcher._look()
    watcher.close()
    done, _ = settled(watcher.watched.heard, watcher.watched.last)
    assert [(one.kind, one.text) for one in done] == [("fill", "Ada"), ("keys", "")]


def desk(*heard: Heard, last: Look | None = None) -> tuple[dict[str, Any], list[str], str]:
    watched = DeskWatched(last or Look("", "", ()), list(heard), {"editor"}, ["one thing was not kept"])
    text, notes = desk_task(watched, "it", "Do it.")
    return yaml.safe_load(text), notes, text


def entry(name: str, height: int = 30, **facts: Any) -> Node:
    return Node(id=f"e{name}", role="textbox", name=name, rect=Rect(0, 0, 200, height), editable=True, **facts)


def test_a_plan_in_words_with_inputs_and_named_secrets(tmp_path: Path) -> None:
    seen = Look("", "", (entry("Name"), entry("PIN", password=True), entry("", 300)))
    told, notes, text = desk(
        Heard("edit", 1, entry("Name", value="Ada"), seen),
        Heard("edit", 2, entry("PIN", password=True), seen, secret=True),
        Heard("edit", 3, entry("", 300, value="old\nTea"), seen, text="Tea"),
        Heard("keys", 4, None, seen, keys=("ctrl", "s")),
        Heard("click", 5, Node(id="b", role="button", name="Send", rect=Rect(0, 0, 9, 9)), seen),
    )
    assert told["steps"] == [
        "type {{name}} into the Name field", "type <secret:pin> into the PIN field", "type {{text}}",
        "press the ctrl+s key", "press Send button",
    ]  # fmt: skip
    assert told["secrets"] == {"pin": {"env": "PIN", "apps": ["editor"]}} and told["inputs"]["text"]["default"] == "Tea"
    assert notes[0] == "one thing was not kept" and "# check: one thing was not kept" in text
    (tmp_path / "task.yaml").write_text(text)
    assert load_task(tmp_path / "task.yaml").name == "it"
