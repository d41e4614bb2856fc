"""What `agent replay` and `agent run --inputs` do with their options."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from agent.outcome import USAGE
from agent.run import Options

__all__ = ["Wanted", "replayed"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted beyond one run."""

    junit: Path | None = None
    inputs: Path | None = None
    workers: int = 1
    retries: int = 2
    rerun_failed: bool = False


def replayed(flow: Path, task: Path | None, heal: str, options: Options, wanted: Wanted) -> int:
    """Replay a flow, once or for each row. Returns the exit code."""
    if heal != "off":
        print(f"agent replay: --heal takes `off`, got `{heal}`: a flow is not mended by a model yet", file=sys.stderr)
        return USAGE
    from agent.flow.replay import replay

    return replay(flow, task, options)
