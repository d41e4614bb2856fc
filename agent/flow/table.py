"""Tables of inputs: one run for each row of a .csv, .jsonl or .xlsx file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.task_errors import TaskError

__all__ = ["MOST_ROWS", "Row", "read_rows"]

MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the file, from 1 without the head, and its inputs as text. Empty cells are left out."""

    number: int
    inputs: dict[str, str]


def read_rows(path: Path) -> list[Row]:
    """Every row that holds anything. The first line (of a .jsonl the keys) names the inputs.

    Raises:
        TaskError: the file cannot be read, or is no such table; with the line.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".jsonl", ".xlsx"):
        raise TaskError([f"--inputs {path}: expected a .csv, .jsonl or .xlsx file"])
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TaskError([f"--inputs {path}: cannot be read: {(error.strerror or 'error').lower()}"]) from None
    if kind == ".xlsx":
        rows = _xlsx(path, data)
    else:
        rows = _csv(path, _text(path, data)) if kind == ".csv" else _jsonl(path, _text(path, data))
    if not rows:
        raise TaskError([f"--inputs {path}: there is no row in it"])
    if len(rows) > MOST_ROWS:
        raise TaskError([f"--inputs {path}: more than {MOST_ROWS} rows; split the file"])
    return rows


def _text(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TaskError([f"{path}:{line}: this is not UTF-8; save the file as UTF-8"]) from None


def _csv(path: Path, text: str) -> list[Row]:
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True)
    rows: list[Row] = []
    try:
        head = [name.strip() for name in next(reader, [])]
        _check_head(path, head)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(head):
                raise TaskError(
                    [f"{path}:{reader.line_num}: {len(cells)} cells, but {len(head)} names in the first line"]
                )
            given = {name: cell.strip() for name, cell in zip(head, cells, strict=False) if cell.strip()}
            rows.append(Row(len(rows) + 1, given))
    except csv.Error as problem:
        raise TaskError([f"{path}:{reader.line_num}: {problem}"]) from None
    return rows


def _check_head(path: Path, head: list[str]) -> None:
    if not any(head):
        raise TaskError([f"{path}:1: the first line names the inputs, as `origin,destination`"])
    if twice := next((name for name in head if head.count(name) > 1), None):
        raise TaskError([f"{path}:1: the input `{twice}` is named twice"])


def _jsonl(path: Path, text: str) -> list[Row]:
    rows: list[Row] = []
    for line, said in enumerate(text.split("\n"), start=1):  # not splitlines: JSON's texts may hold other line ends
        if not said.strip():
            continue
        try:
            given = json.loads(said)
        except ValueError as problem:
            raise TaskError([f"{path}:{line}: this is no JSON: {problem}"]) from None
        if not isinstance(given, dict) or any(isinstance(value, dict | list) for value in given.values()):
            raise TaskError([f'{path}:{line}: expected one object of plain values, as {{"origin": "Zurich"}}'])
        rows.append(Row(len(rows) + 1, {name: _plain(value) for name, value in given.items() if value is not None}))
    return rows


def _xlsx(path: Path, data: bytes) -> list[Row]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise TaskError([f"--inputs {path}: .xlsx needs openpyxl: pip install 'deskhand[rows]'"]) from None
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        lines = [list(line) for line in book.worksheets[0].iter_rows(values_only=True)]
    except Exception as problem:  # openpyxl raises whatever its parts raise
        raise TaskError([f"--inputs {path}: this is no workbook that can be read: {type(problem).__name__}"]) from None
    head = [_plain(cell).strip() for cell in (lines[0] if lines else [])]
    _check_head(path, head)
    rows: list[Row] = []
    for cells in lines[1:]:
        given = {name: _plain(cell) for name, cell in zip(head, cells, strict=False) if _plain(cell).strip()}
        if given:
            rows.append(Row(len(rows) + 1, given))
    return rows


def _plain(value: Any) -> str:
    """A cell as `--set` takes it: days as 2026-12-14, whole numbers without a point."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dt.datetime():
            return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
        case dt.date():
            return value.isoformat()
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
