"""Upstream's own environment class, with a guest at the other end of a line in place of a virtual machine.

What is scored, in which order and with which metric is decided by `DesktopEnv.evaluate` of the installed package. Its
parts that touch a machine are replaced from outside: how requests travel, who carries out set-up steps, and how its
modules are imported (one by one, when they are asked for).
"""

from __future__ import annotations

import ast
import base64
import importlib
import importlib.util
import io
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from line import Line

HOST = "127.0.0.1"
"""What getters take for the guest's host. The other end of the line knows the real one."""


class Lazy(ModuleType):
    """A package whose `__init__` is read and not run: a name is imported when it is asked for, from where that says."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ImportError(f"{name} is not installed")
        self.__spec__ = spec
        self.__file__ = spec.origin
        self.__path__ = list(spec.submodule_search_locations or ())
        self._homes: dict[str, str] = {}
        for node in ast.parse(Path(spec.origin).read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
                self._homes |= {one.asname or one.name: node.module for one in node.names}

    def __getattr__(self, name: str) -> Any:
        home = self.__dict__.get("_homes", {}).get(name)
        if home is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{self.__name__}.{home}"), name)


def _module(name: str, **names: Any) -> None:
    made = ModuleType(name)
    made.__dict__.update(names)
    sys.modules[name] = made


def prepare() -> type[Any]:
    """Import what can be imported before it is known what is scored; returns upstream's `DesktopEnv`."""
    _module("gymnasium", Env=type("Env", (), {}))
    _module("desktop_env.providers", create_vm_manager_and_provider=None)
    _module("desktop_env.controllers.setup", SetupController=None)
    evaluators = importlib.import_module("desktop_env.evaluators")
    for name in ("metrics", "getters"):
        lazy = Lazy(f"desktop_env.evaluators.{name}")
        sys.modules[lazy.__name__] = lazy
        setattr(evaluators, name, lazy)
    evaluators.metrics.infeasible = lambda: None
    return importlib.import_module("desktop_env.desktop_env").DesktopEnv


def warm(more: list[str]) -> None:
    """Import what nearly every task's getters and metrics do, and `more`, while nobody waits for it yet."""
    for name in ("getters.file", "getters.general", "getters.misc", "metrics.utils", "metrics.general", *more):
        importlib.import_module(f"desktop_env.evaluators.{name}")


def through(line: Line, handed: Path, refused: list[str]) -> None:
    """Let every request that is made with `requests` travel over the line.

    Args:
        line: to whoever carries them out.
        handed: the folder that bodies come in.
        refused: addresses that are not let through are noted here.
    """
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter

    class Adapter(HTTPAdapter):
        def send(self, request: Any, stream: Any = False, timeout: Any = None, **_: Any) -> Any:
            bound = timeout[1] if isinstance(timeout, tuple) else timeout
            body = request.body.encode() if isinstance(request.body, str) else request.body
            answer = line.ask(
                "http",
                method=request.method,
                url=request.url,
                headers={str(name): str(value) for name, value in request.headers.items()},
                body=None if body is None else base64.b64encode(bytes(body)).decode(),
                bound_s=bound,
            )
            if "gone" in answer:
                if answer.get("refused"):
                    refused.append(request.url)
                kind = requests.exceptions.ReadTimeout if answer.get("late") else requests.exceptions.ConnectionError
                raise kind(answer["gone"], request=request)
            if "file" in answer:
                raw: Any = (handed / answer["file"]).open("rb")
            else:
                raw = io.BytesIO(base64.b64decode(answer["body"]))
            response = urllib3.HTTPResponse(
                body=raw, headers=answer["headers"], status=answer["status"], preload_content=False
            )
            return self.build_response(request, response)

    def get_adapter(self: Any, url: str) -> Any:
        return Adapter()

    requests.sessions.Session.get_adapter = get_adapter  # type: ignore[method-assign]


class SetUp:
    """Where upstream's `SetupController` stands: post-configuration is carried out at the other end of the line."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def setup(self, config: list[dict[str, Any]], use_proxy: bool = False) -> bool:
        if config:
            answer = self._line.ask("postconfig")
            if "gone" in answer:
                raise RuntimeError(answer["gone"])
        return True


def environment(desktop_env: type[Any], told: dict[str, Any], cache: Path, line: Line) -> Any:
    """One of upstream's environments, as it is after an episode.

    Args:
        desktop_env: its class.
        told: `id`, `evaluator`, `failed`, `ports`, `retry_s` as they come over the line.
        cache: the folder above the tasks' own.
        line: as `through`.
    """
    env = desktop_env.__new__(desktop_env)
    ports = told["ports"]
    env.vm_ip, env.server_port, env.vnc_port = HOST, ports["server"], 8006
    env.chromium_port, env.vlc_port = ports.get("chromium", 9222), ports.get("vlc", 8080)
    env.provider_name, env.os_type, env.snapshot_name, env.action_space = "docker", "Ubuntu", "init_state", "pyautogui"
    env.enable_proxy = env.current_use_proxy = False
    env.client_password, env.screen_width, env.screen_height = "password", 1920, 1080
    env.cache_dir_base = str(cache)
    env.is_environment_used, env._traj_no, env._step_no = True, 0, 0
    env.action_history = ["FAIL"] if told["failed"] else []
    controllers = importlib.import_module("desktop_env.controllers.python")
    env.controller = controllers.PythonController(vm_ip=HOST, server_port=ports["server"])
    env.controller.retry_interval = told["retry_s"]
    env.setup_controller = SetUp(line)
    env._set_task_info({"id": told["id"], "instruction": "", "config": [], "evaluator": told["evaluator"]})
    return env


def take_in(cache: Path, handed: Path) -> None:
    """Copy the files that the set-up saved: plain files alone, as they were handed in."""
    cache.mkdir(parents=True, exist_ok=True)
    for one in os.scandir(handed) if handed.is_dir() else ():
        if one.is_file(follow_symlinks=False):
            with open(one.path, "rb") as old, open(cache / one.name, "wb") as new:  # noqa: PTH123 - scandir's own path
                while piece := old.read(2**20):
                    new.write(piece)
