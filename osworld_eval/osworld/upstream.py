"""The other way round: our agent in upstream's runner, and our machines under upstream's agents.

`DeskhandAgent` is an `mm_agents` agent: `reset` and `predict`. Upstream's runner acts for it, by lines of pyautogui, so
that policy, permits and journal are none of this: on a machine that matters, use `agent run`.

`DeskhandEnv` is a `DesktopEnv`: `reset`, `step`, `evaluate` and what agents and runners read of it. What an agent says
is run by the machine's own Python and nowhere else. Files of a result are scored as everywhere here, behind a wall.

Neither needs upstream's packages.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from actuators.geometry import Screen
from actuators.guest_nodes import TreeUnreadable, screen_of
from actuators.nodes import png_size
from actuators.observation import Frame, Node, Observation
from model.base import Act, Done, Instruction, Model, Perception
from model.protocols.computer_use import summary
from osworld_eval.osworld.assets import Assets
from osworld_eval.osworld.episode import Hands
from osworld_eval.osworld.machine import Machine, SandboxMachine
from osworld_eval.osworld.pyautogui_words import DONE, FAIL, WAIT, words_of
from osworld_eval.osworld.suite import OsworldTask, SuiteError, read_suite
from sandboxes.guest import Guest, GuestGone, GuestSaid

__all__ = ["DeskhandAgent", "DeskhandEnv", "line_of"]

_PREFIX = "import pyautogui; import time; pyautogui.FAILSAFE = False; "
_ACT_S = 125.0
_SPECIAL = (WAIT, DONE, FAIL)


class DeskhandAgent:
    """An agent for upstream's runner.

    Args:
        model: as `agent run --model` takes it, or a loaded one; closed with the agent.
        observation_type: `screenshot`, or `screenshot_a11y_tree` where the tree is to be read too.
        action_space: `pyautogui`; there is no other.
        device: of a local model.

    Raises:
        ModelError: no such model.
        ValueError: another action space or observation type.
    """

    def __init__(
        self,
        model: str | Model = "pilot",
        observation_type: str = "screenshot",
        action_space: str = "pyautogui",
        device: str = "auto",
        **ignored: object,
    ) -> None:
        if action_space != "pyautogui":
            raise ValueError(f"action_space `{action_space}`, expected pyautogui")
        if observation_type not in ("screenshot", "screenshot_a11y_tree"):
            raise ValueError(f"observation_type `{observation_type}`, expected screenshot or screenshot_a11y_tree")
        self.action_space = action_space
        self.observation_type = observation_type
        self._perception: Perception = "pixels" if observation_type == "screenshot" else "both"
        if isinstance(model, str):
            from model.load import load_model

            model = load_model(model, device=device)
        self._model = model
        self._log: Any = logging.getLogger("deskhand.agent")
        self._history: list[Done] = []

    @property
    def history(self) -> Sequence[Done]:
        """What was done in this episode."""
        return tuple(self._history)

    def reset(self, _logger: Any = None, vm_ip: str | None = None, **ignored: object) -> None:
        """Forget the episode before. Both forms that upstream's runners call it in are taken."""
        self._log = _logger if _logger is not None else logging.getLogger("deskhand.agent")
        self._history.clear()

    def predict(self, instruction: str, obs: Mapping[str, Any]) -> tuple[str, list[str]]:
        """The model's reply, and what it asks for: a line of pyautogui, `WAIT`, `DONE` or `FAIL`; none for nothing.

        Raises:
            ModelError: the model's machinery broke.
        """
        seen = self._seen(obs)
        reply = self._model.propose(Instruction(instruction), self._history, seen, self._perception)
        words = words_of(reply.move)
        note = "" if words else "nothing was done: the reply could not be carried out here"
        action = reply.move.action if isinstance(reply.move, Act) else None
        did = summary(action, None) if action is not None else reply.move.kind
        self._history.append(Done(did, reply.text, seen, note))
        self._log.info("deskhand: %s", words or note)
        return reply.text, [words] if words else []

    def close(self) -> None:
        """Give the model back."""
        self._model.close()

    def _seen(self, obs: Mapping[str, Any]) -> Observation:
        png = bytes(obs["screenshot"])
        screen = Screen(*png_size(png))
        nodes: tuple[Node, ...] = ()
        tree = obs.get("accessibility_tree")
        if self._perception == "both" and isinstance(tree, str):
            with suppress(TreeUnreadable):
                nodes = screen_of(tree, screen).nodes
        return Observation(
            seq=len(self._history), taken_at=time.time(), surface="guest", screen=screen, frame=Frame(png), nodes=nodes
        )


