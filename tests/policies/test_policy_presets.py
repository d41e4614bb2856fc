from __future__ import annotations

from pathlib import Path

import pytest

import policies.decide
from policies.decide import PolicySet
from policies.table import failures, load_table

PRESETS = Path(policies.decide.__file__).parent / "presets"
NAMES = sorted(path.stem for path in PRESETS.glob("*.cedar"))


@pytest.mark.parametrize("name", NAMES)
def test_every_row_beside_a_preset_comes_out_as_written(name: str) -> None:
    table = load_table(PRESETS / f"{name}.tests.yaml")
    assert table.policies == (name,)
    assert failures(table) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_of_a_preset_is_decided_by_some_row(name: str) -> None:
    table = load_table(PRESETS / f"{name}.tests.yaml")
    named = {rule for row in table.rows for rule in row.rules or ()}
    assert {rule for rule in PolicySet.load([name]).rules if rule.startswith(name)} <= named


@pytest.mark.parametrize("name", NAMES)
def test_presets_raise_no_doubts(name: str) -> None:
    assert PolicySet.load([name]).check() == []


def test_a_wrong_expectation_is_reported() -> None:
    table = load_table(PRESETS / "observe.tests.yaml")
    wrong = table.model_copy(update={"rows": (table.rows[0].model_copy(update={"expect": "deny"}),)})
    assert failures(wrong) == [
        "waits: expected deny, got allow by observe/look (looking changes nothing); taken as look"
    ]
