"""What a replay leaves: the flow as it was, in the new run's folder, so that this run can be replayed too."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.flow.file import Flow, written
from agent.outcome import Ending
from agent.parts import Parts
from agent.run_folder import RunFolder
from agent.task import BoundTask

__all__ = ["Kept"]


class Kept:
    """Goes along with a replay; see `agent.run.Beside`. `beside` is the folder with the flow's patches."""

    def __init__(self, flow: Flow, beside: Path) -> None:
        self._flow = flow
        self._beside = beside

    def begin(self, parts: Parts, folder: RunFolder) -> None:
        """Nothing to do yet."""

    def closing(self, ending: Ending) -> Ending:
        """As it is."""
        return ending

    def leave(self, folder: RunFolder, task: BoundTask, ending: Ending, seconds: float) -> None:
        """A copy of the flow and of what lies beside it, for a verified run. Raises OSError."""
        if ending.outcome != "verified":
            return
        patches = self._beside / "patches"
        if patches.is_dir():
            shutil.copytree(patches, folder.path / "patches", dirs_exist_ok=True)
        place = folder.path / "flow.yaml"
        aside = place.with_suffix(".new")
        aside.write_text(written(self._flow.model_copy(update={"task": "task.yaml"})))
        aside.replace(place)

    def told(self) -> Mapping[str, Any]:
        """Nothing beyond every run's."""
        return {}
