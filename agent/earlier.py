"""Earlier runs of the same thing that were cut off: may they have taken effect?

Reads only what those runs wrote down before they acted. See docs/decisions/003.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agent.audit.names import NAMES
from agent.run_folder import RunFolder, list_runs

__all__ = ["consequential", "run_key", "unended_effect"]

_LASTING = frozenset({"submit", "send", "buy", "delete", "unknown"})
"""Consequences that outlive the run that caused them. `submit` counts only on its way, see `unended_effect`."""


def run_key(task_digest: str, inputs: Mapping[str, str], start: str) -> str:
    """What makes two runs the same undertaking: task file, inputs and where it begins (64 hexadecimal digits)."""
    text = json.dumps([task_digest, sorted(inputs.items()), start], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def unended_effect(root: Path, key: str) -> tuple[str, str] | None:
    """The newest run of this key that was cut off and may have taken effect: its id, and what it was about to do.

    Cut off are runs that crashed, and those that ended `error` or `unknown_effect`: whoever starts again after them
    does not know what became of them. A purchase, a message, a deletion or something unknown counts whether or not its
    outcome was written down; a submitted form counts only while its outcome is missing. A run that was started after
    such a run had been cut off was started with `--again`, so somebody had looked: what lies before it counts no more.
    """
    acknowledged = 0.0
    for run in list_runs(root):
        if run.record is None or run.record.key != key or run.state == "running":
            continue
        if run.state == "ended" and run.record.outcome not in ("error", "unknown_effect"):
            acknowledged = max(acknowledged, run.record.started_at)
            continue
        if _last_word(run.folder) < acknowledged:
            continue
        for body, consequence, answered in consequential(run.folder):
            if consequence != "submit" or not answered:
                return run.id, body
    return None


def _last_word(folder: RunFolder) -> float:
    """When the run last wrote into its trail, seconds since the epoch; after everything where that cannot be told."""
    try:
        return folder.journal.stat().st_mtime
    except OSError:
        return float("inf")


def consequential(folder: RunFolder) -> Iterator[tuple[str, str, bool]]:
    """Every intent with a lasting consequence: what it was, the kind of consequence, whether its outcome is known."""
    intents: dict[int, tuple[str, str]] = {}
    answered: set[int] = set()
    for number, name, body, attributes in _events(folder.journal):
        if name == "gui.intent":
            kind = str(attributes.get(NAMES["consequence"], "unknown")).split(" ")[0]
            if kind in _LASTING:
                intents[number] = (body, kind)
        elif name == "gui.outcome" and attributes.get(NAMES["receipt"]) != "unknown":
            answered.add(int(str(attributes.get(NAMES["intent"], -1))))
    for number, (body, kind) in intents.items():
        yield body, kind, number in answered


def _events(journal: Path) -> Iterator[tuple[int, str, str, dict[str, Any]]]:
    """Log records of a journal that may be torn at its end; what cannot be read is left to `agent audit verify`."""
    if not journal.exists():
        return
    for line in journal.read_bytes().splitlines():
        try:
            entry = json.loads(line)
            record = entry["rec"]["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
            attributes = {one["key"]: next(iter(one["value"].values())) for one in record.get("attributes", [])}
            yield int(entry["n"]), str(record["eventName"]), str(record["body"]["stringValue"]), attributes
        except (ValueError, KeyError, IndexError, TypeError):
            continue
