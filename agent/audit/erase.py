"""Taking something out of a finished run without breaking its trail: a tombstone first, the thing itself after.

A frame is a file of its own. A field lies inside a record: what is left of the record stays, with the hash of the whole
beside it, so that chain, tree and signatures still hold; what is left is then vouched for by the tombstone alone.

What this does not reach: `run.json`, `task.yaml`, `flow.yaml` and `outputs.json` (inputs and outputs of the task), the
digests of what was erased, copies that went to a collector or into a bundle, and the disk's own free blocks.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agent.audit.journal import Journal, Sign, put_in_place
from agent.audit.names import NAMES
from agent.audit.otlp import Value, dumps
from agent.run_folder import RunFolder

__all__ = ["FIELDS", "erasable", "erase_fields", "erase_frame", "erase_frames", "erase_patches", "erase_states"]

_GONE = "(erased)"
_PERMIT = ("permit_body", "permit_signature", "permit_approval")
"""A permit that is not whole cannot be checked: these go altogether."""
FIELDS = (
    *("asked", "reply", "goal", "why", "hint", "origin", "url", "title", "app", "window", "notices"),
    *("action", "performed", "target", "target_name", "target_value", "target_origin", "target_url", "target_app"),
    *("target_window", "target_destination", "consequence", "facts", "reason", "question", "diff", "detail"),
    *("host", "path", "fields", "tool_arguments", "watching", "approved_by", "body", "error_text", *_PERMIT),
)
"""What can be erased, by short name: texts from a screen, a model or a person. `body` is an event's own sentence,
`error_text` what an exception said. Verdicts, rules, times, digests and numbers stay."""
_ALONG = {
    "action": ("performed", "body", *_PERMIT),
    "performed": ("action", "body", *_PERMIT),
    "target_name": ("target", "facts", "body"),
    "target": ("target_name", "facts", "body"),
    **dict.fromkeys(_PERMIT, _PERMIT),
}
"""What holds the same words and goes too."""
_FIXED = frozenset(
    {"gui.genesis", "gui.checkpoint", "gui.approver", "gui.end", "gui.reopened"}
    | {"gui.record.erased", "gui.frame.erased", "gui.policy"}
)
"""Records that the check of a trail stands on."""
_LINE = re.compile(
    rb'\{"n":([0-9]+),"prev":"([0-9a-f]{64})","h":"([0-9a-f]{64})",(?:"erased":"[0-9a-f]{64}",)?"rec":(\{.*\})\}'
)


def erase_frame(folder: RunFolder, digest: str, why: str, sign: Sign | None = None) -> None:
    """Erase one frame. The trail keeps its digest and the reason; verification then lists it as erased.

    Without `sign` (a run's key is usually gone by then) the tombstone is chained but not signed, and the verdict says
    so by listing it after the last checkpoint. The report must be written again: it holds a copy of the picture.

    Raises:
        TrailBroken: the tombstone could not be written; the frame is still there.
        ValueError: not a digest.
        FileNotFoundError: there is no such frame.
    """
    erase_frames(folder, [digest], why, sign)


def erase_frames(folder: RunFolder, digests: Iterable[str], why: str, sign: Sign | None = None) -> None:
    """The same for several; none is touched before every tombstone is on the disk."""
    places = {digest: folder.frame(digest) for digest in digests}
    for digest, place in places.items():
        if not place.exists():
            raise FileNotFoundError(f"there is no frame `{digest}` in `{folder.path}`")
    if not places:
        return
    with Journal.reopen(folder.journal, sign) as journal:
        for number, digest in enumerate(places, 1):
            told = {"gui.frame.erased": digest, "gui.detail": why}
            journal.event("gui.frame.erased", "frame erased", told, sync=number == len(places))
        for place in places.values():
            place.unlink()


def erase_states(folder: RunFolder) -> int:
    """Throw a run's checkpoints away (they hold cookies); no tombstone is asked for. Returns how many there were."""
    states = [*folder.states.glob("*.json")] if folder.states.is_dir() else []
    shutil.rmtree(folder.states, ignore_errors=True)
    return len(states)


def erase_patches(folder: RunFolder) -> int:
    """Throw away the pieces of frames that a flow keeps of its targets; which piece is of which frame is not known."""
    place = folder.path / "patches"
    pieces = [*place.glob("*.png"), *place.glob("*.txt")] if place.is_dir() else []
    for piece in pieces:
        piece.unlink(missing_ok=True)
    return len(pieces)


def erasable(fields: Sequence[str]) -> list[str]:
    """Short names with those that go along; `texts` stands for all of `FIELDS`.

    Raises:
        ValueError: one of them cannot be erased.
    """
    short = {full: name for name, full in NAMES.items()}
    wanted: dict[str, None] = {}
    for given in fields:
        name = short.get(given, given)
        if name == "texts":
            wanted |= dict.fromkeys(FIELDS)
        elif name in FIELDS:
            wanted |= dict.fromkeys((name, *_ALONG.get(name, ())))
        else:
            raise ValueError(f"`{given}` cannot be erased; what can: texts (all of these), {', '.join(FIELDS)}")
    return [*wanted]


@dataclass(frozen=True, slots=True)
class _Part:
    """A record and what would be left of it."""

    n: int
    line: bytes
    prev: str
    whole: str
    left: str
    gone: tuple[str, ...]


def erase_fields(
    folder: RunFolder, fields: Sequence[str], why: str, step: int | None = None, sign: Sign | None = None
) -> list[int]:
    """Erase fields (`erasable`) in every record of a run, or of one step, which counts from 0. Returns the records.

    The report must be written again.

    Raises:
        TrailBroken: tombstones or records could not be written; a tombstone alone does no harm: run it again.
        ValueError: a field cannot be erased.
    """
    names = erasable(fields)
    parts = [*_parts(folder.journal.read_bytes(), names, step)]
    if not parts:
        return []
    with Journal.reopen(folder.journal, sign) as journal:
        for part in parts:
            told: dict[str, Value] = {"gui.erased.record": part.n, "gui.erased.hash": part.whole}
            told["gui.erased.prev"] = part.prev
            told |= {"gui.erased.left": part.left, "gui.erased.fields": part.gone, "gui.detail": why}
            journal.event("gui.record.erased", f"{len(part.gone)} fields erased", told, sync=part is parts[-1])
    put_in_place(folder.journal, {part.n: part.line for part in parts})
    return [part.n for part in parts]


def _parts(stored: bytes, names: Sequence[str], step: int | None) -> Iterator[_Part]:
    for line in stored.split(b"\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        message = json.loads(match[4])
        gone = [name for entry in _entries(message) for name in _erased(entry, names, step)]
        if not gone:
            continue
        left = dumps(message).encode()
        digest = hashlib.sha256(left).hexdigest()
        other = b'{"n":%s,"prev":"%s","h":"%s","erased":"%s","rec":%s}'
        kept = other % (match[1], match[2], match[3], digest.encode(), left)
        yield _Part(int(match[1]), kept, match[2].decode(), match[3].decode(), digest, tuple(gone))


def _entries(message: dict[str, Any]) -> list[dict[str, Any]]:
    logs = [one for group in message.get("resourceLogs", ()) for one in group["scopeLogs"]]
    spans = [one for group in message.get("resourceSpans", ()) for one in group["scopeSpans"]]
    return [entry for one in logs for entry in one["logRecords"]] + [entry for one in spans for entry in one["spans"]]


def _erased(entry: dict[str, Any], names: Sequence[str], step: int | None) -> list[str]:
    """Take the fields out of one span or event, in place; returns the names of those that were there."""
    pairs = entry.get("attributes", [])
    of = next((pair["value"].get("intValue") for pair in pairs if pair["key"] == NAMES["step"]), None)
    if entry.get("eventName") in _FIXED or (step is not None and of != str(step)):
        return []
    full = {NAMES[name]: name for name in names if name in NAMES}
    gone = []
    for pair in [*pairs]:
        name = full.get(pair["key"])
        if name is None or pair["value"] == {"stringValue": _GONE}:
            continue
        gone.append(str(pair["key"]))
        if name in _PERMIT:
            pairs.remove(pair)
        else:
            pair["value"] = {"stringValue": _GONE}
    if "body" in names and entry.get("body", {}).get("stringValue") not in (None, "", _GONE):
        entry["body"] = {"stringValue": _GONE}
        gone.append("body")
    if "error_text" in names and (entry.get("events") or entry.get("status", {}).get("message")):
        entry.pop("events", None)
        entry.get("status", {}).pop("message", None)
        gone.append("error_text")
    return gone