class _Controller:
    """What upstream's runner and agents ask of `env.controller`."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def get_screenshot(self) -> bytes:
        return self._guest.screenshot()

    def get_accessibility_tree(self) -> str | None:
        with suppress(GuestGone, GuestSaid):
            return self._guest.accessibility()
        return None

    def get_terminal_output(self) -> str | None:
        return self._guest.terminal()

    def get_vm_platform(self) -> str:
        return self._guest.platform()

    def get_vm_screen_size(self) -> dict[str, int]:
        width, height = self._guest.screen_size()
        return {"width": width, "height": height}

    def execute_python_command(self, command: str) -> dict[str, Any] | None:
        """Run lines of Python on the machine, with pyautogui at hand; None where they did not end."""
        try:
            ran = self._guest.execute(["python", "-c", _PREFIX + command], bound_s=_ACT_S)
        except (GuestGone, GuestSaid):
            return None
        return {"status": "success", "output": ran.output, "error": ran.error, "returncode": ran.code}

    def start_recording(self) -> None:
        with suppress(GuestGone, GuestSaid):
            self._guest.start_recording()

    def end_recording(self, dest: str) -> None:
        with suppress(GuestGone, GuestSaid):
            Path(dest).write_bytes(self._guest.end_recording())


class DeskhandEnv:
    """An environment for upstream's agents and runners. One task at a time, in one thread.

    Args:
        machine: one that is there; a desktop sandbox of this environment's own when None.
        action_space: `pyautogui` or `computer_13`.
        cache_dir: where files of tasks are kept.
        screen_size: of a sandbox of its own.
        require_a11y_tree: whether observations hold the accessibility tree, which takes time.
        require_terminal: whether they hold the text of the terminal in front.
        hands: set-up and scoring; the real ones when None.
        offline: no file is fetched.

    Raises:
        MachineFault: there is no sandbox here.
        EnvironmentMissing: the evaluators are not installed.
    """

    def __init__(
        self,
        machine: Machine | None = None,
        action_space: str = "pyautogui",
        cache_dir: str | Path = "cache",
        screen_size: tuple[int, int] = (1920, 1080),
        require_a11y_tree: bool = True,
        require_terminal: bool = False,
        hands: Hands | None = None,
        offline: bool = False,
        **ignored: object,
    ) -> None:
        from osworld_eval.osworld.worker import real_hands

        if action_space not in ("pyautogui", "computer_13"):
            raise ValueError(f"action_space `{action_space}`, expected pyautogui or computer_13")
        self.action_space = action_space
        self.require_a11y_tree = require_a11y_tree
        self.require_terminal = require_terminal
        self.cache_dir_base = Path(cache_dir)
        self.action_history: list[Any] = []
        self.instruction = ""
        self._mine = machine is None
        self._task: OsworldTask | None = None
        self._assets = Assets(self.cache_dir_base / "assets", offline)
        self._real = hands is None
        made: Any = real_hands() if hands is None else hands
        self._hands = made
        if self._real:
            self._hands.__enter__()
        try:
            self.machine = machine if machine is not None else SandboxMachine(screen=screen_size)
        except BaseException:
            self._leave_hands()
            raise
        self._guest = Guest(self.machine.address, self.machine.token or "", 30.0)
        self.controller = _Controller(self._guest)

    # What agents and runners read

    @property
    def vm_ip(self) -> str:
        return urlsplit(self.machine.address).hostname or ""

    @property
    def server_port(self) -> int:
        return urlsplit(self.machine.address).port or 5000

    @property
    def chromium_port(self) -> int | None:
        return self.machine.ports.get("chromium")

    @property
    def vlc_port(self) -> int | None:
        return self.machine.ports.get("vlc")

    @property
    def vm_platform(self) -> str:
        return self._guest.platform()

    @property
    def vm_machine(self) -> str:
        return self._guest.execute(["uname", "-m"]).output.strip()

    @property
    def vm_screen_size(self) -> dict[str, int]:
        return self.controller.get_vm_screen_size()

    @property
    def task_id(self) -> str:
        return self._task.id if self._task is not None else ""

    @property
    def cache_dir(self) -> str:
        return str(self.cache_dir_base / self.task_id)

    # Episodes

    def reset(
        self, task_config: Mapping[str, Any] | None = None, seed: int | None = None, options: object = None
    ) -> dict[str, Any]:
        """Put the machine back, prepare the task, look.

        Raises:
            SuiteError: the task is not OSWorld's format.
            MachineFault, SetupFailed: as upstream's raises whatever went wrong.
        """
        self.action_history.clear()
        self._task = self._read(task_config) if task_config is not None else self._task
        self.machine.reset()
        if self._task is not None:
            self.instruction = self._task.instruction
            self._hands.prepare(self._task, self.machine, self._assets, Path(self.cache_dir))
        return self._get_obs()

    def step(self, action: Any, pause: float = 2) -> tuple[dict[str, Any], float, bool, dict[str, Any]]:
        """One act, then `pause` seconds, then a look.

        Raises:
            ValueError: no action of this action space.
        """
        word, line = line_of(action, self.action_space)
        self.action_history.append(word or action)
        info: dict[str, Any] = {}
        if word == WAIT:
            time.sleep(pause)  # as upstream: the caller says how long
        elif word:
            info = {"done": True} if word == DONE else {"fail": True}
        else:
            self.controller.execute_python_command(line)
        time.sleep(pause)
        return self._get_obs(), 0, word in (DONE, FAIL), info

    def evaluate(self) -> float:
        """The score of what is there now.

        Raises:
            RuntimeError: it cannot be scored, as upstream raises what its evaluators do.
        """
        if self._task is None:
            raise RuntimeError("there is no task: call reset with its configuration first")
        cache = Path(self.cache_dir)

        def postconfig(steps: Any) -> None:
            self._hands.steps(steps, self.machine, self._assets, cache)

        failed = bool(self.action_history) and self.action_history[-1] == FAIL
        score = self._hands.score(self._task, self.machine, cache, self._assets, failed, postconfig, frozenset())
        if score.value is None:
            raise RuntimeError(f"{self._task.name} cannot be scored: {score.error or score.reason}")
        return float(score.value)

    def render(self, mode: str = "rgb_array") -> bytes:
        """The screen as PNG."""
        if mode != "rgb_array":
            raise ValueError(f"mode `{mode}`, expected rgb_array")
        return self._guest.screenshot()

    def close(self) -> None:
        """End the sandbox, if it is this environment's own. May be called twice."""
        if self._mine:
            self.machine.close()
        self._leave_hands()

    def _leave_hands(self) -> None:
        if self._real:
            self._hands.__exit__(None, None, None)
            self._real = False

    def _get_obs(self) -> dict[str, Any]:
        return {
            "screenshot": self._guest.screenshot(),
            "accessibility_tree": self.controller.get_accessibility_tree() if self.require_a11y_tree else None,
            "terminal": self.controller.get_terminal_output() if self.require_terminal else None,
            "instruction": self.instruction,
        }

    def _read(self, told: Mapping[str, Any]) -> OsworldTask:
        """A task as `read_suite` reads it, with its checks. Raises `SuiteError`."""
        name = str(told.get("id", ""))
        if not name or "/" in name or name.startswith("."):
            raise SuiteError(f"`{name[:80]}` is no id of a task")
        folder = self.cache_dir_base / name / "suite"
        path = folder / "examples" / "task" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dict(told)), "utf-8")
        suite = read_suite(folder)
        bad = [problem for problem in suite.problems if problem.kind != "note"]
        if bad or not suite.tasks:
            raise SuiteError("; ".join(str(problem) for problem in bad[:3]) or f"{name} is no task")
        return suite.tasks[0]


