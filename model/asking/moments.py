"""`when`: the moment of a recording at which something happens."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from model.asking.form import Asked, Misread, OnePrompt, Read, Takes, entries_of
from model.asking.spotting import listed

__all__ = ["When", "clock", "seconds_of"]

_MOST = 20
_SLACK_S = 0.5
"""How far past the end of a recording a time may lie: times are those of samples."""


def clock(seconds: float) -> str:
    """`mm:ss.ff`, hundredths of a second."""
    hundredths = round(seconds * 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2}(?:\.\d{1,3})?)\Z")


def seconds_of(text: Any) -> float:
    """Seconds of `mm:ss.ff`, `hh:mm:ss` or a bare number. Raises `Misread`."""
    if isinstance(text, int | float) and not isinstance(text, bool) and 0 <= text < 1e6:
        return float(text)
    found = _CLOCK.match(str(text).strip())
    if found is None:
        raise Misread("a time is written mm:ss.ff")
    hours, minutes, seconds = found.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)


class When(OnePrompt):
    """The moment of something."""

    name = "when"
    about = "the moment of a recording at which what --question names happens; exit code 21 where it does not"
    takes: ClassVar[Takes] = "recording"
    asks: ClassVar[Literal["may", "must"]] = "must"

    def prompt(self, asked: Asked) -> str:
        return (
            f"When in this recording does this happen: {asked.question}\nReport every time span as JSON: a list of "
            "objects with start and end, written mm:ss.ff, and event; an empty list if it does not happen."
        )

    def lark(self, asked: Asked) -> str:
        more = f'(",\\n" entry){{0,{_MOST - 1}}}'
        return (
            f'start: "```json\\n[" (entry {more})? "]\\n```"\n'
            r'entry: "{\"start\": \"" TIME "\", \"end\": \"" TIME "\", \"event\": " EVENT "}"' + "\n"
            r"TIME: /[0-9]{2,3}:[0-5][0-9]\.[0-9]{2}/" + "\n"
            r'EVENT: /"([^"\\\x00-\x1f\x7f]|\\["\\]){0,200}"/'
        )

    def read(self, reply: str, asked: Asked) -> Read:
        recording, found, problems = asked.media.recording, [], []
        assert recording is not None, "INVARIANT (when has a recording): see `Form.takes`"
        for entry in entries_of(reply, ("start", "end")):
            start, end = seconds_of(entry["start"]), seconds_of(entry["end"])
            event = str(entry.get("event", entry.get("description", "")))
            if end < start:
                problems.append(f"`{event}`: it ends at {clock(end)}, before it begins at {clock(start)}")
            if max(start, end) > recording.seconds + _SLACK_S:
                problems.append(f"`{event}`: {clock(max(start, end))} is past the end at {clock(recording.seconds)}")
            found.append({"start": round(start, 3), "end": round(end, 3), "event": event})
        return Read({"moments": found}, tuple(problems), bool(found))

    def schema(self, asked: Asked) -> dict[str, Any]:
        time = {"description": "seconds from the begin of the recording", "type": "number", "minimum": 0}
        return listed("moments", {"start": time, "end": time, "event": {"type": "string"}}, _MOST)

    def told(self, answer: Any) -> str:
        lines = [f"{clock(one['start'])} - {clock(one['end'])}  {one['event']}" for one in answer["moments"]]
        return "\n".join(lines) or "it does not happen"
