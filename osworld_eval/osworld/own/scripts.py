r"""Plays a task of the suite from a file: what its author would do, or what somebody would who gets it nearly right.

A script is a list of acts in the words below, one to a line, played through the ordinary runtime by a model like any
other. Things are found by the names that accessibility gives them, at the moment they are needed.

    acts:
      - keys: ctrl+end              # pressed together
      - type: "Käse\n"              # wherever the keyboard is
      - click: Save As              # the thing of this name; `double` and `right` are the other ways
      - click: [640, 400]           # a place on the screen, for what has no name
      - {drag: [[10, 20], [30, 40]]}
      - wait: Find and Replace      # until a thing of this name is shown, or a window's title holds it
      - gone: Find and Replace      # until none is
      - launch: mousepad            # one of the task's applications
      - do: check Match case        # a sentence of `model.planned`
    said: done                      # or `fail`: that it cannot be done

A script of a near miss may have `commands` before its acts: programs with arguments, run on the machine without a shell
after the task's own set-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from actuators.action import Action, Click, Drag, LaunchApp, PressKeys, TypeText, Wait
from actuators.geometry import Point
from actuators.observation import Node, Observation
from model.base import Act, Blocked, Done, Finish, Instruction, ModelError, Move, Perception, Reply
from model.planned import PlanReader, understood

__all__ = ["NearMiss", "Player", "Script", "ScriptError", "near_misses", "oracle", "read_scripts"]

_FOLDER = Path(__file__).parent
_WORDS = ("keys", "type", "click", "double", "right", "drag", "wait", "gone", "launch", "do")
_MOST_WAITS = 24
_WAIT_S = 5.0


class ScriptError(ValueError):
    """A script is not there, or is none. One line."""


@dataclass(frozen=True, slots=True)
class Script:
    """Acts in their order, and what is said at the end."""

    acts: tuple[tuple[str, Any], ...]
    """Word and what it is given."""
    said: Literal["done", "fail"] = "done"
    commands: tuple[tuple[str, ...], ...] = ()
    name: str = ""
    """Of a near miss: what is wrong about it."""

    @property
    def names(self) -> bool:
        """Whether it finds things by their names; keys, texts and places need no accessibility tree."""
        return any(word not in ("keys", "type", "drag") and isinstance(given, str) for word, given in self.acts)


NearMiss = Script


def oracle(task: str) -> Script:
    """The script that does a task, by the task's id. Raises `ScriptError`."""
    return read_scripts(_FOLDER / "oracles" / f"{task}.yaml")[0]


def near_misses(task: str) -> tuple[Script, ...]:
    """The scripts that do something else which looks like it. Raises `ScriptError`."""
    return read_scripts(_FOLDER / "near_misses" / f"{task}.yaml")


def read_scripts(path: Path) -> tuple[Script, ...]:
    """One script, or a list of them. Raises `ScriptError` with the file and what is wrong in it."""
    try:
        told = yaml.safe_load(path.read_text("utf-8"))
    except OSError:
        raise ScriptError(f"there is no script {path}") from None
    except yaml.YAMLError as error:
        raise ScriptError(f"{path} is no YAML: {' '.join(str(error).split())[:120]}") from None
    listed = told if isinstance(told, list) else [told]
    if not listed or not all(isinstance(one, dict) for one in listed):
        raise ScriptError(f"{path}: expected a script, or a list of them")
    return tuple(_script(one, path) for one in listed)


def _script(told: Mapping[str, Any], path: Path) -> Script:
    known = {"acts", "said", "commands", "name"}
    if unknown := sorted(set(told) - known):
        raise ScriptError(f"{path}: unknown key `{unknown[0]}`, expected one of {', '.join(sorted(known))}")
    acts = [_act(one, path) for one in told.get("acts") or ()]
    said, commands = told.get("said", "done"), told.get("commands") or ()
    if said not in ("done", "fail"):
        raise ScriptError(f"{path}: said is `{said}`, expected done or fail")
    if not all(isinstance(one, list) and all(isinstance(word, str) for word in one) for one in commands):
        raise ScriptError(f"{path}: expected commands as lists of texts")
    return Script(tuple(acts), said, tuple(map(tuple, commands)), str(told.get("name", "")))