# Acts


def line_of(action: Any, action_space: str = "pyautogui") -> tuple[str, str]:
    """`WAIT`, `DONE` or `FAIL` and nothing, or an empty word and a line for the machine's own Python.

    Raises:
        ValueError: no action of this space.
    """
    if isinstance(action, str):
        word = action.strip()
        if word in _SPECIAL:
            return word, ""
        if action_space == "pyautogui" and word:
            return "", action
    if isinstance(action, Mapping):
        kind = str(action.get("action_type", "")).upper()
        if kind in _SPECIAL:
            return kind, ""
        if action_space == "pyautogui" and isinstance(action.get("command"), str):
            return "", str(action["command"])
        if action_space == "computer_13" and kind in _COMPUTER_13:
            given = action.get("parameters")
            return "", _COMPUTER_13[kind](given if isinstance(given, Mapping) else action)
    raise ValueError(f"`{str(action)[:80]}` is no action of {action_space}")


def _at(given: Mapping[str, Any]) -> str:
    """`x, y` where they are given, else nothing: pyautogui then acts where the pointer is."""
    if given.get("x") is None or given.get("y") is None:
        return ""
    return f"{_number(given['x'])}, {_number(given['y'])}"


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e6:
        raise ValueError(f"`{str(value)[:40]}` is no number of pixels")
    return f"{value:g}" if isinstance(value, int) else f"{value:.2f}"


