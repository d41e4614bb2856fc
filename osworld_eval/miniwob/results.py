"""Rows on disk: one JSON line an episode, so that an evaluation which was stopped can go on."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

from osworld_eval.miniwob.scores import Row

__all__ = ["Rows", "RowsUnusable"]


class RowsUnusable(Exception):
    """The file of rows cannot be used. One line."""


class Rows:
    """The rows of one agent in one folder; without a folder they are kept in memory alone.

    A file begins with what its rows are of; rows of anything else (another checkpoint in the same place, other
    perception) are never mixed in.

    Raises:
        RowsUnusable: the file is of something else, is broken, or cannot be written.
    """

    def __init__(self, folder: Path | None, agent: str, perception: str, digest: str) -> None:
        self._about = {"agent": agent, "perception": perception, "digest": digest}
        self._path = folder / f"{_slug(agent)}-{perception}.jsonl" if folder else None
        self.rows: dict[tuple[str, int], Row] = {}
        if self._path is None:
            return
        try:
            if self._path.exists():
                self._read(self._path)
            else:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.write_text(json.dumps(self._about) + "\n", encoding="utf-8")
        except OSError as error:
            raise RowsUnusable(f"`{self._path}` cannot be used: {(error.strerror or 'error').lower()}") from None

    def add(self, row: Row) -> None:
        """Keep a row, on disk at once."""
        self.rows[row.task, row.seed] = row
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")

    def _read(self, path: Path) -> None:
        first, *lines = path.read_text("utf-8").splitlines() or [""]
        try:
            about = json.loads(first)
        except ValueError:
            about = None
        if about != self._about:
            raise RowsUnusable(f"`{path}` holds rows of something else: name another folder with --out, or remove it")
        whole = [first]
        for number, line in enumerate(lines, 2):
            try:
                row = Row(**json.loads(line))
            except (ValueError, TypeError):
                if number == len(lines) + 1:  # torn off while it was written
                    path.write_text("\n".join([*whole, ""]), encoding="utf-8")
                    return
                raise RowsUnusable(f"`{path}`, line {number}: no row of this benchmark") from None
            self.rows[row.task, row.seed] = row
            whole.append(line)


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[-60:] or "agent"
