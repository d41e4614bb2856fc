"""Writes a folder of task files in OSWorld's format that holds every key, setup step, getter and metric it knows.

    python -m osworld_eval.osworld.generate DIR

None of upstream's tasks are in it: instructions and addresses are made up, `example.invalid` is nobody's. It has as
many tasks for each domain as upstream, so that whatever reads a suite can be tried on one of the same shape and size.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from osworld_eval.osworld import vocabulary as say

__all__ = ["main", "task_file", "write_suite"]

_ASSETS = "https://example.invalid/assets"
_STEPS: dict[str, dict[str, Any]] = {
    "download": {"files": [{"url": f"{_ASSETS}/book.xlsx", "path": "/home/user/book.xlsx"}]},
    "upload_file": {"files": [{"local_path": "assets/a.txt", "path": "/home/user/a.txt"}]},
    "launch": {"command": ["google-chrome", "--remote-debugging-port=1337"], "shell": False},
    "open": {"path": "/home/user/book.xlsx"},
    "execute": {
        "command": ["python", "-c", "import pyautogui; pyautogui.click({SCREEN_WIDTH_HALF}, {SCREEN_HEIGHT_HALF})"],
        "stdout": "out.txt",
        "stderr": "err.txt",
        "shell": False,
        "until": {"returncode": 0},
    },
    "command": {"command": "echo {CLIENT_PASSWORD} | sudo -S true", "shell": True},
    "execute_with_verification": {
        "command": "xterm",
        "verification": {"window_exists": "xterm"},
        "max_wait_time": 10,
        "check_interval": 1.0,
        "shell": False,
    },
    "sleep": {"seconds": 0.5},
    "activate_window": {"window_name": "book.xlsx - LibreOffice Calc", "strict": True, "by_class": False},
    "close_window": {"window_name": "Help"},
    "change_wallpaper": {"path": "/home/user/w.png"},
    "chrome_open_tabs": {"urls_to_open": ["https://example.invalid/"]},
    "chrome_close_tabs": {"urls_to_close": ["https://example.invalid/"]},
    "googledrive": {
        "settings_file": "settings.yml",
        "operation": ["delete", "mkdirs", "upload"],
        "args": [
            {"query": "title = 'a'", "trash": False},
            {"path": ["a"]},
            {"url": f"{_ASSETS}/a.doc", "path": ["a", "a.doc"]},
        ],
    },
    "login": {"settings_file": "settings.json", "platform": "googledrive"},
    "update_browse_history": {
        "history": [{"url": "https://example.invalid/", "title": "A", "visit_time_from_now_in_seconds": 60}]
    },
    "proxy": {"client_password": "password"},
    "tidy_desktop": {},
    "act": {"operation": []},
    "replay": {"trajectory": "x"},
}
_VALUES: dict[str, Any] = {
    "path": "/home/user/book.xlsx", "dest": "book.xlsx", "multi": False, "gives": [0], "time_suffix": False,
    "time_format": "%Y", "file_type": "xlsx", "file_content": "last_row", "command": ["ls", "-l"], "shell": False,
    "rules": {"expected": "a"}, "diff_range_in_minutes": "5", "app_class_name": "vlc",
    "vscode_extension_command": "OpenProject", "file_name": "gimprc", "ppt_file_path": "/home/user/a.pptx",
    "slide_index": 0, "csv_path": "/home/user/a.csv", "goto_prefix": "https://www.", "category": "class",
    "parse_keys": ["q"], "replace": {"q": "x"}, "split_list": True, "partIndex": -1, "needDeleteId": False,
    "returnType": "json", "key": "part", "url": "https://example.invalid/page",
    "infos": [{"action": "inner_text", "selector": "h1"}], "backups": [], "selector": "h1", "class": "a", "order": "1",
    "settings_file": "settings.yml", "path_list": [["a"]], "query": "title = 'a'", "query_list": ["title = 'a'"],
}  # fmt: skip
"""One value for each key of a getter."""


def _getter(name: str, number: int, many: bool) -> dict[str, Any]:
    """One getter; every second one with all its keys."""
    word = say.GETTERS[name]
    keys = sorted(word.needed | ((word.more or frozenset()) if number % 2 == 0 else frozenset()))
    told = {"type": name, **{key: _VALUES.get(key, "x") for key in keys}}
    if name == "cloud_file":
        told["path"] = f"{_ASSETS}/gold_{number}.xlsx"
    if many and name in ("vm_file", "cloud_file"):
        told |= {"multi": True, "path": [told["path"]] * 2, "dest": ["a.xlsx", "b.xlsx"], "gives": [0, 1]}
    return told


def task_file(domain: str, number: int, turn: Callable[[str], str]) -> dict[str, Any]:
    """One task.

    Args:
        domain: its folder.
        number: within the whole suite; decides its shape.
        turn: the next step, getter or metric that has not had its turn: asked with `step`, `getter` or `metric`.
    """
    told: dict[str, Any] = {
        "id": str(uuid.UUID(int=random.Random(f"{domain} {number}").getrandbits(128), version=4)),
        "snapshot": domain,
        "instruction": f"Made-up task {number} of {domain}.",
        "source": ["https://example.invalid/"] if number % 5 == 0 else "https://example.invalid/",
        "config": [_step(turn("step")) for _ in range(number % 3)],
        "trajectory": "trajectories/",
        "related_apps": [domain],
        "evaluator": _evaluator(number, turn),
        "proxy": number % 7 == 0,
        "fixed_ip": number % 46 == 0,
        "possibility_of_env_change": ("low", "medium", "high")[number % 3],
    }
    if number % 50 == 1:
        told["hint"] = "look twice"
    if number % 90 == 2:
        told["env_may_change"] = True
    if number % 97 == 3:
        del told["config"]
    return told


def _step(name: str) -> dict[str, Any]:
    return {"type": name, "parameters": _STEPS[name]}


def _evaluator(number: int, turn: Callable[[str], str]) -> dict[str, Any]:
    if number % 13 == 0:
        return {"func": "infeasible", **({"result": {}, "expected": {}} if number % 2 else {})}
    found: dict[str, Any]
    count = 1 + (number % 6 == 0) + (number % 12 == 0)
    if count == 1 and number % 11:
        found = {"func": turn("metric"), "result": _getter(turn("getter"), number, number % 4 == 0)}
        if number % 5:
            found["expected"] = _getter(turn("getter"), number, False)
        if number % 3 == 0:
            found["options"] = {"ignore_case": True, "_note": "a remark"}
    else:
        found = {
            "func": [turn("metric") for _ in range(count)],
            "result": [_getter(turn("getter"), number + place, place == 1) for place in range(count)],
            "conj": "or" if number % 4 else "and",
        }
        if number % 5:
            found["expected"] = [_getter(turn("getter"), number + place, False) for place in range(count)]
        if number % 2:
            found["options"] = [{} for _ in range(count)]
        found["_config_note"] = "a remark"
    if number % 2:
        found["postconfig"] = [_step(turn("step")) for _ in range(1 + number % 3)]
    return found


def write_suite(folder: Path) -> Path:
    """Write `evaluation_examples/` into a folder that has none; returns it. The same each time.

    Raises:
        FileExistsError: it is there already.
    """
    root = folder / "evaluation_examples"
    root.mkdir(parents=True)
    turns = {
        "step": itertools.cycle(say.STEPS),
        "getter": itertools.cycle(say.GETTERS),
        "metric": itertools.cycle(say.METRICS),
    }
    numbers = itertools.count(1)
    lists: dict[str, dict[str, list[str]]] = {
        "test_all": {},
        "test_small": {},
        "test_nogdrive": {},
        "test_infeasible": {},
    }
    for domain, count in say.DOMAINS.items():
        tasks = [task_file(domain, next(numbers), lambda kind: next(turns[kind])) for _ in range(count)]
        _write(root / "examples" / domain, tasks)
        ids = [str(told["id"]) for told in tasks]
        lists["test_all"][domain] = ids
        lists["test_small"][domain] = ids[:2]
        lists["test_nogdrive"][domain] = [
            str(told["id"]) for told in tasks if "google" not in json.dumps(told["evaluator"])
        ]
        lists["test_infeasible"][domain] = [str(one["id"]) for one in tasks if one["evaluator"]["func"] == "infeasible"]
    for domain, count in say.WINDOWS.items():
        tasks = [task_file(domain, next(numbers), lambda kind: next(turns[kind])) for _ in range(count)]
        _write(root / "examples_windows" / domain, tasks)
    for name, told in lists.items():
        (root / f"{name}.json").write_text(json.dumps(told, indent=4), "utf-8")
    return root


def _write(folder: Path, tasks: Sequence[dict[str, Any]]) -> None:
    folder.mkdir(parents=True)
    for told in tasks:
        (folder / f"{told['id']}.json").write_text(json.dumps(told, indent=2, ensure_ascii=False), "utf-8")


def main(arguments: Sequence[str]) -> int:
    """Write one suite."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m osworld_eval.osworld.generate DIR", file=sys.stderr)
        return 2
    try:
        print(write_suite(Path(arguments[0])))
    except OSError as error:
        print(f"the suite cannot be written: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
