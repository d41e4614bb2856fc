"""Fixtures for tests of whole runs: a fake world for the loop, and processes for everything else."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).parent
for _place in (str(_HERE), str(_HERE.parents[1])):
    if _place not in sys.path:
        sys.path.insert(0, _place)
