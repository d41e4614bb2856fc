"""The text form of a call: `<tool_call>` tags around one JSON object with `name` and `arguments`.

Knows nothing about what a call means. Whatever stands in thoughts is never a call; tags inside a call's own text are
text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["CLOSE", "OPEN", "Call", "Said", "opening", "read", "render", "without_thoughts"]

OPEN, CLOSE = "<tool_call>", "</tool_call>"

_REASONED = ("Action:", "Thought:")


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it was said; its arguments are checked by the protocol."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """A reply taken apart."""

    calls: tuple[Call, ...] = ()
    """In order; those before the first malformed one."""
    reason: str = ""
    """The `Action:` line, or whatever else stood before the first call."""
    problem: str = ""
    """Why there is no call at all; empty where there is one."""


def render(name: str, arguments: dict[str, Any]) -> str:
    """The exact text of one call, as the family writes it."""
    body = json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)
    return f"{OPEN}\n{body}\n{CLOSE}"


def opening(name: str) -> str:
    """The text of a call up to where its first argument's name begins."""
    return f'{OPEN}\n{{"name": "{name}", "arguments": {{'


def without_thoughts(reply: str) -> str:
    """What follows the thoughts. They end at the first `</think>`, unless the reply begins with a call or its reason.

    A template may have opened the thoughts in the prompt, so that the reply itself begins inside them.
    """
    if reply.lstrip().startswith((OPEN, *_REASONED)):
        return reply
    thoughts, closed, rest = reply.partition("</think>")
    if closed:
        return rest
    return "" if thoughts.lstrip().startswith("<think>") else reply


def read(reply: str) -> Said:
    """All calls of a reply. Never raises."""
    visible = without_thoughts(reply)
    calls: list[Call] = []
    problem, at = "no tool call", visible.find(OPEN)
    if at < 0:
        bare = _bare(visible)
        return Said((bare,)) if bare else Said(problem=problem)
    reason = _reason(visible[:at])
    while at >= 0:
        body = visible[at + len(OPEN) :].lstrip()
        begins = len(visible) - len(body)
        try:
            data, length = json.JSONDecoder().raw_decode(body)
            call = _call(data)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            problem = f"malformed call: {type(error).__name__}"
            break
        after = body[length:].lstrip()
        if not after.startswith(CLOSE):
            problem = "a call that does not end"
            break
        calls.append(call)
        at = visible.find(OPEN, begins + length)
    return Said(tuple(calls), reason, "" if calls else problem)


def _call(data: Any) -> Call:
    name, arguments = data["name"], data["arguments"]
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise TypeError("a call needs a name and an object of arguments")
    return Call(name, arguments)


_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*?)\n?```\Z", re.DOTALL)


def _bare(visible: str) -> Call | None:
    """A call without tags, where nothing else was said but a reason before it."""
    text = visible.strip()
    if text.startswith(_REASONED):
        text = text[text.find("\n{") + 1 :] if "\n{" in text else text
    fenced = _FENCE.match(text)
    try:
        return _call(json.loads(fenced.group(1) if fenced else text))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _reason(before: str) -> str:
    """The last `Action:` line; without one, all that was said."""
    lines = [line.strip() for line in before.splitlines() if line.strip()]
    acts = [line.removeprefix("Action:").strip() for line in lines if line.startswith("Action:")]
    text = acts[-1] if acts else " ".join(lines)
    return text.strip('"')
