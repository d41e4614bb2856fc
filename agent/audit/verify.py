"""Checks the trail of a run, on its own: one file, Python and `cryptography`, nothing of deskhand.

    python -m agent.audit.verify RUN_FOLDER        python agent/audit/verify.py RUN_FOLDER --public-key HEX
    python agent/audit/verify.py --proof PROOF.json --public-key HEX

What is checked: every record follows from the one before (`h` = SHA-256 of that one's hash, number in 8 bytes, stored
bytes); every checkpoint carries the right RFC 6962 Merkle root and the broker's Ed25519 signature; checkpoints come as
often as the first record promised; every permit kept in an intent was signed by the same key for this run and used
once; every frame named is there and unaltered, or has a tombstone; no kept state of a surface that is named was altered
(it may have been thrown away); `run.json` says what the trail says, and the trail is as long as it says. Of a record
that was erased in part, the hash of what it was stays in the chain and the tree, and a tombstone must name it. A proof
(`agent audit proof`) is checked the same way for the records of one step: each lies under the signed root.

What is not: whether what was written was true when it was written; anything after the last signature (at most one
checkpoint's distance, after a crash), which is chained only; a trail replaced as a whole by somebody with another key,
unless that run's key is pinned with --public-key; and, where `run.json` does not say that the run has ended, whether
its end was cut off after a checkpoint (compare the number of records with what was printed when the run ended). What
is left of a record that was erased in part is vouched for by its tombstone alone, which often nobody has signed.

Exit codes: 0 all well, 1 something was tampered with or is missing, 2 usage.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["InFlight", "Torn", "Verdict", "check_proof", "main", "verify"]

_LINE = re.compile(rb'\{"n":(0|[1-9][0-9]{0,14}),"prev":"([0-9a-f]{64})","h":"([0-9a-f]{64})","rec":(\{.*\})\}')
_LEFT = re.compile(
    rb'\{"n":(0|[1-9][0-9]{0,14}),"prev":"([0-9a-f]{64})","h":"([0-9a-f]{64})","erased":"([0-9a-f]{64})","rec":(\{.*\})\}'
)
"""A record of which something was erased: `h` is still that of the whole, `erased` the SHA-256 of what is left."""
_NUMBER = re.compile(rb'\{"n":(0|[1-9][0-9]{0,14}),"prev":"')
_HEX64 = re.compile(r"[0-9a-f]{64}")
_CHECKPOINT_DOMAIN = b"deskhand-checkpoint-v1\n"
_PERMIT_DOMAIN = b"deskhand-permit-v1\n"
_APPROVAL_DOMAIN = b"deskhand-approval-v1\n"
_UNSIGNED_OK = frozenset({"gui.reopened", "gui.frame.erased", "gui.record.erased"})
"""What may be added, without a signature, to a trail that was closed; the verdict lists it."""

_UNTOLD = frozenset({"error", "halted", "unknown_effect"})
"""Outcomes that a run may have without its trail saying so: the trail itself broke."""


@dataclass(frozen=True)
class InFlight:
    """An act that was begun and whose end is not known. It must not be repeated without looking."""

    record: int
    step: int
    action: str
    why: str


@dataclass(frozen=True)
class Torn:
    """Bytes of a record that a crash cut short."""

    after: int
    length: int
    declared: bool
    """Whether a later record names them, because the journal was opened again."""


@dataclass
class Verdict:
    """What verification found. `ok` is False as soon as one thing is wrong; `bad_record` is the first such."""

    ok: bool = True
    problem: str = ""
    """One word: altered, missing, swapped, inserted, truncated, signature, permit, frame, state, run."""
    bad_record: int | None = None
    detail: str = ""
    run: str = ""
    public_key: str = ""
    records: int = 0
    checkpoints: int = 0
    signed: int = 0
    """Records 0 to `signed`-1 are under a signature."""
    root: str = ""
    closed: bool = False
    """Whether the trail was closed in order; if not, the run crashed, still goes on, or its end was cut off."""
    torn: list[Torn] = field(default_factory=list)
    unknown_effect: list[InFlight] = field(default_factory=list)
    intents: int = 0
    permits: int = 0
    frames: int = 0
    erased: list[str] = field(default_factory=list)
    """Digests of the frames that were erased."""
    erased_in: dict[int, str] = field(default_factory=dict)
    """Records that were erased in part, and the fields that are gone."""
    pinned: bool = False
    """Whether the key was compared with one that came from elsewhere."""

    def line(self) -> str:
        """The whole verdict in one line."""
        if not self.ok:
            where = "" if self.bad_record is None else f" at record {self.bad_record}"
            return f"BAD{where}: {self.problem}: {self.detail}"
        parts = [f"ok: {self.records} records, {self.checkpoints} signed checkpoints, {self.frames} frames"]
        if self.signed < self.records and not self.closed:
            parts.append(f"signed up to record {self.signed - 1}")
        if not self.closed:
            parts.append("never closed: the run crashed, still goes on, or its end was cut off")
        if any(not torn.declared for torn in self.torn):
            parts.append("ends in a torn record")
        if self.erased:
            parts.append(f"{len(self.erased)} frame(s) erased")
        if self.erased_in:
            parts.append(f"{len(self.erased_in)} record(s) erased in part, what is left of them is not vouched for")
        if self.unknown_effect:
            parts.append(f"{len(self.unknown_effect)} act(s) of unknown effect")
        return "; ".join(parts)


class _Bad(Exception):
    def __init__(self, problem: str, detail: str, record: int | None = None) -> None:
        super().__init__(detail)
        self.problem, self.detail, self.record = problem, detail, record


class _Roots:
    """RFC 6962 Merkle root, grown leaf by leaf, remembering only the roots of perfect subtrees."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def add(self, data: bytes) -> None:
        node, size = hashlib.sha256(b"\x00" + data).digest(), self.size
        while size & 1:
            node = hashlib.sha256(b"\x01" + self.peaks.pop() + node).digest()
            size >>= 1
        self.peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        root = b""
        for peak in reversed(self.peaks):
            root = hashlib.sha256(b"\x01" + peak + root).digest() if root else peak
        return root or hashlib.sha256(b"").digest()


