"""Calls upstream's functions as they are: no jail, no line, no stand-ins but for what no evaluator uses.

For comparing. Cases come as JSON on standard input, outcomes go as JSON lines to standard output: `{"value": 1.0}` or
`{"error": "ValueError"}`. Only our own files are ever given to it.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import io
import json
import logging
import os
import sys
import types
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any


def home_of(package: str, name: str) -> Any:
    """A function of upstream's, from the module that the package's own `__init__` takes it from."""
    if package not in sys.modules:
        spec = importlib.util.find_spec(package)
        assert spec is not None and spec.origin is not None
        bare: Any = types.ModuleType(package)
        bare.__path__, bare.__file__ = list(spec.submodule_search_locations or ()), spec.origin
        sys.modules[package] = bare
    tree = ast.parse(Path(str(sys.modules[package].__file__)).read_text("utf-8"))
    home = [n.module for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names if a.name == name][-1]
    return getattr(importlib.import_module(f"{package}.{home}"), name)


ABSENT = (
    *("pydrive", "pydrive.auth", "pydrive.drive", "easyocr", "fitz", "borb", "borb.pdf", "imagehash", "acoustid"),
    *("skimage", "skimage.color", "skimage.metrics", "cv2", "librosa", "fastdtw"),
)


class Env:
    """What a getter asks its environment for."""

    vm_ip = "127.0.0.1"
    chromium_port, vlc_port = 9222, 8080
    current_use_proxy = False

    def __init__(self, port: int, vlc: int, cache: str) -> None:
        from desktop_env.controllers.python import PythonController

        self.server_port, self.cache_dir, self.vlc_port = port, cache, vlc
        self.controller = PythonController(vm_ip=self.vm_ip, server_port=port)
        self.controller.retry_interval = 0

    @property
    def vm_platform(self) -> str:
        return str(self.controller.get_vm_platform())


def outcome(case: dict[str, Any]) -> Any:
    """One metric with what its getters gave."""
    env = Env(case["port"], case["vlc"], case["cache"])
    told = case["evaluator"]

    def get(config: dict[str, Any]) -> Any:
        return home_of("desktop_env.evaluators.getters", f"get_{config['type']}")(env, config)

    metric = home_of("desktop_env.evaluators.metrics", told["func"])
    try:
        result = get(told["result"])
    except FileNotFoundError:
        return 0
    given = [result, get(told["expected"])] if told.get("expected") else [result]
    return metric(*given, **told.get("options", {}))


def joint(case: dict[str, Any]) -> Any:
    """Several metrics, joined by upstream's own `DesktopEnv.evaluate` on a bare object."""
    evaluator = case["evaluator"]
    for name, names in (
        ("gymnasium", {"Env": object}),
        ("desktop_env.providers", {"create_vm_manager_and_provider": 0}),
    ):
        sys.modules.setdefault(name, types.ModuleType(name)).__dict__.update(names)
    sys.modules.setdefault("desktop_env.controllers.setup", types.ModuleType("setup")).SetupController = object  # type: ignore[attr-defined]
    metrics = [home_of("desktop_env.evaluators.metrics", name) for name in evaluator["func"]]
    getters = {
        kind: [home_of("desktop_env.evaluators.getters", f"get_{one['type']}") for one in evaluator[kind]]
        for kind in ("result", "expected")
        if kind in evaluator
    }
    parent = importlib.import_module("desktop_env.evaluators")
    for name in ("metrics", "getters"):
        setattr(parent, name, sys.modules[f"desktop_env.evaluators.{name}"])
    env: Any = Env(case["port"], case["vlc"], case["cache"])
    env.evaluator, env.action_history, env.enable_proxy = evaluator, case.get("acts", []), False
    env.setup_controller = types.SimpleNamespace(setup=lambda *_: True)
    env.metric, env.metric_conj = metrics, evaluator.get("conj", "and")
    env.result_getter, env.expected_getter = getters["result"], getters.get("expected", [None] * len(metrics))
    env.metric_options = [one or {} for one in evaluator.get("options", [{}] * len(metrics))]
    return importlib.import_module("desktop_env.desktop_env").DesktopEnv.evaluate(env)


class Nothing(types.ModuleType):
    """A package that is not here and that no case calls on."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return object


def main() -> None:
    """Every case in turn."""
    logging.disable(logging.CRITICAL)
    lacking = {top for top in (name.partition(".")[0] for name in ABSENT) if importlib.util.find_spec(top) is None}
    sys.modules.update({name: Nothing(name) for name in ABSENT if name.partition(".")[0] in lacking})
    for name in ("check_list", "compare_table", "compare_pptx_files", "compare_docx_files", "compare_text_file"):
        home_of("desktop_env.evaluators.metrics", name)
    for name in ("get_vm_file", "get_vm_command_line", "get_rule", "get_bookmarks"):
        home_of("desktop_env.evaluators.getters", name)
    for line in sys.stdin:
        child = os.fork()  # upstream's own process keeps the modules that one task's files brought for the next task
        if child == 0:
            print(json.dumps(told_by(json.loads(line))), flush=True)
            os._exit(0)
        os.waitpid(child, 0)


def told_by(case: dict[str, Any]) -> dict[str, Any]:
    """One case's outcome."""
    os.makedirs(case["cwd"], exist_ok=True)  # noqa: PTH103 - a string as it came
    os.chdir(case["cwd"])
    judge = joint if isinstance(case["evaluator"]["func"], list) else outcome
    try:
        with redirect_stdout(io.StringIO()):
            value = judge(case)
    except Exception as error:
        return {"error": type(error).__name__}
    return {"error": "NoNumber"} if value is None else {"value": float(value)}


if __name__ == "__main__":
    main()