def _act(told: Any, path: Path) -> tuple[str, Any]:
    if not isinstance(told, dict) or len(told) != 1 or next(iter(told)) not in _WORDS:
        raise ScriptError(f"{path}: `{str(told)[:60]}` is no act, expected one of {', '.join(_WORDS)}")
    word, given = next(iter(told.items()))
    pair = word == "drag" and isinstance(given, list) and len(given) == 2 and all(map(_is_place, given))
    named = isinstance(given, str) and bool(given)
    if not (pair or (word != "drag" and named) or (word in ("click", "double", "right") and _is_place(given))):
        raise ScriptError(f"{path}: `{word}` cannot be given `{str(given)[:60]}`")
    if word == "do" and not understood(given):
        raise ScriptError(f"{path}: `{given[:60]}` has none of the forms of a plan's sentence")
    return word, given


def _is_place(told: Any) -> bool:
    return isinstance(told, list) and len(told) == 2 and all(isinstance(one, int) for one in told)


class Player:
    """A `Model` that plays one script, once."""

    def __init__(self, script: Script, name: str = "oracle") -> None:
        self._script = script
        self._name = name
        self._at = 0
        self._waited = 0
        self._since = 0
        self._plan = PlanReader()

    @property
    def name(self) -> str:
        return self._name

    def propose(self, asked: Instruction, history: Sequence[Done], seen: Observation, perception: Perception) -> Reply:
        """The next act of the script that is not over, and what is said at its end.

        Raises:
            ModelError: something it needs is not on the screen: the script or the machine is wrong, not the task.
        """
        while self._at < len(self._script.acts):
            word, given = self._script.acts[self._at]
            move = self._move(word, given, asked, history, seen)
            if move is not None:
                return Reply(move, f"{word}: {given}")
            self._next(history)
        over: Move = Finish() if self._script.said == "done" else Blocked("it cannot be done here")
        return Reply(over, self._script.said)

    def close(self) -> None:
        """Nothing to end."""

    def _next(self, history: Sequence[Done]) -> None:
        self._at, self._waited, self._since = self._at + 1, 0, len(history)

    def _move(
        self, word: str, given: Any, asked: Instruction, history: Sequence[Done], seen: Observation
    ) -> Move | None:
        """What an act wants now; None once it is over."""
        if word in ("wait", "gone"):
            if _shown(given, seen) is (word == "wait"):
                return None
            return self._again(f"`{given}` was waited for", seen)
        if word == "do":
            past = history[self._since :]
            step = Instruction(asked.goal, given)
            move = self._plan.propose(step, past, seen, "both").move
            if isinstance(move, Blocked):
                return self._again(move.reason, seen)
            return None if isinstance(move, Finish) else move
        action = self._action(word, given, seen)
        if action is None:
            return self._again(f"nothing is called `{given}`", seen)
        self._next(history)
        self._since = len(history) + 1
        return Act(action)

    def _action(self, word: str, given: Any, seen: Observation) -> Action | None:
        """The action of an act; None while what it is for is not shown."""
        match word:
            case "keys":
                return PressKeys(keys=tuple(given.split("+")))
            case "type":
                return TypeText(text=given)
            case "launch":
                return LaunchApp(name=given)
            case "drag":
                return Drag(start=Point(*given[0]), end=Point(*given[1]))
            case _:
                at = Point(*given) if isinstance(given, list) else _centre(given, seen)
                if at is None:
                    return None
                return Click(at=at, count=2 if word == "double" else 1, button="right" if word == "right" else "left")

    def _again(self, why: str, seen: Observation) -> Move:
        """Wait a little for what is not there yet."""
        self._waited += 1
        if self._waited > _MOST_WAITS:
            there = ", ".join(sorted({node.name for node in seen.nodes if node.name})[:40])
            raise ModelError(f"script: {why}, and there is only: {there[:600]}")
        return Act(Wait(seconds=_WAIT_S))


def _fold(text: str) -> str:
    return " ".join(text.casefold().split()).removesuffix("…").removesuffix("...")


def _shown(name: str, seen: Observation) -> bool:
    wanted = _fold(name)
    return wanted in _fold(seen.title) or any(_fold(node.name) == wanted for node in seen.nodes)


def _centre(name: str, seen: Observation) -> Point | None:
    """The middle of the thing of this name: one that can be pressed before one that only says it."""
    wanted = _fold(name)
    found: list[Node] = [node for node in seen.nodes if _fold(node.name) == wanted and node.role != "window"]
    found.sort(
        key=lambda node: (not node.enabled, node.role in ("text", "label", "heading", "tooltip"), node.rect.area)
    )
    return found[0].rect.centre if found else None
