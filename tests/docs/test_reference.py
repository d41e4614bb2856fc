"""The reference pages say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from agent.reference import main


def test_the_reference_is_up_to_date() -> None:
    assert main([str(Path(__file__).parents[2] / "docs" / "reference"), "--check"]) == 0


def test_every_test_that_a_document_names_is_there() -> None:
    root = Path(__file__).parents[2]
    for document in [root / "README.md", *(root / "docs").rglob("*.md")]:
        for named in re.findall(r"tests/[a-z_/]+(?:\.py)?", document.read_text()):
            assert (root / named).exists(), f"{document.name} names {named}"
