"""The `computer_use` protocol of Qwen3-VL: tool schema, prompt, and the way back from a call to a `Move`.

Facts (action names, parameters, the call's text format, the 1000x1000 display) follow the published protocol of
the family; the wording is our own. Grid coordinates exist only between this package and the checkpoint.

The functions of this module speak the published form; `ComputerUse` speaks it as a profile wants it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from actuators.action import (
    Action,
    Click,
    Drag,
    Hover,
    LaunchApp,
    PressKeys,
    Scroll,
    Swipe,
    SystemButton,
    TypeText,
    Wait,
)
from actuators.geometry import Point, Screen
from actuators.observation import Observation, Target
from model.base import Done, Instruction, Move, Perception
from model.protocols import calls, elements
from model.protocols.grid import PUBLISHED, Grid
from model.protocols.spoken import MAX_REASON, MAX_TEXT, Narrowing, Prompt, past, window
from model.protocols.tool import RULES, MisusedCall, Tool

__all__ = [
    "ACTIONS",
    "KEYS",
    "TOOL",
    "ComputerUse",
    "Prompt",
    "grammar",
    "parse",
    "prompt",
    "render_call",
    "summary",
    "system_text",
]

ACTIONS = (
    "key",
    "type",
    "mouse_move",
    "left_click",
    "left_click_drag",
    "right_click",
    "middle_click",
    "double_click",
    "triple_click",
    "scroll",
    "hscroll",
    "wait",
    "terminate",
    "answer",
)
"""All fourteen actions of the published enum."""


def _tool(most: int) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": "computer_use",
            "description": f"Drive a graphical interface with mouse and keyboard. The screen measures {most}x{most}.",
            "parameters": {
                "type": "object",
                "required": ["action"],
                "properties": {
                    "action": {"type": "string", "enum": list(ACTIONS)},
                    "keys": {"type": "array", "items": {"type": "string"}},
                    "text": {"type": "string"},
                    "coordinate": {"type": "array", "items": {"type": "integer"}},
                    "pixels": {"type": "number"},
                    "time": {"type": "number"},
                    "status": {"type": "string", "enum": ["success", "failure"]},
                },
            },
        },
    }


TOOL: dict[str, Any] = _tool(PUBLISHED.most)

_CLICKS = {
    "left_click": ("left", 1),
    "right_click": ("right", 1),
    "middle_click": ("middle", 1),
    "double_click": ("left", 2),
    "triple_click": ("left", 3),
}


@dataclass(frozen=True)
class ComputerUse(Tool):
    """The protocol as one profile wants it."""

    slide: int = 1
    """How many steps the window of whole turns moves on at a time; see `spoken.window`."""
    actions: ClassVar[tuple[str, ...]] = ACTIONS
    touching: ClassVar[frozenset[str]] = frozenset({*_CLICKS, "mouse_move", "left_click_drag"})
    thing: ClassVar[str] = "a graphical interface"
    before: ClassVar[str] = "LINE? "

    def published(self) -> Mapping[str, Any]:
        """`TOOL` on this grid."""
        return _tool(self.grid.most)

    def asks(self) -> str:
        """One call, nothing else."""
        return f"Reply with one tool call. {RULES}"

    def prompt(
        self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception, turns: int = 4
    ) -> Prompt:
        """Build the conversation for one step.

        Args:
            asked: the goal, the plan's current step, and a remark of the runtime.
            history: what was done before, oldest first.
            seen: the screen now.
            perception: whether the nodes of the screen are listed too.
            turns: how many earlier steps are at least shown as whole turns (screenshot and reply), up to `slide` - 1
                more; older ones, or all when 0, appear as one line each.
        """
        start = window(len(history), turns, self.slide) if turns else len(history)
        messages: list[dict[str, Any]] = [{"role": "system", "content": [{"type": "text", "text": self.system_text()}]}]
        images: list[Observation] = []
        text = self._asked_text(asked, history[:start])
        for step in history[start:]:
            if step.seen is None:
                text = "\n".join(filter(None, (text, past(step))))
                continue
            images.append(step.seen)
            messages.append(self._user(step.seen, "pixels", text))
            messages.append({"role": "assistant", "content": [{"type": "text", "text": step.reply or step.summary}]})
            text = f"Result of the last call: {step.note}" if step.note else ""
        if asked.hint:  # in the last turn, so that the ones before stay word for word what they were
            text = "\n".join(filter(None, (text, f"Note: {asked.hint}")))
        images.append(seen)
        messages.append(self._user(seen, perception, text))
        return Prompt(messages, tuple(images))

    def _asked_text(self, asked: Instruction, history: Sequence[Done]) -> str:
        done = [f"{n}. {past(step)}" for n, step in enumerate(history, 1)]
        told = "Previous actions:" + ("\n" + "\n".join(done) if done else " none")
        return "\n".join([*self.wanted(asked), told, *self.answered(asked)])

    def _user(self, seen: Observation, perception: Perception, text: str) -> dict[str, Any]:
        parts: list[dict[str, Any]] = [{"type": "image"}]
        if perception == "both":
            listed = elements.describe(seen.nodes, seen.screen, seen.more, grid=self.grid)
            text = f"Elements:\n{listed}\n\n{text}"
        if text:
            parts.append({"type": "text", "text": text})
        return {"role": "user", "content": parts}

    def acts(self, offered: Sequence[str]) -> list[str]:
        """Grammar of the actions that go on."""
        return [rule for names, rule in _ACTS if any(name in offered for name in names)]

    def terms(self, offered: Sequence[str], narrowing: Narrowing) -> list[str]:
        """Grammar of what `acts` names."""
        start = _START if not narrowing.pointer else _START_MAYBE
        if narrowing.drag is not None:
            x, y = narrowing.drag[0]
            start = _START.replace("point", f'"[{x}, {y}]"')
        keys = 'KEY (", " KEY){0,4}'
        if narrowing.keys:
            keys = json.dumps(", ".join(json.dumps(key) for key in narrowing.keys))
        return [
            f"start_point: {start}",
            f"keys: {keys}",
            *_pointed_terminals(offered),
            _TERMINALS % (MAX_TEXT, " | ".join(json.dumps(json.dumps(name)) for name in KEYS), MAX_REASON),
        ]

    def act(self, given: Mapping[str, Any], screen: Screen, pointer: Point | None) -> tuple[Action, Point | None]:
        """One call as an action; a click or a drag without a place begins where the pointer is."""
        action = _action(given["action"], given, _Places(self.grid, screen, pointer))
        return action, _pointer_after(action) or pointer


_PUBLISHED = ComputerUse()


def system_text() -> str:
    """The system message in the published form. Constant."""
    return _PUBLISHED.system_text()


def prompt(
    asked: Instruction,
    history: Sequence[Done],
    seen: Observation,
    perception: Perception,
    turns: int = 4,
    with_goal: bool = True,
) -> Prompt:
    """The conversation for one step in the published form; see `ComputerUse.prompt`."""
    return ComputerUse(with_goal=with_goal).prompt(asked, history, seen, perception, turns)


def summary(action: Action, target: Target | None) -> str:
    """One performed action as a short line for the history: the call's action name and what was under it."""
    words = f' {target.node.role} "{elements.clean(target.node.name)}"' if target and target.node else ""
    match action:
        case Click(count=count, button=button):
            name = {2: "double_click", 3: "triple_click"}.get(count, f"{button}_click")
            return name + words
        case TypeText(text=text):
            return f'type "{elements.clean(text)}"{" into" + words if words else ""}'
        case PressKeys(keys=keys):
            return "key " + "+".join(keys)
        case Scroll(dx=dx, dy=dy):
            return ("scroll down" if dy > 0 else "scroll up") if dy else ("scroll right" if dx > 0 else "scroll left")
        case Drag():
            return "left_click_drag" + words
        case Hover():
            return "mouse_move" + words
        case Wait():
            return "wait"
        case Swipe(start=start, end=end):
            return f"swipe {_way(end.x - start.x, end.y - start.y)}{words}"
        case SystemButton(button=button):
            return f"system_button {button}"
        case LaunchApp(name=name):
            return f'open "{elements.clean(name)}"'
        case _:
            return action.kind + words


