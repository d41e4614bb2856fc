"""Judging by an application's own data: what counts as the task's effect, and what counts against it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from osworld_eval.webapps.state import Effect, Source, StateUnreadable, differences, judge, read

SOURCE = Source("app.db", "pages", passing=r"session|\.git(/.*)?", volatile=frozenset({"seen"}))


def database(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "app.db")) as open_:
        for statement in statements:
            open_.execute(statement)
        open_.commit()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    database(
        tmp_path,
        "create table user (id integer primary key, name text, admin integer, seen text)",
        "create table session (id integer primary key, words text)",
        "insert into user values (1, 'ada', 1, ''), (2, 'mallory', 0, '')",
    )
    (tmp_path / "pages" / ".git").mkdir(parents=True)
    (tmp_path / "pages" / "home.md").write_text("hello\n")
    return tmp_path


def wrong(folder: Path, effects: tuple[Effect, ...], *statements: str, **files: str) -> list[str]:
    before = read(SOURCE, folder)
    database(folder, *statements)
    for name, text in files.items():
        (folder / "pages" / f"{name}.md").write_text(text)
    return judge(effects, differences(before, read(SOURCE, folder), SOURCE.volatile), SOURCE.volatile)


GRACE = Effect("added", "user", {"name": "grace", "admin": 0})
ADDED = "insert into user values (3, 'grace', 0, 'now')"


def test_the_effect_alone_is_right(folder: Path) -> None:
    assert wrong(folder, (GRACE,), ADDED) == []


def test_nothing_done_is_missing(folder: Path) -> None:
    assert wrong(folder, (GRACE,)) == ["missing: added user ? (name=grace, admin=0)"]


def test_sessions_and_times_come_and_go(folder: Path) -> None:
    assert wrong(folder, (GRACE,), ADDED, "insert into session values (1, 'x')", "update user set seen = 'now'") == []


@pytest.mark.parametrize(
    "more",
    [
        "insert into user values (4, 'grace', 0, '')",
        "insert into user values (4, 'eve', 1, '')",
        "delete from user where id = 2",
        "update user set admin = 1 where id = 2",
    ],
)
def test_whatever_else_changes_counts_against_it(folder: Path, more: str) -> None:
    found = wrong(folder, (GRACE,), ADDED, more)
    assert len(found) == 1 and found[0].startswith("unwanted: ")


def test_the_right_row_with_a_wrong_value_is_both_missing_and_unwanted(folder: Path) -> None:
    found = wrong(folder, (GRACE,), "insert into user values (3, 'grace', 1, '')")
    assert [line.split(":")[0] for line in found] == ["missing", "unwanted"]


def test_a_changed_row_may_change_in_the_named_columns_only(folder: Path) -> None:
    effect = (Effect("changed", "user", {"admin": 1}, id="2"),)
    assert wrong(folder, effect, "update user set admin = 1, seen = 'now' where id = 2") == []
    assert wrong(folder, effect, "update user set admin = 0, name = 'm' where id = 2") != []


def test_free_columns_may_hold_anything(folder: Path) -> None:
    effect = (Effect("changed", "user", {"admin": 1}, id="2", free=frozenset({"name"})),)
    assert wrong(folder, effect, "update user set admin = 1, name = 'm' where id = 2") == []


def test_what_is_optional_may_be_missing_but_not_come_twice(folder: Path) -> None:
    effect = (Effect("added", "user", optional=True),)
    assert wrong(folder, effect) == []
    assert len(wrong(folder, effect, ADDED, "insert into user values (4, 'eve', 0, '')")) == 1


def test_files_are_read_and_patterns_are_searched(folder: Path) -> None:
    effect = (Effect("added", "pages", {"text": re.compile("free in winter")}, id="moorings.md"),)
    assert wrong(folder, effect, moorings="Moorings are free in winter\n") == []
    assert wrong(folder, effect, tides="High\n", moorings="Moorings are free in winter\n!") != []


def test_a_database_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    with pytest.raises(StateUnreadable, match="there is no database"):
        read(SOURCE, tmp_path)
    (tmp_path / "app.db").write_text("this is not SQLite, however long it may be" * 40)
    with pytest.raises(StateUnreadable, match=r"app\.db: file is not a database"):
        read(SOURCE, tmp_path)
    with pytest.raises(StateUnreadable, match="there is no such folder"):
        read(Source(files="work"), tmp_path)
