"""What a run leaves in its folder, so that it can go on, and so that upstream's own scripts read it.

    manifest.json                   what was played: see `manifest`
    rows.jsonl                      one line for each attempt
    results/                        upstream's layout, for its `show_result.py` and others:
      <action space>/<observation type>/<model>/args.json
      <action space>/<observation type>/<model>/<domain>/<id>/result.txt, traj.jsonl, step_*.png, runtime.log
      summary/results.json
    results_2/, results_3/ ...      the same for further repeats, each a run of its own to upstream
    runs/<id>/                      our run folders: journal, frames, report.html

A task is finished when it has a score. One that has none, for whatever reason, is played again by the same command.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from osworld_eval.osworld.row import Row, row_from

__all__ = ["KEEP", "MANIFEST", "ROWS", "Results", "ResultsUnusable", "read_rows", "slug"]

MANIFEST, ROWS = "manifest.json", "rows.jsonl"
ACTION_SPACE = "pyautogui"
KEEP = ("all", "failed", "none")
"""Which run folders stay."""


class ResultsUnusable(Exception):
    """A folder of results cannot be used. One line."""


class Results:
    """One run's folder. Use as a context manager: no second process may write to it meanwhile.

    Args:
        folder: made if missing.
        model: what upstream's layout calls the agent.
        perception: `pixels` or `both`, for the name of the observation type.
        keep: which run folders stay: `all`, `failed` (those without a full score) or `none`.

    Raises:
        ResultsUnusable: on entering: it cannot be written or read, or is in use.
    """

    def __init__(self, folder: Path, model: str, perception: str, keep: str = "all") -> None:
        self.folder = folder
        self._inner = f"{ACTION_SPACE}/{'screenshot' if perception == 'pixels' else 'screenshot_a11y_tree'}/{model}"
        self._keep = keep
        self._lock: Any = None
        self.attempts: list[Row] = []
        """Everything that was ever played here, in order."""

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.folder / ".lock")
            self.attempts = read_rows(self.folder, mend=True)
            shutil.rmtree(self.work, ignore_errors=True)
            self.work.mkdir()
        except OSError as error:
            said = (error.strerror or str(error)).lower()
            raise ResultsUnusable(f"`{self.folder}` cannot be used for results: {said}") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()

    @property
    def work(self) -> Path:
        """Where attempts leave their files until they are taken; on the same disk."""
        return self.folder / ".work"

    @property
    def last(self) -> dict[tuple[str, int], Row]:
        """The row that counts for each task and repeat: the one with a score, else the newest."""
        return counting(self.attempts)

    def begin(self, settings: dict[str, Any], repeats: int) -> None:
        """Write `args.json` where upstream's runners do."""
        for repeat in range(1, repeats + 1):
            place = self._tree(repeat) / self._inner
            place.mkdir(parents=True, exist_ok=True)
            (place / "args.json").write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n", "utf-8")

    def take(self, row: Row, folder: Path | None) -> Row:
        """Keep a row and its attempt's files; returns it with their places.

        Raises:
            ResultsUnusable: the disk does not take them.
        """
        try:
            placed = self._placed(row, folder)
            with (self.folder / ROWS).open("a", encoding="utf-8") as file:
                file.write(json.dumps(placed.plain(), ensure_ascii=False) + "\n")
            self.attempts.append(placed)
            self._summary(placed)
        except OSError as error:
            raise ResultsUnusable(f"`{self.folder}` cannot be written: {(error.strerror or 'error').lower()}") from None
        return placed

    def _tree(self, repeat: int) -> Path:
        return self.folder / ("results" if repeat == 1 else f"results_{repeat}")

    def _placed(self, row: Row, folder: Path | None) -> Row:
        inner = Path(self._tree(row.repeat).name, self._inner, row.task)
        if folder is None:
            return replace(row, run="", files="")
        if (made := folder / "upstream").is_dir():
            place = self.folder / inner
            shutil.rmtree(place, ignore_errors=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            made.rename(place)
        run = self._keep_run(row, folder)
        shutil.rmtree(folder, ignore_errors=True)
        return replace(row, run=run, files=inner.as_posix())

    def _keep_run(self, row: Row, folder: Path) -> str:
        """Move the run folder to the others, where it is to stay; returns its name."""
        made = folder / "runs" / row.run
        unwanted = self._keep == "none" or (self._keep == "failed" and row.score == 1.0)
        if not row.run or unwanted or not made.is_dir():
            return ""
        place = self.folder / "runs" / row.run
        place.parent.mkdir(exist_ok=True)
        made.rename(place)
        return row.run

    def _summary(self, row: Row) -> None:
        """Upstream's list of everything that ended, as its multi-process runners append to it."""
        path = self._tree(row.repeat) / "summary" / "results.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            told = json.loads(path.read_text("utf-8")) if path.exists() else []
        except ValueError:
            told = []
        entry: dict[str, Any] = {
            "application": row.domain,
            "task_id": row.task.partition("/")[2],
            "status": "success" if row.finished else "error",
            "score": row.score if row.score is not None else 0.0,
            "timestamp": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.began + row.seconds)),
        }
        if not row.finished:
            entry["err_message"] = row.reason
        part = path.with_suffix(".part")
        part.write_text(json.dumps([*told, entry], indent=2, ensure_ascii=False) + "\n", "utf-8")
        part.replace(path)


def counting(attempts: Iterable[Row]) -> dict[tuple[str, int], Row]:
    """The row that counts for each task and repeat."""
    found: dict[tuple[str, int], Row] = {}
    for row in attempts:
        before = found.get(row.key)
        if before is None or not before.finished:
            found[row.key] = row
    return found


def read_rows(folder: Path, mend: bool = False) -> list[Row]:
    """All rows of a folder, in order.

    Args:
        folder: of results.
        mend: whether a last line that was torn off while it was written is taken away; it is passed over anyway.

    Raises:
        ResultsUnusable: a line is no row.
    """
    path = folder / ROWS
    if not path.exists():
        return []
    lines = path.read_text("utf-8").splitlines()
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(row_from(json.loads(line)))
        except (ValueError, TypeError):
            if number < len(lines):
                raise ResultsUnusable(f"`{path}`, line {number}: no row of this benchmark") from None
            if mend:
                path.write_text("".join(f"{one}\n" for one in lines[:-1]), "utf-8")
    return rows


def slug(name: str) -> str:
    """A name that can be a folder's."""
    last = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[-80:]
    return last or "agent"


def _locked(path: Path) -> Any:
    """Hold the folder. Raises `ResultsUnusable` where another process does."""
    file = path.open("w")
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # Windows has no flock; two runs into one folder are not noticed there
        pass
    except OSError:
        file.close()
        raise ResultsUnusable(
            f"`{path.parent}` is being written by another run: wait for it, or name another"
        ) from None
    return file
