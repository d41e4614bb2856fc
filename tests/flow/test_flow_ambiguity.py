"""Generated pages in which a recorded target became ambiguous: a sample here, two hundred in `agent eval ambiguity`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from osworld_eval.ambiguity import KINDS, drawn, stage, tried


def test_the_same_seed_is_the_same_case_and_the_truth_is_on_the_page() -> None:
    for kind in KINDS:
        for seed in range(30):
            case = drawn(seed, kind)
            assert case == drawn(seed, kind)
            marks = [one.mark for one in case.after.things()]
            assert len(marks) == len(set(marks)), "a mark is one thing"
            assert case.target in [one.mark for one in case.before.things()]
            assert case.right is None or case.right in marks


@pytest.mark.browser
@pytest.mark.timeout(400)
@pytest.mark.parametrize("count", [10, pytest.param(250, marks=pytest.mark.slow)])
def test_nothing_is_acted_on_by_mistake(tmp_path: Path, count: int) -> None:
    with stage() as (actuator, show):
        found = [tried(drawn(seed, KINDS[seed % len(KINDS)]), actuator, show, tmp_path) for seed in range(count)]
    assert not [one for one in found if one.ended == "mistaken"]
    ended = Counter((one.kind, one.ended) for one in found)
    assert ended["harmless", "found"] == count // len(KINDS), "what only moved is found"