def _way(dx: int, dy: int) -> str:
    """Where a finger went, in one word."""
    if abs(dx) > abs(dy):
        return "right" if dx > 0 else "left"
    return "down" if dy > 0 else "up"


def render_call(arguments: dict[str, Any]) -> str:
    """The exact text of one call, as the family writes it."""
    return calls.render("computer_use", arguments)


def parse(reply: str, screen: Screen, pointer: Point | None = None) -> Move:
    """The first move of a reply in the published form.

    Returns `Unreadable` for anything that is not exactly one known action with legal parameters; never raises.
    """
    return _PUBLISHED.moves(reply, screen, pointer)[0]


@dataclass(frozen=True, slots=True)
class _Places:
    """From what a call says to pixels."""

    grid: Grid
    screen: Screen
    pointer: Point | None

    def at(self, arguments: Mapping[str, Any], key: str = "coordinate") -> Point:
        """The named point, or where the pointer is."""
        if arguments.get(key) is not None:
            return self.grid.pixel(arguments[key], self.screen)
        if self.pointer is None:
            raise MisusedCall(f"no {key} and no pointer yet: say where")
        return self.pointer


def _pointer_after(action: Action) -> Point | None:
    match action:
        case Click(at=at) | Hover(at=at) | Scroll(at=at) | Drag(end=at):
            return at
        case _:
            return None


