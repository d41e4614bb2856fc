"""A proof that the records of one step lie under a signed root, without showing any other step.

It holds the step's records as they are stored, the trail's first record (run, task, key), the record that names the
approver's key, a signed checkpoint, and for each record its way up the Merkle tree (RFC 6962). `agent.audit.verify`
checks it alone. Of a record that was erased in part only the hash goes along.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.audit.chain import Merkle
from agent.audit.names import NAMES

__all__ = ["NotProved", "proof_of"]

_LINE = re.compile(
    rb'\{"n":([0-9]+),"prev":"([0-9a-f]{64})","h":"([0-9a-f]{64})",(?:"(erased)":"[0-9a-f]{64}",)?"rec":(\{.*\})\}'
)


class NotProved(Exception):
    """There is nothing to prove, or nothing is signed. One line."""


@dataclass(frozen=True, slots=True)
class _Record:
    n: int
    prev: str
    whole: str
    rec: str | None
    """None where something was erased from it."""
    name: str
    facts: dict[str, Any]


def proof_of(journal: Path, step: int) -> dict[str, Any]:
    """The proof as plain data. `step` counts from 0. Believes the journal: verify it first.

    Raises:
        NotProved: no record is of this step, or the last of them comes after the last signature.
    """
    records = [record for line in journal.read_bytes().split(b"\n") if (record := _record(line)) is not None]
    mine = [record for record in records if record.facts.get(NAMES["step"]) == str(step)]
    if not mine:
        raise NotProved(f"no record on the trail is of step {step + 1}")
    seals = [record for record in records if record.name == "gui.checkpoint" and record.n > mine[-1].n]
    if not seals:
        raise NotProved(f"record {mine[-1].n} of step {step + 1} comes after the last signature; only its chain holds")
    seal = seals[0].facts
    size = int(seal["gui.checkpoint.n"])
    tree = Merkle()
    for record in records[:size]:
        tree.append(bytes.fromhex(record.whole))
    around = [record for record in records[:size] if record.n == 0 or record.name == "gui.approver"]
    chosen = {record.n: record for record in (*around, *mine)}
    return {
        "deskhand_proof": 1,
        "run": str(records[0].facts["gui.run.id"]),
        "public_key": str(records[0].facts["gui.public_key"]),
        "step": step,
        "checkpoint": {
            "n": size,
            "root": str(seal["gui.checkpoint.root"]),
            "signature": str(seal["gui.checkpoint.signature"]),
        },
        "records": [_entry(record, tree) for _, record in sorted(chosen.items())],
    }


def _entry(record: _Record, tree: Merkle) -> dict[str, Any]:
    path = [each.hex() for each in tree.proof(record.n)]
    if record.rec is None:
        return {"n": record.n, "h": record.whole, "path": path}
    return {"n": record.n, "prev": record.prev, "rec": record.rec, "path": path}


def _record(line: bytes) -> _Record | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    message = json.loads(match[5])
    group = (message.get("resourceLogs") or message.get("resourceSpans"))[0]
    scope = (group.get("scopeLogs") or group.get("scopeSpans"))[0]
    entry = (scope.get("logRecords") or scope.get("spans"))[0]
    facts = {pair["key"]: next(iter(pair["value"].values())) for pair in entry.get("attributes", ())}
    text = None if match[4] else match[5].decode()
    name = str(entry.get("eventName", ""))
    return _Record(int(match[1]), match[2].decode(), match[3].decode(), text, name, facts)
