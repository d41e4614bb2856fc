"""OSWorld's folder of tasks, read as it is and looked over whole before anything runs.

Nothing in a task file is run, fetched or believed here: it is data. A file that is wrong is told of and left out; one
that asks for what cannot be served is told of with the reason and kept, marked.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from osworld_eval.osworld import vocabulary as say
from osworld_eval.osworld.vocabulary import Word

__all__ = ["Check", "Evaluator", "OsworldTask", "Problem", "Step", "Suite", "SuiteError", "read_suite"]

Platform = Literal["linux", "windows"]
_MOST_BYTES = 4 * 2**20
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SKIPPED = "onboard"
"""Upstream's runner passes over a task of this name."""


class SuiteError(Exception):
    """There is no suite to read. One line."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing about one task."""

    task: str
    """`DOMAIN/ID`, or the name of an index file."""
    where: str
    """A path into the file: `evaluator.result[0].type`; empty for the file itself."""
    what: str
    kind: Literal["broken", "unsupported", "note"]
    """broken: not OSWorld's format, the task is left out. unsupported: cannot be served here. note: worth knowing."""

    def __str__(self) -> str:
        return f"{self.task}: {self.where + ': ' if self.where else ''}{self.what}"


@dataclass(frozen=True, slots=True)
class Step:
    """A setup step."""

    type: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One metric with what it is given."""

    func: str
    result: Mapping[str, Any] | None
    expected: Mapping[str, Any] | None
    """None where the metric is given the result alone."""
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evaluator:
    """How a task is scored."""

    checks: tuple[Check, ...]
    conj: Literal["and", "or"]
    postconfig: tuple[Step, ...]
    listed: bool
    """Whether the file has lists, which upstream joins by `conj`."""

    @property
    def infeasible(self) -> bool:
        """Whether the right answer is that it cannot be done."""
        return not self.listed and self.checks[0].func == "infeasible"


@dataclass(frozen=True, slots=True)
class OsworldTask:
    """One task file."""

    domain: str
    id: str
    instruction: str
    snapshot: str
    config: tuple[Step, ...]
    evaluator: Evaluator
    proxy: bool
    platform: Platform
    path: Path
    digest: str
    """SHA-256 of the file."""
    assets: tuple[str, ...]
    """Addresses of files that its setup and its scoring download, in the order they are named."""
    apps: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.domain}/{self.id}"

    @property
    def scoring(self) -> Literal["none", "light", "full"]:
        """Which set of scoring packages it needs."""
        if self.evaluator.infeasible:
            return "none"
        return "full" if any(check.func in say.FULL for check in self.evaluator.checks) else "light"


@dataclass(frozen=True, slots=True)
class Suite:
    """Everything in a folder."""

    folder: Path
    tasks: tuple[OsworldTask, ...]
    problems: tuple[Problem, ...]
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Index files by name, each with the tasks it lists as `DOMAIN/ID`."""

    @property
    def runnable(self) -> tuple[OsworldTask, ...]:
        """Tasks about which nothing is unsupported."""
        stopped = {problem.task for problem in self.problems if problem.kind != "note"}
        return tuple(task for task in self.tasks if task.name not in stopped)

    @property
    def digest(self) -> str:
        """SHA-256 over all names and digests: the same for the same files, whatever the folder."""
        lines = "".join(sorted(f"{task.platform} {task.name} {task.digest}\n" for task in self.tasks))
        return hashlib.sha256(lines.encode()).hexdigest()

    def listed(self, index: str) -> tuple[OsworldTask, ...]:
        """The tasks of an index file, in its order. Raises `SuiteError` for one that is not there."""
        if index not in self.indexes:
            known = ", ".join(sorted(self.indexes)) or "none"
            raise SuiteError(f"there is no index `{index}` in {self.folder}, expected one of: {known}")
        by_name = {task.name: task for task in self.tasks if task.platform == "linux"}
        return tuple(by_name[name] for name in self.indexes[index] if name in by_name)


def read_suite(folder: Path) -> Suite:
    """Read `evaluation_examples/`, or the folder above it.

    Raises:
        SuiteError: there are no tasks in it.
    """
    root = next((one for one in (folder, folder / "evaluation_examples") if (one / "examples").is_dir()), None)
    if root is None:
        raise SuiteError(f"{folder} is no OSWorld folder, expected `evaluation_examples/` with `examples/` in it")
    tasks: list[OsworldTask] = []
    problems: list[Problem] = []
    platforms: tuple[tuple[str, Platform], ...] = (("examples", "linux"), ("examples_windows", "windows"))
    for name, platform in platforms:
        for path in sorted((root / name).glob("*/*.json")):
            if path.stem == _SKIPPED:
                continue
            reader = _Reader(f"{path.parent.name}/{path.stem}")
            task = reader.task(path, platform)
            problems += reader.problems
            if task is not None and not any(problem.kind == "broken" for problem in reader.problems):
                tasks.append(task)
    if not tasks and not problems:
        raise SuiteError(f"there is no task file in {root / 'examples'}, expected `DOMAIN/ID.json`")
    indexes = dict(_indexes(root, problems))
    return Suite(root, tuple(tasks), tuple(problems), indexes)


