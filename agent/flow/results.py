"""The file of results: a line for each row, on the disk before anything else is done about it.

A line is there whole or not at all: what a full disk cut short is taken away again, and a torn line, as after a power
cut, is no word on its row. At the end the file is written anew, in the order of the rows, and takes the place of the
old one all at once; where that cannot be, the old one stays.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = ["Result", "Results", "ResultsLost", "Status"]

Status = Literal["verified", "business", "system", "unknown", "duplicate"]
"""verified: done. business: the task could not be done with these inputs; trying again would tell nothing new.
system: machinery broke. unknown: it may have taken effect, a person must look. duplicate: the same as an earlier row.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one row."""

    row: int
    key: str
    """Equal for rows with the same inputs for the same task; see `agent.earlier.run_key`."""
    status: Status
    outcome: str
    because: str
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    folder: str = ""
    tries: int = 0
    seconds: float = 0.0
    at: float = 0.0
    """When it was known, seconds since the epoch."""

    def line(self) -> str:
        """As it stands in the file."""
        return json.dumps(asdict(self), ensure_ascii=False)


class ResultsLost(Exception):
    """The file cannot be written, and did not become writable again. One line. What it holds is true."""


class Results:
    """One file of results. Not thread-safe.

    Args:
        place: the file.
        wait: called with seconds where the disk is full, before it is tried again; False: wait no longer.
    """

    def __init__(self, place: Path, wait: Callable[[float], bool]) -> None:
        self.place = place
        self._wait = wait

    def known(self) -> dict[str, Result]:
        """The last word on each key."""
        found: dict[str, Result] = {}
        try:
            lines = self.place.read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return found
        for line in lines:
            try:
                result = Result(**json.loads(line))
            except (ValueError, TypeError):
                continue
            if result.status != "duplicate":
                found[result.key] = result
        return found

    def add(self, result: Result) -> None:
        """Put a line at the end. Raises `ResultsLost`; the file is then as it was before."""
        line = (result.line() + "\n").encode("utf-8", "replace")
        for seconds in (0.5, 1, 2, 4, 8, 15, 15, 15, 0):
            try:
                self._put(line)
                return
            except OSError as error:
                what = (error.strerror or "error").lower()
            if not seconds or not self._wait(seconds):
                break
        raise ResultsLost(f"results cannot be written: `{self.place}`: {what}")

    def _put(self, line: bytes) -> None:
        """All of the line, or the file as it was."""
        fd = os.open(self.place, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            size = os.fstat(fd).st_size
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            data = b"\n" + line if torn else line
            try:
                if os.write(fd, data) != len(data):
                    raise OSError(28, "No space left on device")
                os.fsync(fd)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(fd, size)
                raise
        finally:
            os.close(fd)

    def compact(self, results: Iterable[Result]) -> bool:
        """One line for each row, in their order. False where that cannot be written: the file stays as it was."""
        aside = self.place.with_name(f".{self.place.name}.new")
        try:
            with aside.open("w", encoding="utf-8", errors="replace") as out:
                out.writelines(f"{one.line()}\n" for one in results)
                out.flush()
                os.fsync(out.fileno())
            aside.replace(self.place)
        except OSError:
            with suppress(OSError):
                aside.unlink()
            return False
        return True
