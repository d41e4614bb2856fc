"""Every `console` block in the documents runs: exit code as noted, each line after a command found in its output."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[tuple[str, int, list[str]]]:
    """(command line, exit code, lines expected in the output) of every block, in order."""
    found: list[tuple[str, int, list[str]]] = []
    for block in BLOCK.findall(text):
        for line in block.splitlines():
            if line.startswith("$ "):
                command, _, note = line[2:].partition("  # exit ")
                found.append((command, int(note or 0), []))
            elif line.strip():
                found[-1][2].append(line.strip())
    return found


@pytest.mark.browser
@pytest.mark.parametrize("document", [d for d in DOCUMENTS if commands(d.read_text())], ids=lambda d: d.name)
@pytest.mark.timeout(480)
def test_every_example_runs(document: Path, tmp_path: Path) -> None:
    for command, code, expected in commands(document.read_text()):
        words = shlex.split(command.replace("build/docs", str(tmp_path)))
        given = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
        rest = words[len(given) :]
        assert rest[0] == "agent", command
        done = subprocess.run(
            [sys.executable, "-m", *rest],
            cwd=ROOT,
            env={**os.environ, **given},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, f"{command}: exit {done.returncode}\n{said[-2000:]}"
        for line in expected:
            assert line in said, f"{command}: `{line}` is not in\n{said[-2000:]}"
