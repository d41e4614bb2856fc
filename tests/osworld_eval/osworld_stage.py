"""A tiny suite and a machine that is none: one button on a drawn screen, spoken to in the guest protocol.

Everything here is named by its module, so that worker processes find it.
"""

from __future__ import annotations

import io
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from actuators.action import Click, TypeText, Wait
from actuators.geometry import Point
from model.base import Act, Blocked, Finish, Model, Move
from model.scripted import ScriptedModel
from osworld_eval.osworld.assets import Assets
from osworld_eval.osworld.machine import Machine, MachineFault
from osworld_eval.osworld.scoring.score import Score
from osworld_eval.osworld.setup import SetupFailed
from osworld_eval.osworld.suite import OsworldTask, Step

BUTTON = (100, 100, 180, 140)


def suite(folder: Path, **tasks: str) -> Path:
    """Write a suite with one task for each `name=instruction`; names with `__` in them name their domain."""
    for name, instruction in tasks.items():
        domain, _, id_ = name.rpartition("__")
        domain = domain or "os"
        infeasible = instruction.startswith("Impossible")
        evaluator: dict[str, Any] = {"func": "infeasible"}
        if not infeasible:
            evaluator = {"func": "exact_match", "result": {"type": "vm_command_line", "command": "true"},
                         "expected": {"type": "rule", "rules": {"expected": "yes"}}}  # fmt: skip
        told = {
            "id": id_, "snapshot": "os", "instruction": instruction, "source": "here", "config": [],
            "trajectory": "trajectories/", "related_apps": ["os"], "evaluator": evaluator, "proxy": False,
        }  # fmt: skip
        path = folder / "examples" / domain / f"{id_}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(told))
    return folder


class FakeMachine:
    """Implements `Machine`: a button, and what was typed."""

    kind = "sandbox"
    token: str | None = None
    screen = (320, 240)
    password = "password"

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}
        self.pressed = False
        self.typed = ""
        self.pointer = [0, 0]
        self.resets = 0
        machine = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                machine._answer(self)

            def do_POST(self) -> None:
                machine._answer(self)

            def log_message(self, *said: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def reset(self) -> float:
        self.pressed, self.typed, self.resets = False, "", self.resets + 1
        return 0.0

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        size = int(request.headers.get("Content-Length", 0))
        body = request.rfile.read(size)
        kind, data = "application/json", b"{}"
        match request.path:
            case "/platform":
                kind, data = "text/plain", b"Linux"
            case "/screen_size":
                data = json.dumps({"width": 320, "height": 240}).encode()
            case "/screenshot":
                kind, data = "image/png", self._picture()
            case "/accessibility":
                data = json.dumps({"AT": "<desktop-frame/>"}).encode()
            case "/terminal":
                data = json.dumps({"output": None, "status": "success"}).encode()
            case "/execute":
                data = json.dumps(self._execute(json.loads(body))).encode()
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _picture(self) -> bytes:
        image = Image.new("RGB", self.screen, "white")
        ImageDraw.Draw(image).rectangle(BUTTON, fill="green" if self.pressed else "blue")
        ImageDraw.Draw(image).text((10, 200), self.typed[-40:], fill="black")
        buffer = io.BytesIO()
        image.save(buffer, "png", compress_level=1)
        return buffer.getvalue()

    def _execute(self, told: dict[str, Any]) -> dict[str, Any]:
        """The hand, as far as it is used here; upstream's lines of pyautogui reach it as `python -c`."""
        command = told["command"]
        if command[0] == "python":
            self._line(command[-1])
            return {"status": "success", "output": "", "error": "", "returncode": 0}
        asked = json.loads(command[-1])
        typed = 0
        for name, *given in asked["do"]:
            if name == "move":
                self.pointer = given
            elif name == "click":
                self._press()
            elif name == "type":
                self.typed += "".join(chr(code & 0xFFFF) for code in given[0])
                typed += len(given[0])
        told = {"did": len(asked["do"]), "typed": typed, "own": [], "at": self.pointer}
        return {"status": "success", "output": json.dumps(told), "error": "", "returncode": 0}

    def _line(self, code: str) -> None:
        """What pyautogui would do with one line, by its words."""
        line = code.rpartition("; pyautogui.")[2]
        name, _, rest = line.partition("(")
        if name == "click":
            self.pointer = [int(one) for one in rest.rstrip(")").split(",")]
            self._press()
        elif name == "typewrite":
            self.typed += rest.partition("'")[2].partition("'")[0]

    def _press(self) -> None:
        x, y = self.pointer
        self.pressed |= BUTTON[0] <= x <= BUTTON[2] and BUTTON[1] <= y <= BUTTON[3]


class FakeHands:
    """Implements `Hands`: the score is whether the button was pressed, or whether the impossible was refused."""

    def prepare(self, task: OsworldTask, machine: Machine, assets: Assets, cache: Path) -> None:
        if "broken" in task.id:
            raise SetupFailed("step 1 of 1, `download`: there is no such file", "task")

    def steps(self, steps: Sequence[Step], machine: Machine, assets: Assets, cache: Path) -> None:
        pass

    def score(
        self,
        task: OsworldTask,
        machine: Any,
        cache: Path,
        assets: Assets,
        failed: bool,
        postconfig: Callable[[Sequence[Step]], None],
        mended: frozenset[str],
    ) -> Score:
        if "unscorable" in task.id:
            return Score(None, "", "the metric raised KeyError", 0.0)
        if task.evaluator.infeasible:
            return Score(float(failed), "it is infeasible", None, 0.0)
        return Score(float(machine.pressed and not failed), "the button", None, 0.0)


class FlakyMachine(FakeMachine):
    """Its first reset in each process's life with a marker missing fails; the marker is a file of the environment's."""

    def reset(self) -> float:
        if _once("DESKHAND_TEST_FAULT"):
            raise MachineFault("the machine did not come back")
        return super().reset()


class DyingMachine(FakeMachine):
    """Takes its whole process with it, once."""

    def reset(self) -> float:
        if _once("DESKHAND_TEST_DEATH"):
            os._exit(7)
        return super().reset()


class SlowMachine(FakeMachine):
    """Takes a while to come back."""

    def reset(self) -> float:
        time.sleep(0.8)
        return super().reset()


def _once(name: str) -> bool:
    """Whether this is the first time anywhere; `name` is the environment variable with the marker's path."""
    try:
        Path(os.environ[name]).open("x").close()
    except (FileExistsError, KeyError):
        return False
    return True


def scripts(task: OsworldTask) -> Model:
    """What an author would do: press the button, or say that it cannot be done."""
    moves: list[Move] = [Act(TypeText(text="now")), Act(Click(at=Point(140, 120))), Finish()]
    if task.evaluator.infeasible:
        moves = [Blocked("there is no such thing"), Blocked("there is no such thing")]
    if "idle" in task.id:
        moves = [Act(Wait(seconds=0.1)), Finish()]
    if "scriptless" in task.id:
        raise ValueError(f"there is no script for {task.name}")
    return ScriptedModel(moves, "oracle")