def _hash(prev: bytes, n: int, record: bytes) -> bytes:
    return hashlib.sha256(prev + n.to_bytes(8, "big") + record).digest()


def verify(folder: Path, public_key: str | None = None, *, frames: bool = True) -> Verdict:
    """Check a run folder (or a bare journal file). Never raises for what it finds in there.

    Args:
        folder: the run's folder, or its `journal.jsonl`.
        public_key: the key that must have signed, 64 hexadecimal digits; None takes the trail's own word for it.
        frames: whether the frames are looked at.

    Raises:
        OSError: there is no journal to read.
    """
    journal = folder if folder.is_file() else folder / "journal.jsonl"
    check = _Check(journal, public_key)
    try:
        check.run_through(journal.read_bytes())
        check.run_record(journal.with_name("run.json"))
        check.states_in(journal.parent / "states")
        if frames:
            check.frames_in(journal.parent / "frames")
    except _Bad as bad:
        found = check.verdict
        found.ok, found.problem, found.detail, found.bad_record = False, bad.problem, bad.detail, bad.record
    return check.verdict


def _key_of(text: object) -> Any:
    """An Ed25519 public key from its hexadecimal digits; None where they are none."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(str(text)))
    except ValueError:
        return None


def _verifies(key: Any, message: bytes, signature: object) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(bytes.fromhex(str(signature)), message)
    except (InvalidSignature, ValueError):
        return False
    return True


class _Check:
    """One pass over a journal."""

    def __init__(self, journal: Path, pinned: str | None) -> None:
        self.verdict = Verdict(pinned=pinned is not None)
        self._pinned = pinned
        self._prev = bytes(32)
        self._tree = _Roots()
        self._key: Any = None
        self._approver: Any = None
        self._every = 0
        self._grace = False
        self._intents: dict[int, tuple[int, str]] = {}
        self._all_intents: dict[int, tuple[int, str]] = {}
        self._used: set[str] = set()
        self._frames: dict[str, int] = {}
        self._states: dict[str, int] = {}
        self._end: dict[str, Any] = {}
        self._left: dict[int, tuple[str, str, str]] = {}
        """Records that a tombstone names: the hash of the whole, the digest of what is left, the hash before it."""

    def run_through(self, stored: bytes) -> None:
        """Every line of the journal."""
        self._left = _tombstones(stored)
        at = 0
        while at < len(stored):
            end = stored.find(b"\n", at)
            line = stored[at : end if end >= 0 else len(stored)]
            if end >= 0 and self._line(line):
                at = end + 1
                continue
            at = self._torn_or_bad(stored, at, line, whole=end >= 0)
        self._finish()

    @property
    def _n(self) -> int:
        return self._tree.size

    def _line(self, line: bytes) -> bool:
        """Take one line up into the chain; False if it does not continue it."""
        match = _LINE.fullmatch(line) or _LEFT.fullmatch(line)
        if match is None or int(match[1]) != self._n or match[2] != self._prev.hex().encode():
            return False
        record = match[match.re.groups]
        digest = bytes.fromhex(match[3].decode())
        if digest != (self._erased(match) if match.re is _LEFT else _hash(self._prev, self._n, record)):
            return False
        root = self._tree
        for name, facts in _events(record, self._n):
            self._record(name, facts, root)
        self._prev = digest
        self._tree.add(digest)
        self.verdict.records = self._n
        return True

    def _erased(self, match: re.Match[bytes]) -> bytes | None:
        """The hash of a record that was erased in part, if a tombstone names it and what is left is what it says."""
        claimed = self._left.get(self._n)
        if claimed is None:
            raise _Bad("altered", "something was erased from it, and no tombstone says so", self._n)
        whole, left, _ = claimed
        same = match[4].decode() == left == hashlib.sha256(match[5]).hexdigest()
        return bytes.fromhex(whole) if same else None

    # what a record means

    def _record(self, name: str, facts: dict[str, Any], before: _Roots) -> None:
        n = self._n
        if n == 0:
            self._genesis(name, facts)
            return
        if name == "gui.checkpoint":
            self._checkpoint(facts, before)
        else:
            self._cadence(name)
        if name == "gui.intent":
            self._intent(facts, n)
        elif name == "gui.outcome":
            self._outcome(facts)
        elif name == "gui.effect":
            self._effect(facts)
        elif name == "gui.approver" and not self.verdict.intents:
            self._approver = _key_of(facts.get("gui.approver.key"))
        elif name == "gui.kept":
            self._states.setdefault(str(facts.get("gui.state.digest")), n)
        elif name == "gui.end":
            self._end = facts
        elif name == "gui.frame.erased":
            self.verdict.erased.append(str(facts.get("gui.frame.erased")))
        elif name == "gui.record.erased":
            number = int(facts.get("gui.erased.record", -1))
            gone = ", ".join(str(each) for each in facts.get("gui.erased.fields", ()))
            earlier = self.verdict.erased_in.get(number)
            self.verdict.erased_in[number] = f"{earlier}, {gone}" if earlier else gone
        elif name == "gui.reopened":
            self._grace = facts.get("gui.journal.signed") is not True
            self.verdict.closed = self.verdict.closed and self._grace
        if name != "gui.frame.erased":
            self._named_frames(facts)

    def _genesis(self, name: str, facts: dict[str, Any]) -> None:
        if name != "gui.genesis":
            raise _Bad("missing", "the trail does not begin with its genesis record", 0)
        self.verdict.run = str(facts.get("gui.run.id"))
        self.verdict.public_key = str(facts.get("gui.public_key"))
        self._every = int(facts.get("gui.journal.every", 0))
        if self._pinned is not None and self.verdict.public_key != self._pinned.lower():
            raise _Bad("signature", f"the trail names another key, {self.verdict.public_key[:16]}…", 0)
        self._key = _key_of(self.verdict.public_key)
        if self._key is None:
            raise _Bad("signature", "the genesis record names no Ed25519 key", 0)

    def _checkpoint(self, facts: dict[str, Any], before: _Roots) -> None:
        n, root = before.size, before.root()
        since = self.verdict.signed
        span = f"records {since} to {n - 1} are not those that were signed" if n - since > 1 else "not what was signed"
        if int(facts.get("gui.checkpoint.n", -1)) != n or facts.get("gui.checkpoint.root") != root.hex():
            raise _Bad("signature", f"the checkpoint has another Merkle root: {span}", n)
        message = _checkpoint_message(self.verdict.run, n, root.hex())
        if not self._signed(message, facts.get("gui.checkpoint.signature")):
            raise _Bad("signature", f"the checkpoint's signature is wrong: {span}", n)
        self.verdict.checkpoints += 1
        self.verdict.signed = n + 1
        self.verdict.closed = facts.get("gui.checkpoint.final") is True
        self._grace = False

    def _approved(self, body: str, signature: object) -> bool:
        """Whether the approver, by the key that the trail named before any act, has signed the same permit."""
        if self._approver is None:
            return False
        digest = hashlib.sha256(_PERMIT_DOMAIN + body.encode()).digest()
        return _verifies(self._approver, _APPROVAL_DOMAIN + digest, signature)

    def _signed(self, message: bytes, signature: object) -> bool:
        return _verifies(self._key, message, signature)

    def _cadence(self, name: str) -> None:
        """A checkpoint follows the genesis record, and comes again after every so many records."""
        n, v = self._n, self.verdict
        if v.checkpoints == 0:
            raise _Bad("missing", "the first record is not followed by a signed checkpoint", n)
        late = n - v.signed >= self._every
        if (v.closed or self._grace) and name not in _UNSIGNED_OK:
            raise _Bad("inserted", f"`{name}` was added after the trail was closed", n)
        if late and not self._grace and name not in _UNSIGNED_OK:
            raise _Bad("missing", f"a checkpoint is due every {self._every} records, and this one is not", n)

    def _intent(self, facts: dict[str, Any], n: int) -> None:
        step = int(facts.get("gui.step.index", -1))
        self.verdict.intents += 1
        if facts.get("gui.state.digest"):
            self._states.setdefault(str(facts["gui.state.digest"]), n)
        self._intents[n] = (step, f"{facts.get('gui.action.kind', '?')} {facts.get('gui.target', '')}".strip())
        self._all_intents[n] = self._intents[n]
        body = facts.get("gui.permit.body")
        if body is None:
            return
        if not self._signed(_PERMIT_DOMAIN + str(body).encode(), facts.get("gui.permit.signature")):
            raise _Bad("permit", f"the permit of step {step} was not signed by this run's broker", n)
        try:
            terms = json.loads(str(body))
            same = terms["run"] == self.verdict.run and terms["action_digest"] == facts.get("gui.action.digest")
        except (ValueError, KeyError, TypeError):
            same = False
        if not same:
            raise _Bad("permit", f"the permit of step {step} is for another run or action", n)
        if terms.get("approved_by") and not self._approved(str(body), facts.get("gui.permit.approval")):
            raise _Bad("permit", f"the permit of step {step} says it was approved; its approver has not signed it", n)
        if body in self._used:
            raise _Bad("permit", f"the permit of step {step} was used before", n)
        self._used.add(str(body))
        self.verdict.permits += 1

    def _outcome(self, facts: dict[str, Any]) -> None:
        """Closes the intent it names."""
        number = int(facts.get("gui.intent.n", -1))
        intent = self._intents.get(number)
        if intent is None:
            return
        if facts.get("gui.receipt.status") == "unknown":
            self.verdict.unknown_effect.append(InFlight(number, *intent, "it broke in the middle"))
        del self._intents[number]

    def _effect(self, facts: dict[str, Any]) -> None:
        """What looking told of an act; the last word counts."""
        number = int(facts.get("gui.intent.n", -1))
        unknown = [one for one in self.verdict.unknown_effect if one.record != number]
        if facts.get("gui.effect") == "unknown":
            step, action = self._all_intents.get(number, (int(facts.get("gui.step.index", -1)), "?"))
            unknown.append(InFlight(number, step, action, str(facts.get("gui.detail", "its answer was lost"))))
        self.verdict.unknown_effect = unknown

    def _named_frames(self, facts: dict[str, Any]) -> None:
        for key, value in facts.items():
            if key == "gui.frame" or key.startswith("gui.frame."):
                for digest in value if isinstance(value, list) else [value]:
                    self._frames.setdefault(str(digest), self._n)

    # what is not a record

    def _torn_or_bad(self, stored: bytes, at: int, line: bytes, *, whole: bool) -> int:
        """Where to go on behind torn bytes. Raises `_Bad` when this is no crash but an edit."""
        resumed = self._declared(stored, at)
        if resumed is not None:
            self.verdict.torn.append(Torn(self._n - 1, resumed - at, declared=True))
            return resumed
        if not whole and self._prefix(line.rstrip(b"\x00")):
            self.verdict.torn.append(Torn(self._n - 1, len(stored) - at, declared=False))
            return len(stored)
        raise self._classified(stored, at, line)

    def _declared(self, stored: bytes, at: int) -> int | None:
        """Where the record begins that declares the bytes from `at` on as torn."""
        head = b'\n{"n":%d,"prev":"%s","h":"' % (self._n, self._prev.hex().encode())
        seek = stored.find(head, at)
        while seek >= 0:
            end = stored.find(b"\n", seek + 1)
            match = _LINE.fullmatch(stored[seek + 1 : end if end >= 0 else len(stored)])
            if match is not None and b'"gui.torn.length"' in match[4]:
                facts = next((facts for name, facts in _events(match[4], self._n) if name == "gui.reopened"), {})
                length = int(facts.get("gui.torn.length", -1))
                torn = stored[at:seek]
                same = len(torn) == length and hashlib.sha256(torn).hexdigest() == facts.get("gui.torn.digest")
                if same and b"\n" not in torn and self._prefix(torn.rstrip(b"\x00")):
                    return seek + 1
            seek = stored.find(head, seek + 1)
        return None

    def _prefix(self, piece: bytes) -> bool:
        """Whether these bytes are the beginning of the record that would come next."""
        head = b'{"n":%d,"prev":"%s","h":"' % (self._n, self._prev.hex().encode())
        if len(piece) <= len(head):
            return head.startswith(piece)
        match = re.match(
            rb'[0-9a-f]{0,64}(?:(?<=[0-9a-f]{64})"(?:,(?:"(?:r(?:e(?:c(?:"(?::(?:\{.*)?)?)?)?)?)?)?)?)?',
            piece[len(head) :],
        )
        if not piece.startswith(head) or match is None or match.end() != len(piece) - len(head):
            return False
        complete = _LINE.fullmatch(piece)
        if complete is not None and complete[3] == _hash(self._prev, self._n, complete[4]).hex().encode():
            return True  # only its newline is missing
        return _unfinished(piece)

    def _classified(self, stored: bytes, at: int, line: bytes) -> _Bad:
        """What was done to the trail, judged by the line that does not follow."""
        n = self._n
        match = _LINE.fullmatch(line) or _LEFT.fullmatch(line)
        if match is None:
            return _Bad("altered", "the line is not a record any more", n)
        claimed, prev = int(match[1]), bytes.fromhex(match[2].decode())
        if match.re is _LEFT:
            left = hashlib.sha256(match[5]).hexdigest()
            told = (match[3].decode(), match[4].decode(), match[2].decode())
            sound = told == self._left.get(claimed) and told[1] == left
        else:
            sound = match[3] == _hash(prev, claimed, match[4]).hex().encode()
        if not sound:
            return _Bad("altered", "its bytes do not have the hash that it carries", n)
        if claimed == n:
            return _Bad("altered", "its successor was chained to something else", max(0, n - 1))
        later = {int(hit[1]) for hit in (_NUMBER.match(each) for each in stored[at:].split(b"\n")) if hit}
        if claimed > n:
            if n in later:
                return _Bad("swapped", f"record {claimed} stands in its place", n)
            return _Bad("missing", f"record {claimed} follows on record {n - 1}", n)
        if claimed == n - 1 and match[3] != self._prev.hex().encode():
            return _Bad("inserted", "the trail goes on without it", claimed)
        return _Bad("inserted", f"a copy of record {claimed}, or one from elsewhere, stands here", n)

    # the end

    def _finish(self) -> None:
        v = self.verdict
        if not v.records:
            raise _Bad("missing", "the journal has no record", 0)
        v.root = self._tree.root().hex()
        if v.checkpoints == 0:
            raise _Bad("missing", "nothing in the journal is signed", 1)
        v.unknown_effect += [InFlight(n, step, what, "no outcome") for n, (step, what) in self._intents.items()]

    def run_record(self, path: Path) -> None:
        """Whether `run.json`, where there is one, says what the trail says."""
        try:
            record = json.loads(path.read_bytes())
        except OSError:
            return
        except ValueError:
            raise _Bad("run", "run.json is not readable") from None
        v = self.verdict
        if not isinstance(record, dict) or record.get("id") != v.run or record.get("public_key") != v.public_key:
            raise _Bad("run", "run.json speaks of another run or names another key")
        if record.get("status") != "ended":
            return
        end = record.get("journal")
        promised = int(end.get("records", 0)) if isinstance(end, dict) else 0
        if v.records < promised:
            raise _Bad("truncated", f"the run ended with {promised} records, {v.records} are here", v.records)
        if self._end:
            self._same_end(record)
        elif record.get("outcome") not in _UNTOLD:
            raise _Bad("run", f"run.json says `{record.get('outcome')}`, the trail does not say how the run ended")

    def _same_end(self, record: dict[str, Any]) -> None:
        end = self._end
        if record.get("outcome") != end.get("gui.run.outcome") or record.get("exit_code") != end.get(
            "gui.run.exit_code"
        ):
            raise _Bad("run", f"run.json says `{record.get('outcome')}`, the trail `{end.get('gui.run.outcome')}`")
        text = json.dumps(record.get("outputs"), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        if hashlib.sha256(text.encode()).hexdigest() != end.get("gui.outputs.digest"):
            raise _Bad("run", "the outputs in run.json are not those of the trail")

    def states_in(self, folder: Path) -> None:
        """Every checkpoint that a record names and that is there; it may be thrown away, it must not be another."""
        for digest, n in self._states.items():
            try:
                state = (folder / f"{digest}.json").read_bytes() if _HEX64.fullmatch(digest) else b""
            except OSError:
                continue
            if hashlib.sha256(state).hexdigest() != digest:
                raise _Bad("state", f"the checkpoint {digest[:12]}… was altered", n)

    def frames_in(self, folder: Path) -> None:
        """Every frame that a record names."""
        erased = set(self.verdict.erased)
        for digest, n in self._frames.items():
            if digest in erased:
                continue
            if not _HEX64.fullmatch(digest):
                raise _Bad("frame", "the record names no frame by its digest", n)
            try:
                png = (folder / f"{digest}.png").read_bytes()
            except OSError:
                raise _Bad("frame", f"frame {digest[:12]}… is missing and has no tombstone", n) from None
            if hashlib.sha256(png).hexdigest() != digest:
                raise _Bad("frame", f"frame {digest[:12]}… was altered", n)
            self.verdict.frames += 1

    # one step's records alone

    def apart(self, proof: dict[str, Any]) -> None:
        """Whether every record in a proof lies under its signed root, and is of the step that it speaks of."""
        v, seal = self.verdict, proof["checkpoint"]
        size, root = int(seal["n"]), bytes.fromhex(seal["root"])
        entries = sorted(proof["records"], key=lambda entry: int(entry["n"]))
        if not entries or int(entries[0]["n"]) != 0:
            raise _Bad("missing", "the proof does not begin with the trail's first record", 0)
        for entry in entries:
            n = int(entry["n"])
            whole = _whole_hash(entry, n)
            if not _included(whole, n, size, [bytes.fromhex(each) for each in entry["path"]], root):
                raise _Bad("altered", "it is not under the signed root", n)
            for name, facts in _events(entry["rec"].encode(), n) if "rec" in entry else ():
                self._one(name, facts, n, int(proof["step"]))
            v.records += 1
        if proof["run"] != v.run or proof["public_key"] != v.public_key:
            raise _Bad("run", "the proof speaks of another run or key than the trail's first record", 0)
        if not self._signed(_checkpoint_message(v.run, size, root.hex()), seal["signature"]):
            raise _Bad("signature", "the checkpoint's signature is wrong")
        v.checkpoints, v.signed, v.root = 1, size, root.hex()

    def _one(self, name: str, facts: dict[str, Any], n: int, step: int) -> None:
        if n == 0:
            self._genesis(name, facts)
        elif name == "gui.approver":
            self._approver = self._approver or _key_of(facts.get("gui.approver.key"))
        elif facts.get("gui.step.index") != step:
            raise _Bad("inserted", f"it is not of step {step + 1}", n)
        elif name == "gui.intent":
            self._intent(facts, n)


def check_proof(proof: object, public_key: str | None = None) -> Verdict:
    """Check what `agent audit proof` wrote, as parsed JSON. Never raises for what it finds in there.

    `records` of the verdict counts the records that were proved, `signed` how many the signed root covers.
    """
    check = _Check(Path(), public_key)
    found = check.verdict
    try:
        if not isinstance(proof, dict) or proof.get("deskhand_proof") != 1:
            raise _Bad("altered", "this is no proof of version 1")
        check.apart(proof)
    except _Bad as bad:
        found.ok, found.problem, found.detail, found.bad_record = False, bad.problem, bad.detail, bad.record
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found.ok, found.problem, found.detail = False, "altered", f"the proof is not whole: {error}"
    return found


def _whole_hash(entry: dict[str, Any], n: int) -> bytes:
    """The hash of a record in a proof: computed, or as it stands where something was erased from the record."""
    if "rec" in entry:
        return _hash(bytes.fromhex(entry["prev"]), n, entry["rec"].encode())
    return bytes.fromhex(entry["h"])


def _included(data: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves that `data` is leaf `index` of the RFC 6962 tree with `size` leaves and this root."""
    node, last = hashlib.sha256(b"\x00" + data).digest(), size - 1
    if not 0 <= index < size:
        return False
    for sibling in path:
        if last == 0:
            return False
        if index & 1 or index == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        index, last = index >> 1, last >> 1
    return last == 0 and node == root


