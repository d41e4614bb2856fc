"""What an application holds, read from its own database and files, and how two readings differ.

The application and its interface are not asked: rows come from SQLite, texts from the disk. A judge says which
differences a task must bring about; any other difference counts against it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["Change", "Effect", "Row", "Source", "State", "StateUnreadable", "differences", "judge", "read"]

Row = Mapping[str, object]
State = Mapping[tuple[str, str], Row]
"""(table, row id) to the row; (folder, name) to `{"text": ...}` for files."""
Kind = Literal["added", "removed", "changed"]


class StateUnreadable(Exception):
    """The application's data is not where it should be, or is no database. One line."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an application keeps what it holds, and which of it changes by itself."""

    database: str = ""
    """SQLite file, seen from the application's folder."""
    files: str = ""
    """Folder of files, seen from the application's folder."""
    passing: str = r"(?!)"
    """Tables and files that come and go by themselves (sessions, logs, indexes): a pattern for the whole name."""
    volatile: frozenset[str] = frozenset()
    """Columns that say when and by whom: they may change in a row that may change, and alone mean nothing."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row or file that differs."""

    kind: Kind
    table: str
    id: str
    row: Row
    """The whole row as it is or was; of a changed one the changed columns as they are now."""

    def line(self) -> str:
        """In a few words, for people."""
        shown = ", ".join(f"{name}={_short(value)}" for name, value in self.row.items())
        return f"{self.kind} {self.table} {self.id}" + (f" ({shown})" if shown else "")


@dataclass(frozen=True, slots=True)
class Effect:
    """A difference that a task must bring about, or may.

    Attributes:
        holds: values by column, or patterns to be found in them. A changed row must have changed in these columns and
            no others, an added or removed row must hold them.
        id: the row's id or the file's name, where that is known beforehand.
        optional: it may be missing.
        free: columns of a changed row that may hold anything.
    """

    kind: Kind
    table: str
    holds: Row = field(default_factory=dict)
    id: str = ""
    optional: bool = False
    free: frozenset[str] = frozenset()

    def fits(self, change: Change, volatile: frozenset[str]) -> bool:
        """Whether `change` is this effect."""
        if (self.kind, self.table) != (change.kind, change.table) or self.id not in ("", change.id):
            return False
        if any(name not in change.row or not _is(change.row[name], value) for name, value in self.holds.items()):
            return False
        return change.kind != "changed" or not set(change.row) - set(self.holds) - self.free - volatile

    def line(self) -> str:
        """In a few words, for people."""
        return Change(self.kind, self.table, self.id or "?", self.holds).line()


def read(source: Source, folder: Path) -> dict[tuple[str, str], Row]:
    """Everything the application in `folder` holds, less what comes and goes by itself.

    Raises:
        StateUnreadable: it is not there.
    """
    passing = re.compile(source.passing)
    state: dict[tuple[str, str], Row] = {}
    if source.database:
        state.update(_rows(folder / source.database, passing))
    if source.files:
        state.update(_files(folder / source.files, passing))
    return state


def _rows(path: Path, passing: re.Pattern[str]) -> dict[tuple[str, str], Row]:
    if not path.is_file():
        raise StateUnreadable(f"{path}: there is no database")
    found: dict[tuple[str, str], Row] = {}
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            names = [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]
            for name in names:
                if not passing.fullmatch(name):
                    quoted = '"' + name.replace('"', '""') + '"'
                    for row in database.execute(f"select rowid as rowid_, * from {quoted}"):
                        found[name, str(row["rowid_"])] = {key: row[key] for key in row.keys() if key != "rowid_"}  # noqa: SIM118
    except sqlite3.Error as error:
        raise StateUnreadable(f"{path}: {error}") from None
    return found


def _files(folder: Path, passing: re.Pattern[str]) -> dict[tuple[str, str], Row]:
    if not folder.is_dir():
        raise StateUnreadable(f"{folder}: there is no such folder")
    found: dict[tuple[str, str], Row] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not passing.fullmatch(name):
            text = path.read_bytes().decode("utf-8", "replace") if path.is_file() else "(a folder)"
            found[folder.name, name] = {"text": text}
    return found


def differences(before: State, after: State, volatile: frozenset[str] = frozenset()) -> list[Change]:
    """What became of `before`, without rows of which only `volatile` columns changed."""
    found: list[Change] = []
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        if was is None and now is not None:
            found.append(Change("added", *key, now))
        elif now is None and was is not None:
            found.append(Change("removed", *key, was))
        elif was is not None and now is not None:
            changed = {name: now.get(name) for name in {**was, **now} if was.get(name) != now.get(name)}
            if set(changed) - volatile:
                found.append(Change("changed", *key, changed))
    return found


def judge(effects: Sequence[Effect], changes: Iterable[Change], volatile: frozenset[str] = frozenset()) -> list[str]:
    """What is wrong, one line each; empty when every effect happened once and nothing else did."""
    waiting, wrong = list(effects), []
    for change in changes:
        fitting = next((effect for effect in waiting if effect.fits(change, volatile)), None)
        if fitting is None:
            wrong.append(f"unwanted: {change.line()}")
        else:
            waiting.remove(fitting)
    return [f"missing: {effect.line()}" for effect in waiting if not effect.optional] + wrong


def _is(found: object, wanted: object) -> bool:
    return wanted.search(str(found)) is not None if isinstance(wanted, re.Pattern) else found == wanted


def _short(value: object) -> str:
    text = " ".join((value.pattern if isinstance(value, re.Pattern) else str(value)).split())
    return text if len(text) <= 40 else text[:39] + "…"
