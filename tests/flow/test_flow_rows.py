"""Tables and what is made of the ends of their runs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.flow import rows
from agent.flow.rows import Batch, results_of, run_rows
from agent.flow.table import read_rows
from agent.task import load_task
from agent.task_errors import TaskError

TASK = {
    "version": 1,
    "name": "greet",
    "goal": "Greet {{name}}.",
    "surface": {"browser": {"start": "http://127.0.0.1:1/"}},
    "inputs": {"name": {"type": "string"}, "count": {"type": "int", "default": 1}},
    "success": [{"kind": "text", "contains": "{{name}}"}],
}


def batch(folder: Path, **more: Any) -> Batch:
    place = folder / "task.yaml"
    place.write_text(json.dumps(TASK))
    table = folder / "rows.csv"
    if not table.exists():
        table.write_text("name,count\nAda,1\nGrace,2\nAlan,3\n")
    return Batch(table, load_task(place), ("run", str(place)), {}, folder / "runs", **more)


class Fake:
    """Ends of runs by name, in the order of the tries; and who was run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **ends: list[str]) -> None:
        self.ends = {name: iter(each) for name, each in ends.items()}
        self.ran: list[str] = []
        monkeypatch.setattr(rows._Work, "_one_run", lambda work, one: self(one.row.inputs["name"]))
        monkeypatch.setattr(rows.threading.Event, "wait", lambda event, seconds=None: event.is_set())

    def __call__(self, name: str) -> dict[str, Any]:
        self.ran.append(name)
        ends: Iterator[str] = self.ends.get(name, iter(()))
        return {"outcome": next(ends, "verified"), "because": "as told"}


def told(one: Batch) -> dict[int, str]:
    lines = [json.loads(line) for line in results_of(one.table).read_text().splitlines()]
    return {line["row"]: line["status"] for line in lines}


def test_system_errors_are_tried_again_and_business_errors_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Fake(monkeypatch, Ada=["error", "error"], Grace=["infeasible"], Alan=["error"] * 3)
    one = batch(tmp_path)
    assert run_rows(one) == 1
    assert told(one) == {1: "verified", 2: "business", 3: "system"}
    assert [fake.ran.count(name) for name in ("Ada", "Grace", "Alan")] == [3, 1, 3]


def test_what_may_have_happened_is_never_tried_again_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake(monkeypatch, Ada=["unknown_effect"])
    one = batch(tmp_path)
    assert run_rows(one) == 40 and told(one)[1] == "unknown" and fake.ran.count("Ada") == 1


def test_a_second_time_only_what_failed_is_done_and_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Fake(monkeypatch, Grace=["denied"])
    one = batch(tmp_path)
    assert run_rows(one) == 10
    assert run_rows(one) == 10 and len(fake.ran) == 3
    assert run_rows(batch(tmp_path, rerun_failed=True)) == 0
    assert fake.ran.count("Grace") == 2 and fake.ran.count("Ada") == 1
    assert told(one) == {1: "verified", 2: "verified", 3: "verified"}


def test_a_torn_line_of_the_results_costs_its_row_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake(monkeypatch)
    one = batch(tmp_path)
    run_rows(one)
    lines = results_of(one.table).read_text().splitlines()
    results_of(one.table).write_text("\n".join([*lines[:2], lines[2][:40]]))
    assert run_rows(one) == 0 and fake.ran.count("Alan") == 2 and fake.ran.count("Ada") == 1


def test_several_processes_do_each_row_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.csv").write_text("name\n" + "\n".join(f"N{n}" for n in range(40)) + "\n")
    fake = Fake(monkeypatch)
    assert run_rows(batch(tmp_path, workers=8)) == 0
    assert sorted(fake.ran) == sorted(f"N{n}" for n in range(40))