def _checkpoint_message(run: str, n: int, root: str) -> bytes:
    """The bytes under a checkpoint's signature: records 0 to n-1 of this run have this root."""
    body = {"n": n, "root": root, "run": run, "v": 1}
    return _CHECKPOINT_DOMAIN + json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _tombstones(stored: bytes) -> dict[int, tuple[str, str, str]]:
    """What tombstones claim, read ahead: an erased record stands before them. Each is checked when its turn comes."""
    claims: dict[int, tuple[str, str, str]] = {}
    if b'"gui.record.erased"' not in stored:
        return claims
    for line in stored.split(b"\n"):
        match = _LINE.fullmatch(line) if b'"gui.record.erased"' in line else None
        try:
            told = [facts for name, facts in _events(match[4], 0) if name == "gui.record.erased"] if match else []
        except _Bad:
            continue
        for facts in told:
            whole, left, prev = (str(facts.get(f"gui.erased.{part}")) for part in ("hash", "left", "prev"))
            claims[int(facts.get("gui.erased.record", -1))] = (whole, left, prev)
    return claims


def _unfinished(piece: bytes) -> bool:
    """Whether the object that `piece` begins with has no end in it."""
    try:
        json.loads(piece)
    except ValueError as error:
        return not (isinstance(error, json.JSONDecodeError) and error.msg == "Extra data")
    except RecursionError:
        return False
    return False