def _indexes(root: Path, problems: list[Problem]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for path in sorted(root.glob("test_*.json")):
        try:
            told = _read(path)
        except (OSError, ValueError) as error:
            problems.append(Problem(path.name, "", _why(error), "broken"))
            continue
        if not isinstance(told, dict) or not all(isinstance(ids, list) for ids in told.values()):
            problems.append(Problem(path.name, "", "expected an object of domains, each with a list of ids", "broken"))
            continue
        names = [f"{domain}/{one}" for domain, ids in told.items() for one in ids if one != _SKIPPED]
        for name in names:
            if not (root / "examples" / f"{name}.json").is_file():
                problems.append(Problem(path.name, "", f"it lists `{name[:160]}`, which has no file", "broken"))
        for name in sorted({one for one in names if names.count(one) > 1}):
            problems.append(Problem(path.name, "", f"it lists `{name}` twice", "note"))
        yield path.stem, tuple(dict.fromkeys(names))


class _Reader:
    """Reads one task file and collects what is to be said about it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._assets: dict[str, None] = {}
        self.problems: list[Problem] = []

    def task(self, path: Path, platform: Platform) -> OsworldTask | None:
        try:
            data = path.read_bytes()
            told = _read(path, data)
        except (OSError, ValueError) as error:
            self._broken("", _why(error))
            return None
        if not isinstance(told, dict):
            self._broken("", "expected a JSON object")
            return None
        self._top(told, path)
        if platform == "windows":
            self._say("", "is for a Windows machine, which cannot be acted on here", "unsupported")
        config = self._steps(told.get("config") or [], "config")
        evaluator = self._evaluator(told.get("evaluator"))
        if evaluator is None:
            return None
        apps = told.get("related_apps")
        return OsworldTask(
            domain=path.parent.name,
            id=path.stem,
            instruction=str(told.get("instruction", "")),
            snapshot=str(told.get("snapshot", "")),
            config=config,
            evaluator=evaluator,
            proxy=told.get("proxy") is True,
            platform=platform,
            path=path,
            digest=hashlib.sha256(data).hexdigest(),
            assets=tuple(self._assets),
            apps=tuple(map(str, apps)) if isinstance(apps, list) else (),
        )

    def _top(self, told: dict[str, Any], path: Path) -> None:
        for key in say.NEEDED:
            if key not in told:
                self._broken(key, "is missing")
        for key in sorted(set(told) - say.KEYS - say.IGNORED):
            self._say(key, "is a key that OSWorld's files do not have; it is passed over", "note")
        for key in ("id", "instruction", "snapshot"):
            if key in told and (not isinstance(told[key], str) or (key != "snapshot" and not told[key].strip())):
                self._broken(key, "expected text")
        if isinstance(told.get("id"), str) and told["id"] != path.stem:
            self._broken("id", f"is `{told['id'][:80]}`, expected the file's own name `{path.stem}`")
        if not _ID.fullmatch(path.stem):
            self._broken("id", "can be no folder's name: letters, digits, dots, dashes and underscores")
        if not isinstance(told.get("related_apps", []), list):
            self._broken("related_apps", "expected a list")
        for key in ("proxy", "fixed_ip"):
            if not isinstance(told.get(key, False), bool):
                self._broken(key, "expected true or false")
        if told.get("proxy") is True:
            self._say("proxy", "wants an outbound proxy; without one it meets the live web as it is", "note")

    # Steps

    def _steps(self, told: Any, where: str) -> tuple[Step, ...]:
        if not isinstance(told, list):
            self._broken(where, "expected a list of steps")
            return ()
        found = []
        for place, one in enumerate(told):
            at = f"{where}[{place}]"
            if not isinstance(one, dict) or not isinstance(one.get("type"), str):
                self._broken(at, "expected a step: an object with `type` and `parameters`")
                continue
            parameters = one.get("parameters", {})
            if not isinstance(parameters, dict):
                self._broken(f"{at}.parameters", "expected an object")
                continue
            for key in sorted(set(one) - {"type", "parameters"}):
                self._say(f"{at}.{key}", "is a key that no step has; it is passed over", "note")
            word = say.STEPS.get(one["type"])
            if word is None:
                self._broken(f"{at}.type", f"no setup step is called `{one['type'][:60]}`")
                continue
            self._given(word, parameters, f"{at}.parameters")
            self._step(one["type"], parameters, f"{at}.parameters")
            if word.unsupported:
                self._say(f"{at}.type", f"`{one['type']}`: {word.unsupported}", "unsupported")
            found.append(Step(one["type"], parameters))
        return tuple(found)

    def _given(self, word: Word, given: Mapping[str, Any], where: str) -> None:
        for key in sorted(word.needed - set(given)):
            self._broken(f"{where}.{key}", "is missing")
        if word.more is not None:
            for key in sorted(set(given) - word.needed - word.more - {"type"} - say.IGNORED):
                self._say(f"{where}.{key}", "is no parameter that upstream is known to take", "note")

    def _step(self, kind: str, given: Mapping[str, Any], where: str) -> None:
        """What the values of a step must be."""
        match kind:
            case "download" | "upload_file":
                keys = ("url", "path") if kind == "download" else ("local_path", "path")
                self._files(given.get("files"), keys, f"{where}.files")
            case "launch" | "execute" | "command" | "execute_with_verification":
                self._command(given.get("command"), f"{where}.command")
                self._until(given.get("until", {}), f"{where}.until")
            case "sleep":
                seconds = given.get("seconds")
                if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 3600:
                    self._broken(f"{where}.seconds", "expected a number from 0 to 3600")
            case "activate_window" | "close_window":
                self._text(given.get("window_name"), f"{where}.window_name")
            case "open" | "change_wallpaper":
                self._text(given.get("path"), f"{where}.path")
            case "chrome_open_tabs" | "chrome_close_tabs":
                key = "urls_to_open" if kind == "chrome_open_tabs" else "urls_to_close"
                if not _texts(given.get(key)):
                    self._broken(f"{where}.{key}", "expected a list of addresses")
            case "update_browse_history":
                visits = given.get("history")
                told = ("url", "title", "visit_time_from_now_in_seconds")
                if not isinstance(visits, list) or not all(
                    isinstance(one, dict) and set(told) <= set(one) for one in visits
                ):
                    self._broken(f"{where}.history", f"expected a list of objects with {', '.join(told)}")
            case "googledrive":
                self._google(given, where)

    def _google(self, given: Mapping[str, Any], where: str) -> None:
        operations, args = given.get("operation"), given.get("args")
        if not isinstance(operations, list) or not isinstance(args, list) or len(operations) != len(args):
            self._broken(f"{where}.args", "expected a list as long as `operation`")
            return
        for place, name in enumerate(operations):
            if name not in ("delete", "mkdirs", "upload"):
                self._broken(f"{where}.operation[{place}]", "expected delete, mkdirs or upload")
            elif name == "upload" and isinstance(args[place], dict):
                self._asset(args[place].get("url"), f"{where}.args[{place}].url")

    def _files(self, told: Any, keys: tuple[str, str], where: str) -> None:
        if not isinstance(told, list) or not told:
            self._broken(where, "expected a list of files")
            return
        for place, one in enumerate(told):
            if not isinstance(one, dict) or not all(isinstance(one.get(key), str) and one[key] for key in keys):
                self._broken(f"{where}[{place}]", f"expected an object with {' and '.join(keys)}")
            elif keys[0] == "url":
                self._asset(one["url"], f"{where}[{place}].url")

    def _command(self, told: Any, where: str) -> None:
        if not (isinstance(told, str) and told) and not (_texts(told) and told):
            self._broken(where, "expected text, or a list of texts")

    def _until(self, told: Any, where: str) -> None:
        if not isinstance(told, dict) or set(told) - {"returncode", "stdout", "stderr"}:
            self._broken(where, "expected an object with returncode, stdout or stderr")

    def _text(self, told: Any, where: str) -> None:
        if not isinstance(told, str) or not told:
            self._broken(where, "expected text")

    def _asset(self, url: Any, where: str) -> None:
        if not isinstance(url, str) or not re.match(r"https?://[^/\s]", url):
            self._broken(where, "expected an http or https address")
        else:
            self._assets[url] = None

    # Scoring

    def _evaluator(self, told: Any) -> Evaluator | None:
        if not isinstance(told, dict):
            self._broken("evaluator", "expected an object")
            return None
        known = {"func", "result", "expected", "postconfig", "options", "conj"} | say.IGNORED
        for key in sorted(set(told) - known):
            self._say(f"evaluator.{key}", "is a key that no evaluator has; it is passed over", "note")
        func, conj = told.get("func"), told.get("conj", "and")
        if conj not in ("and", "or"):
            self._broken("evaluator.conj", "expected `and` or `or`")
        postconfig = self._steps(told.get("postconfig") or [], "evaluator.postconfig")
        checks = self._listed(told, func) if isinstance(func, list) else self._single(told, func)
        if not checks:
            return None
        return Evaluator(tuple(checks), "or" if conj == "or" else "and", postconfig, isinstance(func, list))

    def _single(self, told: dict[str, Any], func: Any) -> list[Check]:
        if not isinstance(func, str):
            self._broken("evaluator.func", "expected a metric's name, or a list of them")
            return []
        if func == "infeasible":
            return [Check(func, None, None, {})]
        self._metric(func, "evaluator.func")
        result = self._getter(told.get("result"), "evaluator.result")
        expected = self._getter(told["expected"], "evaluator.expected") if told.get("expected") else None
        options = told.get("options") or {}
        if not isinstance(options, dict):
            self._broken("evaluator.options", "expected an object, as `func` is no list")
            return []
        return [Check(func, result, expected, options)]

    def _listed(self, told: dict[str, Any], funcs: list[Any]) -> list[Check]:
        count = len(funcs)
        if not count or not all(isinstance(one, str) for one in funcs):
            self._broken("evaluator.func", "expected names of metrics")
            return []
        for key in ("result", "expected", "options"):
            value = told.get(key)
            if (value or key == "result") and (not isinstance(value, list) or len(value) != count):
                self._broken(f"evaluator.{key}", f"expected a list of {count}, as long as `func`")
                return []
        found = []
        for place, func in enumerate(funcs):
            if func == "infeasible":
                self._broken(f"evaluator.func[{place}]", "`infeasible` cannot be one of several metrics")
                continue
            self._metric(func, f"evaluator.func[{place}]")
            result = self._getter(told["result"][place], f"evaluator.result[{place}]")
            expected = None
            if told.get("expected"):
                if not told["expected"][place]:
                    self._broken(f"evaluator.expected[{place}]", "is empty, which upstream's evaluator cannot take")
                else:
                    expected = self._getter(told["expected"][place], f"evaluator.expected[{place}]")
            options = (told["options"][place] if told.get("options") else None) or {}
            if not isinstance(options, dict):
                self._broken(f"evaluator.options[{place}]", "expected an object")
                options = {}
            found.append(Check(func, result, expected, options))
        return found

    def _metric(self, name: str, where: str) -> None:
        if say.module_of(name) is None:
            self._broken(where, f"no metric is called `{name[:60]}`")
        elif name in say.NEWER_METRICS:
            self._say(where, f"`{name}` {say.NEWER}", "unsupported")
        elif name in say.UNSERVED_METRICS:
            self._say(where, f"`{name}` {say.UNSERVED_METRICS[name]}", "unsupported")

    def _getter(self, told: Any, where: str) -> Mapping[str, Any] | None:
        if not isinstance(told, dict) or not isinstance(told.get("type"), str):
            self._broken(where, "expected a getter: an object with a `type`")
            return None
        word = say.GETTERS.get(told["type"])
        if word is None:
            self._broken(f"{where}.type", f"no getter is called `{told['type'][:60]}`")
            return None
        self._given(word, told, where)
        if word.unsupported:
            self._say(f"{where}.type", f"`{told['type']}`: {word.unsupported}", "unsupported")
        self._paths(told, where)
        return told

    def _paths(self, told: Mapping[str, Any], where: str) -> None:
        """One path and one name in the cache, or as many of each."""
        if told["type"] not in ("vm_file", "cloud_file"):
            return
        path, dest = told.get("path"), told.get("dest")
        if told.get("multi"):
            if not _texts(path) or not _texts(dest) or len(path or ()) != len(dest or ()):
                self._broken(
                    f"{where}.path", "expected lists of the same length in `path` and `dest`, as `multi` is set"
                )
                return
        elif not isinstance(path, str) or not isinstance(dest, str):
            self._broken(f"{where}.path", "expected text in `path` and in `dest`, as `multi` is not set")
            return
        for name in dest if isinstance(dest, list) else [dest]:
            if name in ("", ".", "..") or "/" in str(name) or "\\" in str(name):
                self._broken(f"{where}.dest", f"`{str(name)[:60]}` is no plain file name: it would leave the cache")
        if told["type"] == "cloud_file":
            for url in path if isinstance(path, list) else [path]:
                self._asset(url, f"{where}.path")

    def _broken(self, where: str, what: str) -> None:
        self._say(where, what, "broken")

    def _say(self, where: str, what: str, kind: Literal["broken", "unsupported", "note"]) -> None:
        self.problems.append(Problem(self._name, where, what, kind))


def _texts(told: Any) -> bool:
    return isinstance(told, list) and all(isinstance(one, str) for one in told)


def _read(path: Path, data: bytes | None = None) -> Any:
    data = path.read_bytes() if data is None else data
    if len(data) > _MOST_BYTES:
        raise ValueError(f"is larger than {_MOST_BYTES} bytes")
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("is nested too deep") from None


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is no JSON: {error.msg} in line {error.lineno}"
    if isinstance(error, UnicodeDecodeError):
        return "is no UTF-8 text"
    return " ".join(str(error).split())[:160]
