"""What an assistant may ask for: the task files and flows in folders that the operator has named, and their own runs.

Things are looked up by the names that were listed; nothing that an assistant says is taken for a path.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.run_folder import list_runs
from agent.task import Task, TaskError, load_task

__all__ = ["NotThere", "Shelf"]

_MOST = 500


class NotThere(Exception):
    """There is no such task, flow or run. One line."""


class Shelf:
    """Looks at the folders anew whenever it is asked.

    Args:
        folders: where task files and flows lie.
        runs: where run folders are kept; a verified run there has left a flow.
    """

    def __init__(self, folders: Sequence[Path], runs: Path) -> None:
        self._folders, self._runs = tuple(folders), runs

    def told(self) -> dict[str, Any]:
        """Every task with its goal and inputs, every flow, and what cannot be read."""
        tasks, problems = [], []
        for name, path in sorted(self._files(flows=False).items()):
            try:
                tasks.append(_told(name, load_task(path)))
            except TaskError as error:
                problems.append(error.lines[0])
        flows = [{"flow": name} for name in sorted(self._files(flows=True))]
        flows += [{"flow": one.id} for one in list_runs(self._runs)[:50] if (one.folder.path / "flow.yaml").is_file()]
        return {"tasks": tasks, "flows": flows, "unreadable": problems}

    def task(self, name: str) -> Path:
        """Raises `NotThere`."""
        return self._found(name, self._files(flows=False), "task")

    def flow(self, name: str) -> Path:
        """A flow in the folders, or the one that a run has left, by the run's id. Raises `NotThere`."""
        left = {one.id: one.folder.path / "flow.yaml" for one in list_runs(self._runs)}
        runs = {run: path for run, path in left.items() if path.is_file()}
        return self._found(name, {**runs, **self._files(flows=True)}, "flow")

    def _found(self, name: str, files: dict[str, Path], what: str) -> Path:
        if name not in files:
            few = ", ".join(f"`{one}`" for one in sorted(files)[:8]) or "none"
            raise NotThere(f"there is no {what} `{name[:80]}`; there are: {few}")
        return files[name]

    def _files(self, flows: bool) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for name, path in self._each():
            if path.name.endswith("flow.yaml") is flows:
                found.setdefault(name, path)
        return found

    def _each(self) -> Iterator[tuple[str, Path]]:
        for folder in self._folders:
            if folder.is_file():
                yield folder.name, folder
                continue
            for path in sorted(folder.rglob("*.yaml"))[:_MOST]:
                if "sites" not in path.relative_to(folder).parts and path.is_file():
                    yield path.relative_to(folder).as_posix(), path


def _told(name: str, task: Task) -> dict[str, Any]:
    file = task.file
    [surface] = [kind for kind in type(file.surface).model_fields if getattr(file.surface, kind) is not None]
    inputs = {}
    for one, spec in file.inputs.items():
        plain = spec.model_dump(mode="json", exclude_none=True)
        inputs[one] = {key: str(value) if key == "default" else value for key, value in plain.items()}
    return {"task": name, "goal": file.goal, "surface": surface, "inputs": inputs, "secrets": list(file.secrets)}
