"""Rows while everything breaks: how they are judged, and a few of them for real."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from osworld_eval.rows.faults import FAULTS, Disk, Planned, draw
from osworld_eval.rows.play import judged

ROOT = Path(__file__).parents[2]


def test_rows_are_drawn_by_seed_with_every_fault_and_some_that_cannot_be_done() -> None:
    rows = draw(200, 7)
    assert rows == draw(200, 7) and rows != draw(200, 8)
    assert {row.fault for row in rows} == set(FAULTS) and {row.moment for row in rows} == {"open", "before", "after"}
    assert sum(not row.possible for row in rows) == 10 and len({row.name for row in rows}) == 200


def test_the_file_of_results_is_held_against_the_shops_own_log(tmp_path: Path) -> None:
    rows = [Planned(f"R{n}", "teapot", "none", "open", 1.0) for n in range(7)]
    said = [("R0", "verified", "N0"), ("R1", "verified", "N9"), ("R2", "verified", ""), ("R3", "system", ""),
            ("R4", "unknown", ""), ("R5", "business", "")]  # fmt: skip
    lines = [
        {"status": status, "inputs": {"name": name}, "outputs": {"number": number}} for name, status, number in said
    ]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    orders = [{"name": name, "number": f"N{n}"} for n, name in enumerate(["R0", "R1", "R3", "R4", "R4", "R6"])]
    found = {one.planned.name: one for one in judged(rows, tmp_path / "r.jsonl", orders, set())}
    assert [name for name, one in found.items() if one.true] == ["R0", "R5"]
    assert found["R4"].orders == 2 and found["R6"].status == ""


def played(folder: Path, n: int, *faults: str) -> dict[str, object]:
    words = ["eval", "rows", "--n", str(n), "--runs", str(folder / "rows"), "--json"]
    words += [word for one in faults for word in ("--fault", one)]
    done = subprocess.run(
        [sys.executable, "-m", "agent", *words], cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_a_run_that_is_killed_in_the_middle_orders_once(tmp_path: Path) -> None:
    assert played(tmp_path, 1, "kill of the run")["odd"] == []


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_twelve_rows_with_every_fault(tmp_path: Path) -> None:
    faults = FAULTS if not Disk.why_not() else tuple(one for one in FAULTS if one != "disk full")
    told = played(tmp_path, 12, *faults)
    assert told["odd"] == [] and told["faults"][-1]["hit"] == 12  # type: ignore[index]