def test_a_table_none_of_whose_rows_fits_is_a_mistake_of_the_caller(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_text("nam\nAda\n")
    assert run_rows(batch(tmp_path)) == 2
    assert "unknown input `nam`" in capsys.readouterr().err and not results_of(tmp_path / "rows.csv").exists()


def test_three_kinds_of_tables_say_the_same(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    import datetime as dt

    (tmp_path / "a.csv").write_text("\ufeffname;day;count\nAda;2026-12-14;2\n\n;;\n", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"name": "Ada", "day": "2026-12-14", "count": 2, "left": null}\n')
    book = openpyxl.Workbook()
    for line in (["name", "day", "count"], ["Ada", dt.datetime(2026, 12, 14), 2.0], [None, None, None]):
        book.active.append(line)
    book.save(tmp_path / "c.xlsx")
    for name in ("a.csv", "b.jsonl", "c.xlsx"):
        [row] = read_rows(tmp_path / name)
        assert (row.number, row.inputs) == (1, {"name": "Ada", "day": "2026-12-14", "count": "2"}), name


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"name,name\nA,B\n", "a.csv:1: the input `name` is named twice"),
        ("a.csv", b"name\nA,B\n", "a.csv:2: 2 cells, but 1 names"),
        ("a.csv", b"name\n\xff\n", "a.csv:2: this is not UTF-8"),
        ("a.csv", b"name\n", "there is no row in it"),
        ("b.jsonl", b'{"name": "A"}\n[1]\n', "b.jsonl:2: expected one object"),
        ("b.jsonl", b"{\n", "b.jsonl:1: this is no JSON"),
        ("c.xlsx", b"PK nonsense", "this is no workbook"),
        ("d.ods", b"", "expected a .csv, .jsonl or .xlsx file"),
    ],
)
def test_a_wrong_table_is_told_in_one_line(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(TaskError) as caught:
        read_rows(tmp_path / name)
    assert len(caught.value.lines) == 1 and said in caught.value.lines[0]


def test_a_failed_row_that_has_bought_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake(monkeypatch, Ada=["infeasible"])
    one = batch(tmp_path)
    run_rows(one)
    folder = tmp_path / "runs" / "bought"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "journal.jsonl").write_text("")
    lines = [json.loads(line) for line in results_of(one.table).read_text().splitlines()]
    lines[0]["folder"] = str(folder)
    results_of(one.table).write_text("".join(json.dumps(line) + "\n" for line in lines))
    monkeypatch.setattr(rows, "consequential", lambda folder: iter([("pressed Pay 89.00 EUR", "buy", True, "")]))
    assert run_rows(batch(tmp_path, rerun_failed=True)) == 40
    assert fake.ran.count("Ada") == 1 and told(one)[1] == "unknown"


def test_where_everything_breaks_one_row_at_a_time_is_tried_and_none_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.csv").write_text("name\n" + "\n".join(f"N{n}" for n in range(6)) + "\n")
    fake = Fake(monkeypatch, **{f"N{n}": ["error"] * 2 for n in range(6)})
    one = batch(tmp_path, retries=1, workers=2)
    assert run_rows(one) == 0, "three in a row are the site's fault, and cost the rows no try"
    assert set(told(one).values()) == {"verified"} and len(fake.ran) == 18


def test_where_nothing_ever_works_the_batch_ends_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.csv").write_text("name\n" + "\n".join(f"N{n}" for n in range(50)) + "\n")
    fake = Fake(monkeypatch, **{f"N{n}": ["error"] * 99 for n in range(50)})
    assert run_rows(batch(tmp_path)) == 1
    assert len(fake.ran) < 30


def test_of_unknown_effect_is_looked_for_again_where_the_task_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = {"open": "http://127.0.0.1:1/orders", "happened": [{"kind": "text", "contains": "{{name}}"}]}
    monkeypatch.setitem(TASK, "reconcile", [look])
    fake = Fake(monkeypatch, Ada=["unknown_effect", "verified"], Grace=["unknown_effect"] * 3)
    one = batch(tmp_path)
    assert run_rows(one) == 40 and told(one) == {1: "verified", 2: "unknown", 3: "verified"}
    assert [fake.ran.count(name) for name in ("Ada", "Grace")] == [2, 3]


def test_a_full_disk_costs_no_line_and_leaves_none_torn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, real, wrote = Fake(monkeypatch), os.write, iter([0, 9, 30])
    one = batch(tmp_path)
    sizes: list[int] = []

    def short(fd: int, data: bytes) -> int:
        if (cut := next(wrote, None)) is None:
            return real(fd, data)
        sizes.append(results_of(one.table).stat().st_size)
        if not cut:
            raise OSError(28, "No space left on device")
        return real(fd, data[:cut])

    monkeypatch.setattr("agent.flow.results.os.write", short)
    assert run_rows(one) == 0 and sizes == [0, 0, 0] and len(fake.ran) == 3
    assert told(one) == {1: "verified", 2: "verified", 3: "verified"}


def test_a_disk_that_stays_full_ends_the_batch_and_what_stands_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Fake(monkeypatch)
    one, real, wrote = batch(tmp_path), os.write, iter([None])

    def full(fd: int, data: bytes) -> int:
        if next(wrote, "full") is None:
            return real(fd, data)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("agent.flow.results.os.write", full)
    assert run_rows(one) == 1
    assert told(one) == {1: "verified"} and "run the same once more" in capsys.readouterr().err


def test_line_ends_inside_a_text_are_no_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"name": "A\u2028B"}\n{"name": "C"}\n', encoding="utf-8")
    assert [row.inputs["name"] for row in read_rows(tmp_path / "a.jsonl")] == ["A\u2028B", "C"]