def _button(given: Mapping[str, Any]) -> str:
    button = given.get("button", "left")
    if button not in ("left", "right", "middle"):
        raise ValueError(f"`{str(button)[:40]}` is no button")
    return f"button={button!r}"


def _key(given: Mapping[str, Any]) -> str:
    if not isinstance(given.get("key"), str):
        raise ValueError("a key is a text")
    return repr(given["key"])


def _click(given: Mapping[str, Any]) -> str:
    clicks = given.get("num_clicks", 1)
    if clicks not in (1, 2, 3):
        raise ValueError(f"`{str(clicks)[:40]}` is no number of clicks")
    return f"pyautogui.click({', '.join(filter(None, (_at(given), f'clicks={clicks}', _button(given))))})"


def _scroll(given: Mapping[str, Any]) -> str:
    across, down = _number(given.get("dx", 0)), _number(given.get("dy", 0))
    return f"pyautogui.hscroll(int({across})); pyautogui.vscroll(int({down}))"


def _typing(given: Mapping[str, Any]) -> str:
    from actuators.action import TypeText
    from osworld_eval.osworld.pyautogui_words import code_of

    if not isinstance(given.get("text"), str):
        raise ValueError("what is typed is a text")
    return code_of(TypeText(text=given["text"][:10_000]))


def _hotkey(given: Mapping[str, Any]) -> str:
    keys = given.get("keys")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
        raise ValueError("keys are a list of texts")
    return f"pyautogui.hotkey({', '.join(map(repr, keys))})"


_COMPUTER_13: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "MOVE_TO": lambda given: f"pyautogui.moveTo({_at(given)})",
    "CLICK": _click,
    "MOUSE_DOWN": lambda given: f"pyautogui.mouseDown({_button(given)})",
    "MOUSE_UP": lambda given: f"pyautogui.mouseUp({_button(given)})",
    "RIGHT_CLICK": lambda given: f"pyautogui.rightClick({_at(given)})",
    "DOUBLE_CLICK": lambda given: f"pyautogui.doubleClick({_at(given)})",
    "DRAG_TO": lambda given: f"pyautogui.dragTo({_at(given)}, duration=1.0, button='left')",
    "SCROLL": _scroll,
    "TYPING": _typing,
    "PRESS": lambda given: f"pyautogui.press({_key(given)})",
    "KEY_DOWN": lambda given: f"pyautogui.keyDown({_key(given)})",
    "KEY_UP": lambda given: f"pyautogui.keyUp({_key(given)})",
    "HOTKEY": _hotkey,
}
