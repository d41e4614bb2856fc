"""The events of a trail, read leniently: what is torn or cannot be read is left to `agent audit verify`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.audit.names import NAMES

__all__ = ["Event", "events"]


@dataclass(frozen=True, slots=True)
class Event:
    """One log record of a journal."""

    n: int
    """Number of the record."""
    name: str
    body: str
    facts: Mapping[str, Any]
    """Attributes by full name, whole numbers as `int`."""

    def get(self, short: str, default: Any = "") -> Any:
        """An attribute by its short name (`agent.audit.names`)."""
        return self.facts.get(NAMES[short], default)


def events(journal: Path) -> Iterator[Event]:
    """Every event, in order; none where there is no journal."""
    if not journal.exists():
        return
    for line in journal.read_bytes().splitlines():
        try:
            entry = json.loads(line)
            record = entry["rec"]["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
            facts = {one["key"]: _value(one["value"]) for one in record.get("attributes", [])}
            yield Event(int(entry["n"]), str(record["eventName"]), str(record["body"]["stringValue"]), facts)
        except (ValueError, KeyError, IndexError, TypeError, StopIteration):
            continue


def _value(value: Mapping[str, Any]) -> Any:
    kind, content = next(iter(value.items()))
    if kind == "intValue":
        return int(content)
    if kind == "arrayValue":
        return [_value(each) for each in content.get("values", ())]
    return content
