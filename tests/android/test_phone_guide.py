"""The commands of docs/how-to/drive-a-phone.md, as they stand there, against the virtual phone."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.android.phone.running import Served

pytestmark = [pytest.mark.android, pytest.mark.slow, pytest.mark.timeout(600)]
ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "how-to" / "drive-a-phone.md"


def commands() -> list[tuple[list[str], int]]:
    """Every `agent` line outside the console blocks that needs a phone, and the exit code noted beside it."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for kind, block in blocks if not kind for line in block.splitlines() if line.startswith("agent ")]
    noted = [(line, re.search(r"# exit (\d+)", line)) for line in lines]
    return [(shlex.split(line, comments=True), int(code[1]) if code else 0) for line, code in noted]


def test_the_guide_has_commands_for_every_front_door() -> None:
    assert {words[1] for words, _ in commands()} == {"devices", "run", "bench"}
    assert [code for words, code in commands() if "deny" in words] == [20]


@pytest.mark.parametrize(
    ("words", "code"), commands(), ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else None
)
def test_each_of_them_does_what_it_says(words: list[str], code: int, served: Served, tmp_path: Path) -> None:
    runs = ["--runs", str(tmp_path)] if words[1] == "run" else ["--n", "3"] if words[1] == "bench" else []
    done = subprocess.run(
        [sys.executable, "-m", *words, *runs],
        cwd=ROOT,
        env={**os.environ, "ANDROID_SERIAL": served.address},
        capture_output=True,
        text=True,
        timeout=200,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert done.returncode == code, done.stdout[-1500:] + done.stderr[-1500:]
