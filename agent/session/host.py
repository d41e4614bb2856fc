"""The process of a session: one run, driven by lines of JSON from whoever started it.

It answers each line with one line. When the other side is gone it ends the run as halted. What the run would print goes
to standard error.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from agent.breakage import MACHINERY, MISUSE
from agent.outcome import USAGE, Ending
from agent.parts import Parts
from agent.run import Options, run_bound
from agent.session.driven import Driven, NoSuchAct, Outsider
from agent.task import TaskError, load_task
from agent.watch import Silent
from agent.wire_up import terminable

__all__ = ["main"]

IDLE_S = 900.0
"""A session that nobody uses for so long ends."""
_SLICE_S = 0.2


def main() -> int:
    """Read what is wanted, run, answer. Returns the run's exit code."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever prints must not be taken for an answer
    lines = _lines(0)
    try:
        wanted = json.loads(next(line for line in lines if line is not None))
    except (StopIteration, ValueError):
        return USAGE
    return _Host(out, lines, wanted).run()


class _Host:
    def __init__(self, out: TextIO, lines: Iterator[str | None], wanted: Mapping[str, Any]) -> None:
        self._out, self._lines, self._wanted = out, lines, wanted
        self._outsider = Outsider(str(wanted.get("who", "session")))

    def run(self) -> int:
        wanted = self._wanted
        try:
            bound = load_task(Path(wanted["task"]), wanted.get("sets", {})).with_site(wanted.get("site", {})).bind()
            options = Options(
                task=Path(wanted["task"]), policy=tuple(wanted.get("policy", ())), approve=wanted["approve"],
                runs=Path(wanted["runs"]), headed=bool(wanted.get("headed")), tier=wanted.get("tier", ""),
                again=True,  # each act is asked for by itself: there is no plan that would be done a second time
                opened=self._outsider, drive=self._drive,
            )  # fmt: skip
            with terminable():
                ran = run_bound(replace(bound, steps=()), options, Silent())
        except TaskError as error:
            return self._failed("; ".join(error.lines), USAGE)
        except MISUSE as error:
            return self._failed(" ".join(str(error).split()), USAGE)
        except MACHINERY as error:
            return self._failed(" ".join(str(error).split()), 1)
        report = str(ran.report) if ran.report else ""
        self._say({"ended": {**json.loads(ran.line()), "report": report}})
        return ran.ending.exit_code

    def _failed(self, line: str, code: int) -> int:
        self._say({"failed": line, "code": code})
        return code

    def _drive(self, parts: Parts) -> Ending:
        driven = Driven(parts, self._outsider)
        self._say({"ready": parts.trail.run})
        until = time.monotonic() + IDLE_S
        driven.rests()
        for line in self._lines:
            if parts.stop.is_set():
                return Ending("halted", "the run was stopped")
            if line is None:
                if time.monotonic() > until:
                    return Ending("halted", f"nobody used the session for {IDLE_S / 60:g} minutes")
                continue
            driven.waited()
            asked = json.loads(line)
            if asked.get("ask") == "close":
                return driven.over or driven.judge()
            self._say(_answered(driven, asked))
            until = time.monotonic() + IDLE_S
            driven.rests()
        return driven.over or Ending("halted", "whoever drove the session has gone")

    def _say(self, told: Mapping[str, Any]) -> None:
        self._out.write(json.dumps(told, ensure_ascii=False) + "\n")
        self._out.flush()


def _answered(driven: Driven, asked: Mapping[str, Any]) -> dict[str, Any]:
    if driven.over is not None:
        return {"no": f"the session is over: {driven.over.because}"}
    try:
        if asked.get("ask") == "look":
            return {"seen": driven.look()}
        return {"acted": driven.act(asked["act"])}
    except NoSuchAct as problem:
        return {"no": str(problem)}


def _lines(fd: int) -> Iterator[str | None]:
    """Each line as it comes; None now and then while none comes. Ends with the other side."""
    rest = b""
    while True:
        while b"\n" in rest:
            line, _, rest = rest.partition(b"\n")
            yield line.decode("utf-8", "replace")
        ready, _, _ = select.select([fd], [], [], _SLICE_S)
        if not ready:
            yield None
            continue
        piece = os.read(fd, 65536)
        if not piece:
            return
        rest += piece


if __name__ == "__main__":
    sys.exit(main())