def _events(record: bytes, n: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and attributes of every span and log record in one OTLP/JSON message."""
    try:
        message = json.loads(record)
        for group in message.get("resourceLogs", ()):
            for scope in group["scopeLogs"]:
                for entry in scope["logRecords"]:
                    yield entry["eventName"], _plain(entry["attributes"])
        for group in message.get("resourceSpans", ()):
            for scope in group["scopeSpans"]:
                for span in scope["spans"]:
                    yield f"span {span['name']}", _plain(span["attributes"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _Bad("altered", "the record is not an OTLP message", n) from None


def _plain(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {pair["key"]: _value(pair["value"]) for pair in pairs}


def _value(value: dict[str, Any]) -> Any:
    kind, content = next(iter(value.items()))
    if kind == "intValue":
        return int(content)
    if kind == "arrayValue":
        return [_value(each) for each in content.get("values", ())]
    return content


def _printed(verdict: Verdict) -> Iterator[str]:
    yield verdict.line()
    if verdict.run:
        source = "" if verdict.pinned else " (as the trail says; not pinned)"
        yield f"run {verdict.run}, key {verdict.public_key}{source}"
    if verdict.root:
        permits = f"{verdict.permits} of {verdict.intents} permits checked"
        yield f"root {verdict.root} over {verdict.records} records; {permits}"
    for torn in verdict.torn:
        yield f"torn: {torn.length} bytes after record {torn.after}{', declared' if torn.declared else ''}"
    for act in verdict.unknown_effect:
        yield f"unknown_effect: step {act.step}: {act.action!r} (record {act.record}: {act.why}); look before repeating"
    for digest in verdict.erased:
        yield f"erased: frame {digest}"
    for n, gone in verdict.erased_in.items():
        yield f"erased: {gone} of record {n}"


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="agent.audit.verify", description="Check the trail of a run.")
    parser.add_argument("run", type=Path, nargs="?", help="the run's folder, or its journal.jsonl")
    parser.add_argument("--proof", type=Path, metavar="FILE", help="check the proof of one step instead of a trail")
    parser.add_argument("--public-key", metavar="HEX", help="the key that must have signed (64 hexadecimal digits)")
    parser.add_argument("--no-frames", action="store_true", help="leave the frames out")
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
    given = parser.parse_args(argv)
    if given.public_key is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", given.public_key):
        print("--public-key wants 64 hexadecimal digits", file=sys.stderr)
        return 2
    if (given.run is None) == (given.proof is None):
        parser.error("name a run's folder, or a proof with --proof")
    if given.proof is not None:
        return _proved(given.proof, given.public_key, given.json)
    try:
        verdict = verify(given.run, given.public_key, frames=not given.no_frames)
    except OSError as error:
        print(f"cannot read the trail of `{given.run}`: {(error.strerror or 'error').lower()}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(verdict, default=vars, indent=2))
    else:
        print("\n".join(_printed(verdict)))
    return 0 if verdict.ok else 1


def _proved(path: Path, public_key: str | None, as_json: bool) -> int:
    try:
        proof = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or "it is not JSON"
        print(f"cannot read the proof `{path}`: {why.lower()}", file=sys.stderr)
        return 2
    verdict = check_proof(proof, public_key)
    if as_json:
        print(json.dumps(verdict, default=vars, indent=2))
    elif verdict.ok:
        whose = f"step {int(proof['step']) + 1} of run {verdict.run}"
        source = "" if verdict.pinned else " (as the proof says; not pinned)"
        erased = sum("rec" not in entry for entry in proof["records"])
        print(f"ok: {whose}: {verdict.records} records lie under the signed root")
        print(f"root {verdict.root} over {verdict.signed} records, key {verdict.public_key}{source}")
        print(f"{verdict.permits} of {verdict.intents} permits checked; {erased} record(s) erased in part")
    else:
        print(verdict.line())
    return 0 if verdict.ok else 1


if __name__ == "__main__":
    sys.exit(main())
