"""`agent eval osworld --check DIR`: everything that is wrong with a suite or cannot be served, before anything runs."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osworld_eval.osworld.assets import AssetError, Assets
from osworld_eval.osworld.suite import OsworldTask, Suite, SuiteError, read_suite

__all__ = ["Wanted", "main"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked at."""

    folder: Path
    index: str = ""
    """Only the tasks of this index file; all when empty."""
    assets: Path | None = None
    """A cache of files to fill, or with `offline` to compare with."""
    offline: bool = False
    as_json: bool = False


def main(wanted: Wanted) -> int:
    """Print the findings; 0 when every file is OSWorld's format, 1 when one is not, 2 when there is no suite."""
    try:
        suite = read_suite(wanted.folder)
        tasks = suite.tasks if not wanted.index else suite.listed(wanted.index.removesuffix(".json"))
        told = _told(suite, tasks, wanted.index)
        if wanted.assets is not None:
            told["assets"] = _assets(tasks, Assets(wanted.assets, wanted.offline))
    except (SuiteError, AssetError, OSError) as problem:
        print(f"agent eval osworld: {problem}", file=sys.stderr)
        return 2
    print(json.dumps(told, ensure_ascii=False) if wanted.as_json else _lines(told))
    bad = told["broken"] or (told.get("assets") or {}).get("problems")
    return 1 if bad else 0


def _told(suite: Suite, tasks: tuple[OsworldTask, ...], index: str) -> dict[str, Any]:
    names = {task.name for task in tasks}
    about = [one for one in suite.problems if not index or one.task in names or one.task.startswith(index)]
    runnable = {task.name for task in suite.runnable}
    kinds = {
        kind: [{"task": one.task, "where": one.where, "what": one.what} for one in about if one.kind == kind]
        for kind in ("broken", "unsupported", "note")
    }
    return {
        "folder": str(suite.folder),
        "digest": suite.digest,
        "tasks": len(tasks),
        "runnable": sum(task.name in runnable for task in tasks),
        "domains": dict(sorted(Counter(task.domain for task in tasks).items())),
        "scoring": dict(sorted(Counter(task.scoring for task in tasks).items())),
        "infeasible": sum(task.evaluator.infeasible for task in tasks),
        "indexes": {name: len(listed) for name, listed in suite.indexes.items()},
        "files": len({url for task in tasks for url in task.assets}),
        "broken": kinds["broken"],
        "unsupported": kinds["unsupported"],
        "notes": kinds["note"],
    }


def _assets(tasks: tuple[OsworldTask, ...], assets: Assets) -> dict[str, Any]:
    problems, size, count = [], 0, 0
    for url in dict.fromkeys(url for task in tasks for url in task.assets):
        try:
            size += assets.get(url).size
            count += 1
        except AssetError as problem:
            problems.append(str(problem))
    return {"files": count, "bytes": size, "problems": problems}


def _lines(told: dict[str, Any]) -> str:
    lines = [
        f"{told['tasks']} tasks in {told['folder']}, {told['runnable']} of them can be run",
        "  " + ", ".join(f"{name} {count}" for name, count in told["domains"].items()),
        f"  scored by: {', '.join(f'{name} {count}' for name, count in told['scoring'].items()) or 'nothing'}; "
        f"{told['infeasible']} are infeasible on purpose; {told['files']} files are downloaded",
        *(f"  index {name}: {count}" for name, count in told["indexes"].items()),
    ]
    for kind, head in (("broken", "not OSWorld's format, left out"), ("unsupported", "not supported")):
        if told[kind]:
            lines.append(f"{head}:")
            lines += [
                f"  {one['task']}: {one['where'] + ': ' if one['where'] else ''}{one['what']}" for one in told[kind]
            ]
    for what, count in Counter(one["what"] for one in told["notes"]).items():
        lines.append(f"note, {count} times: {what}")
    if "assets" in told:
        lines.append(f"files in the cache: {told['assets']['files']}, {told['assets']['bytes']} bytes")
        lines += [f"  {problem}" for problem in told["assets"]["problems"]]
    return "\n".join(lines)
