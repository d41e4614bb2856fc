"""Recordings use the processes and sites of tests/agent."""

from __future__ import annotations

import sys
from pathlib import Path

for _place in (str(Path(__file__).parent), str(Path(__file__).parents[1] / "agent"), str(Path(__file__).parents[1])):
    if _place not in sys.path:
        sys.path.insert(0, _place)
