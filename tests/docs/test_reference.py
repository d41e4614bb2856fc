"""The reference pages say what the code says."""

from __future__ import annotations

from pathlib import Path

from agent.reference import main


def test_the_reference_is_up_to_date() -> None:
    assert main([str(Path(__file__).parents[2] / "docs" / "reference"), "--check"]) == 0