def _action(name: str, arguments: Mapping[str, Any], places: _Places) -> Action:
    if name in _CLICKS:
        button, count = _CLICKS[name]
        return Click(at=places.at(arguments), button=button, count=count)  # type: ignore[arg-type]
    match name:
        case "type":
            return TypeText(text=arguments["text"])
        case "key":
            return PressKeys(keys=tuple(_key(key) for key in arguments["keys"]))
        case "mouse_move":
            return Hover(at=places.grid.pixel(arguments["coordinate"], places.screen))
        case "left_click_drag":
            end = places.grid.pixel(arguments["coordinate"], places.screen)
            return Drag(start=places.at(arguments, "start"), end=end)
        case "scroll" | "hscroll":
            known = arguments.get("coordinate") is not None or places.pointer is not None
            at = places.at(arguments) if known else places.screen.rect.centre
            pixels = int(arguments["pixels"])
            return Scroll(at=at, dy=-pixels) if name == "scroll" else Scroll(at=at, dx=pixels)
        case "wait":
            return Wait(seconds=min(60.0, max(0.0, float(arguments.get("time", 1)))))
    raise ValueError(f"unknown action `{name}`")


_KEY_NAMES = {
    "return": "enter", "control": "ctrl", "esc": "escape", "del": "delete", "ins": "insert", "spacebar": "space",
    " ": "space", "pageup": "page_up", "pgup": "page_up", "pagedown": "page_down", "pgdn": "page_down", "arrowup": "up",
    "arrowdown": "down", "arrowleft": "left", "arrowright": "right", "cmd": "meta", "command": "meta", "super": "meta",
    "win": "meta", "windows": "meta", "option": "alt", "capslock": "caps_lock", "printscreen": "print_screen",
    "prtsc": "print_screen",
}  # fmt: skip
"""Other names of a key, and the one that actuators know."""

KEYS = (
    *"abcdefghijklmnopqrstuvwxyz0123456789",
    *"!#$%&'()*+,-./:;<=>?@[]^_`{|}~",
    *(f"f{number}" for number in range(1, 13)),
    "enter", "tab", "space", "backspace", "delete", "insert", "escape", "up", "down", "left", "right", "home", "end",
    "page_up", "page_down", "shift", "ctrl", "alt", "meta", "caps_lock", "print_screen",
    *(name for name in _KEY_NAMES if name.strip()),
)  # fmt: skip
"""Every key that a constrained reply may name."""


def _key(name: object) -> str:
    if not isinstance(name, str):
        raise MisusedCall(f"a key is called by a name, not {name!r:.40}")
    lowered = name.lower() if name == " " else name.strip().lower()
    return _KEY_NAMES.get(lowered, lowered)


_START = r'"\"start\": " point ", "'
_START_MAYBE = "(" + _START + ")?"
_ACTS: tuple[tuple[tuple[str, ...], str], ...] = (
    ((*_CLICKS, "mouse_move"), r'POINTED "\", \"coordinate\": " point'),
    (("left_click_drag",), r'"left_click_drag\", " start_point "\"coordinate\": " point'),
    (("scroll", "hscroll"), r'SCROLLED "\", " ("\"coordinate\": " place ", ")? "\"pixels\": " PIXELS'),
    (("type",), r'"type\", \"text\": " words'),
    (("key",), r'"key\", \"keys\": [" keys "]"'),
    (("wait",), r'"wait\", \"time\": " SECONDS'),
)
"""Actions, and how their arguments go on after `"action": "`."""
_TERMINALS = r"""PIXELS: /0|-?([1-9][0-9]{0,2}|1[0-9]{3}|2000)/
SECONDS: /0|[1-9]|[1-5][0-9]|60/
TEXT: /"([^"\\\x00-\x1f\x7f]|\\["\\nrt]){0,%d}"/
KEY: %s
LINE: /Action: [^<\x00-\x1f]{1,%d}\n/"""


def _pointed_terminals(offered: Sequence[str]) -> list[str]:
    pointed = [json.dumps(name) for name in (*_CLICKS, "mouse_move") if name in offered]
    scrolled = [json.dumps(name) for name in ("scroll", "hscroll") if name in offered]
    return [
        *([f"POINTED: {' | '.join(pointed)}"] if pointed else []),
        *([f"SCROLLED: {' | '.join(scrolled)}"] if scrolled else []),
    ]


def grammar(
    action_line: bool = False,
    points: Sequence[tuple[int, int]] = (),
    words: str = "",
    values: Sequence[str] = (),
    unfinished: bool = False,
    possible: bool = False,
    pressing: bool = True,
    pointer: bool = False,
) -> str:
    """The Lark text of every legal reply in the published form; see `Narrowing` for the arguments."""
    narrowing = Narrowing(tuple(points), words, tuple(values), unfinished, possible, pressing, pointer)
    return ComputerUse(action_line=action_line).grammar(narrowing)
