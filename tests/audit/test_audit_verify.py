from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sample_run import Signer, make_crash, make_run, smallest_run, tiny_run

from agent.audit.chain import checkpoint_bytes, record_hash
from agent.audit.erase import erase_frame
from agent.audit.journal import Journal
from agent.audit.measure import long_trail
from agent.audit.verify import Verdict, main, verify
from agent.run_folder import RunFolder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return tiny_run(tmp_path_factory.mktemp("tiny"))


class Copy:
    """A run folder whose journal can be edited and looked at without writing the rest again."""

    def __init__(self, original: RunFolder, place: Path) -> None:
        self.folder = RunFolder(place / original.id)
        self.folder.frames.mkdir(parents=True)
        for each in ("run.json", "journal.jsonl"):
            (self.folder.path / each).write_bytes((original.path / each).read_bytes())
        for frame in original.frames.iterdir():
            (self.folder.frames / frame.name).write_bytes(frame.read_bytes())
        self.stored = self.folder.journal.read_bytes()
        self.lines = self.stored.splitlines(keepends=True)

    def with_bytes(self, stored: bytes) -> Verdict:
        self.folder.journal.write_bytes(stored)
        return verify(self.folder.path)

    def with_lines(self, lines: list[bytes]) -> Verdict:
        return self.with_bytes(b"".join(lines))


@pytest.fixture
def copy(tiny: RunFolder, tmp_path: Path) -> Copy:
    return Copy(tiny, tmp_path)


def test_a_whole_run_verifies(tiny: RunFolder) -> None:
    verdict = verify(tiny.path)
    assert (verdict.ok, verdict.closed, verdict.torn, verdict.unknown_effect) == (True, True, [], [])
    assert verdict.signed == verdict.records
    assert verdict.intents == verdict.permits == 2
    assert verdict.checkpoints >= 4


def test_every_flipped_byte_is_found_at_its_record(tmp_path: Path) -> None:
    copy = Copy(smallest_run(tmp_path / "whole"), tmp_path)
    stored, record, missed = bytearray(copy.stored), 0, []
    for at, byte in enumerate(copy.stored):
        stored[at] = byte ^ (0x01, 0x20, 0x80, 0x09)[at % 4]
        verdict = _of(bytes(stored), copy)
        if verdict.ok or verdict.bad_record != record:
            missed.append((at, record, verdict.bad_record, verdict.detail))
        stored[at] = byte
        record += byte == 0x0A
    assert missed == []


def _of(stored: bytes, copy: Copy) -> Verdict:
    """The journal alone, without frames: thousands of times."""
    copy.folder.journal.write_bytes(stored)
    return verify(copy.folder.path, frames=False)


def _dropped(at: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: lines[:at] + lines[at + 1 :]


def _swapped(at: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]


def _doubled(at: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [*lines[: at + 1], lines[at], *lines[at + 1 :]]


def _forged(at: int) -> Callable[[list[bytes]], list[bytes]]:
    """A record that follows correctly, put in between."""

    def insert(lines: list[bytes]) -> list[bytes]:
        prev = bytes.fromhex(json.loads(lines[at - 1])["h"])
        return [*lines[:at], _line(prev, at, _record(lines[at])[:-1] + b" }"), *lines[at:]]

    return insert


def _record(line: bytes) -> bytes:
    return line[line.index(b'"rec":') + 6 : -2]


def _line(prev: bytes, n: int, record: bytes) -> bytes:
    digest = record_hash(prev, n, record)
    return b'{"n":%d,"prev":"%s","h":"%s","rec":%s}\n' % (n, prev.hex().encode(), digest.hex().encode(), record)


def rebuilt(records: list[bytes]) -> list[bytes]:
    """A faultless chain over any records, as somebody without the key can make it."""
    lines, prev = [], bytes(32)
    for n, record in enumerate(records):
        lines.append(_line(prev, n, record))
        prev = bytes.fromhex(json.loads(lines[-1])["h"])
    return lines


@pytest.mark.parametrize(
    ("edit", "problem", "record"),
    [
        (_dropped(0), "missing", 0),
        (_dropped(4), "missing", 4),
        (_swapped(3), "swapped", 3),
        (_swapped(0), "swapped", 0),
        (_doubled(5), "inserted", 6),
        (_forged(5), "inserted", 5),
        (lambda lines: lines[:-1], "truncated", None),
        (lambda lines: lines[:2], "truncated", 2),
        (lambda lines: [], "missing", 0),
        (lambda lines: [*lines, b"\n"], "altered", None),
        (lambda lines: [*lines, b"{}\n"], "altered", None),
        (lambda lines: [*lines, lines[-1]], "inserted", None),
        (lambda lines: [b"\xef\xbb\xbf", *lines], "altered", 0),
    ],
)
def test_the_first_bad_record_is_named(
    copy: Copy, edit: Callable[[list[bytes]], list[bytes]], problem: str, record: int | None
) -> None:
    verdict = copy.with_lines(edit(copy.lines))
    expected = record if record is not None else len(edit(copy.lines)) - (problem == "altered" or problem == "inserted")
    assert (verdict.ok, verdict.problem, verdict.bad_record) == (False, problem, expected)


@pytest.mark.parametrize("edit", [_dropped, _swapped, _doubled, _forged], ids=["drop", "swap", "double", "insert"])
def test_wherever_it_is_done_the_first_bad_record_is_named(
    copy: Copy, edit: Callable[[int], Callable[[list[bytes]], list[bytes]]]
) -> None:
    first, last = (1, 0) if edit is _forged else (0, 1 if edit in (_swapped, _dropped) else 0)
    wrong = []
    for at in range(first, len(copy.lines) - last):
        verdict = _of(b"".join(edit(at)(copy.lines)), copy)
        bad = at + 1 if edit is _doubled else at
        if verdict.ok or verdict.bad_record != bad:
            wrong.append((at, verdict.ok, verdict.bad_record, verdict.detail))
    assert wrong == []


def test_wherever_it_is_cut_off_the_first_missing_record_is_named(copy: Copy) -> None:
    for count in range(2, len(copy.lines)):
        verdict = _of(b"".join(copy.lines[:count]), copy)
        assert (verdict.ok, verdict.problem, verdict.bad_record) == (False, "truncated", count)


def test_wherever_a_chain_is_rebuilt_without_the_key_the_next_signature_says_so(copy: Copy) -> None:
    records = [_record(line) for line in copy.lines]
    seals = [n for n, record in enumerate(records) if b"gui.checkpoint.root" in record]
    for at, record in enumerate(records[:-1]):
        if at in seals:
            continue
        other = [*records[:at], record.replace(b'"scope":', b'"scope" :', 1), *records[at + 1 :]]
        assert other != records
        verdict = _of(b"".join(rebuilt(other)), copy)
        assert (verdict.ok, verdict.problem) == (False, "signature"), at
        assert verdict.bad_record == next(n for n in seals if n > at)


@pytest.mark.slow
def test_a_hundred_thousand_records_are_checked_and_one_altered_byte_among_them_is_found(tmp_path: Path) -> None:
    folder, _ = long_trail(tmp_path, 100_000)
    began = time.process_time()
    verdict = verify(folder)
    print(f"{verdict.records} records in {time.process_time() - began:.1f} s of a processor")
    assert verdict.ok and verdict.records > 100_000
    journal = folder / "journal.jsonl"
    stored = bytearray(journal.read_bytes())
    at = stored.index(b'{"n":70000,') + 300
    stored[at] ^= 1
    journal.write_bytes(stored)
    assert verify(folder).bad_record == 70_000


def test_a_record_rewritten_with_a_fitting_hash_breaks_what_follows(copy: Copy) -> None:
    record = _record(copy.lines[4]).replace(b"click", b"clack").replace(b"observe", b"obverse")
    lines = [*copy.lines]
    lines[4] = _line(bytes.fromhex(json.loads(lines[3])["h"]), 4, record[:-1] + b" }")
    verdict = copy.with_lines(lines)
    assert (verdict.ok, verdict.problem, verdict.bad_record) == (False, "altered", 4)


def test_a_chain_rebuilt_without_the_key_fails_at_the_next_checkpoint(copy: Copy) -> None:
    records = [_record(line) for line in copy.lines]
    records[2] = records[2].replace(b'"gui.screen.width"', b'"gui.screen.girth"')
    assert records[2] != _record(copy.lines[2])
    first = next(n for n, record in enumerate(records) if n > 2 and b"gui.checkpoint.root" in record)
    verdict = copy.with_lines(rebuilt(records))
    assert (verdict.ok, verdict.problem, verdict.bad_record) == (False, "signature", first)
    assert "not those that were signed" in verdict.detail


def test_a_chain_rebuilt_with_new_roots_and_another_key_fails(copy: Copy) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from agent.audit.chain import Merkle

    other, tree, lines, prev = Ed25519PrivateKey.generate(), Merkle(), [], bytes(32)
    for n, line in enumerate(copy.lines):
        record = _record(line)
        if b"gui.checkpoint.root" in record:
            told = json.loads(record)
            for pair in told["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["attributes"]:
                if pair["key"] == "gui.checkpoint.root":
                    pair["value"] = {"stringValue": tree.root().hex()}
                if pair["key"] == "gui.checkpoint.signature":
                    signed = other.sign(checkpoint_bytes(copy.folder.id, n, tree.root()))
                    pair["value"] = {"stringValue": signed.hex()}
            record = json.dumps(told, separators=(",", ":")).encode()
        elif n == 2:
            record = record.replace(b'"gui.screen.width"', b'"gui.screen.girth"')
        lines.append(_line(prev, n, record))
        prev = bytes.fromhex(json.loads(lines[-1])["h"])
        tree.append(prev)
    verdict = copy.with_lines(lines)
    assert (verdict.ok, verdict.problem, verdict.bad_record) == (False, "signature", 1)


def test_checkpoints_left_out_of_a_rebuilt_chain_are_missed(copy: Copy) -> None:
    records = [_record(line) for line in copy.lines]
    without = [record for n, record in enumerate(records) if n < 2 or b"gui.checkpoint.root" not in record]
    verdict = copy.with_lines(rebuilt(without))
    assert (verdict.ok, verdict.problem) == (False, "missing")
    assert "checkpoint is due" in verdict.detail
    none = [record for record in records if b"gui.checkpoint.root" not in record]
    assert copy.with_lines(rebuilt(none)).problem == "missing"


def test_a_pinned_key_finds_a_trail_signed_by_somebody_else(tiny: RunFolder) -> None:
    mine = Signer().public.hex()
    assert verify(tiny.path, mine).pinned and verify(tiny.path, mine.upper()).ok
    verdict = verify(tiny.path, "ab" * 32)
    assert (verdict.ok, verdict.problem, verdict.bad_record) == (False, "signature", 0)


def test_a_permit_that_the_broker_did_not_sign_is_found(tmp_path: Path) -> None:
    class Forger(Signer):
        def permit(self, *args: object) -> object:  # type: ignore[override]
            from actuators.permit import Permit

            real = super().permit(*args)  # type: ignore[arg-type]
            return Permit(real.body, bytes(64))

    folder = make_run(tmp_path, signer=Forger())
    assert verify(folder.path).problem == "permit"


def test_frames_must_be_there_and_unaltered(copy: Copy) -> None:
    frames = sorted(copy.folder.frames.iterdir())
    kept = frames[0].read_bytes()
    frames[0].write_bytes(frames[1].read_bytes())
    assert verify(copy.folder.path).problem == "frame"
    assert "altered" in verify(copy.folder.path).detail
    frames[0].unlink()
    assert "missing and has no tombstone" in verify(copy.folder.path).detail
    assert verify(copy.folder.path, frames=False).ok
    frames[0].write_bytes(kept)
    assert verify(copy.folder.path).ok


def test_two_frames_swapped_are_found(copy: Copy) -> None:
    first, second = sorted(copy.folder.frames.iterdir())[:2]
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    assert verify(copy.folder.path).problem == "frame"


@pytest.mark.parametrize("signed", [True, False])
def test_an_erased_frame_with_a_tombstone_is_fine(copy: Copy, signed: bool) -> None:
    gone, other = sorted(frame.stem for frame in copy.folder.frames.iterdir())
    erase_frame(copy.folder, gone, "asked for by the person on it", Signer().sign if signed else None)
    verdict = verify(copy.folder.path)
    assert (verdict.ok, verdict.closed, verdict.erased) == (True, True, [gone])
    assert (verdict.signed == verdict.records) == signed
    erase_frame(copy.folder, other, "and this one")
    assert verify(copy.folder.path).ok
    with pytest.raises(FileNotFoundError):
        erase_frame(copy.folder, gone, "again")


def test_nothing_but_tombstones_may_follow_a_closed_trail_unsigned(copy: Copy) -> None:
    with Journal.reopen(copy.folder.journal) as journal:
        journal.event("gui.outcome", "made up", {"gui.step.index": 0})
    verdict = verify(copy.folder.path)
    assert (verdict.ok, verdict.problem) == (False, "inserted")


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "denied"},
        {"exit_code": 7},
        {"outputs": {"total": "1.00 EUR"}},
        {"public_key": "ab" * 32},
        {"id": "another"},
    ],
)
def test_run_json_must_say_what_the_trail_says(copy: Copy, change: dict[str, object]) -> None:
    place = copy.folder.path / "run.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | change))
    assert verify(copy.folder.path).problem == "run"


def test_a_success_that_the_trail_does_not_know_is_no_success(tmp_path: Path) -> None:
    folder = make_crash(tmp_path)
    place = folder.path / "run.json"
    ended = {"status": "ended", "outcome": "verified", "exit_code": 0, "journal": None}
    place.write_text(json.dumps(json.loads(place.read_text()) | ended))
    assert verify(folder.path).problem == "run"


def test_a_crash_leaves_its_act_as_unknown_effect(tmp_path: Path) -> None:
    verdict = verify(make_crash(tmp_path).path)
    assert verdict.ok and not verdict.closed
    assert [(act.step, act.action, act.why) for act in verdict.unknown_effect] == [
        (2, 'click button "Pay EUR 189.00"', "no outcome")
    ]


def test_a_torn_tail_passes_and_is_said_wherever_it_tears(tmp_path: Path) -> None:
    folder = make_crash(tmp_path)
    stored = folder.journal.read_bytes()
    last = stored.rindex(b"\n", 0, len(stored) - 1) + 1
    for cut in {*range(last + 1, last + 170), *range(last + 170, len(stored), 13), len(stored) - 1}:
        folder.journal.write_bytes(stored[:cut])
        verdict = verify(folder.path)
        assert verdict.ok, (cut, verdict.detail)
        assert [(torn.length, torn.declared) for torn in verdict.torn] == [(cut - last, False)]
        assert "ends in a torn record" in verdict.line()


def test_bytes_that_no_crash_leaves_are_not_taken_for_a_torn_tail(tmp_path: Path) -> None:
    folder = make_crash(tmp_path)
    stored = folder.journal.read_bytes()
    for tail in (b"x", b"{}", b'{"n":999', stored.splitlines()[3], stored.splitlines()[-1] + b"x", b"\n"):
        folder.journal.write_bytes(stored + tail)
        assert verify(folder.path).problem in ("altered", "inserted", "swapped", "missing"), tail


def test_reopening_declares_a_torn_tail_and_nothing_is_dropped(tmp_path: Path) -> None:
    folder = make_crash(tmp_path)
    stored = folder.journal.read_bytes()
    folder.journal.write_bytes(stored[:-40])
    with Journal.reopen(folder.journal, Signer().sign) as journal:
        assert journal.torn_tail is not None and journal.torn_tail.offset + journal.torn_tail.length == len(stored) - 40
    assert folder.journal.read_bytes().startswith(stored[:-40] + b"\n")
    verdict = verify(folder.path)
    assert (verdict.ok, verdict.closed, [torn.declared for torn in verdict.torn]) == (True, True, [True])
    with Journal.reopen(folder.journal, Signer().sign) as journal:
        assert journal.torn_tail is None
    assert verify(folder.path).ok


def test_a_journal_can_be_reopened_wherever_it_was_cut(tmp_path: Path) -> None:
    folder = make_run(tmp_path, every=5)
    (folder.path / "run.json").unlink()
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    for count in range(2, len(lines)):
        folder.journal.write_bytes(b"".join(lines[:count]) + lines[count][:count])
        with Journal.reopen(folder.journal, Signer().sign):
            pass
        verdict = verify(folder.path, frames=False)
        assert verdict.ok and verdict.closed, (count, verdict.detail)


def test_a_byte_flipped_in_a_declared_torn_tail_is_found(tmp_path: Path) -> None:
    folder = make_crash(tmp_path)
    stored = folder.journal.read_bytes()
    folder.journal.write_bytes(stored[:-40])
    torn_at = stored.rindex(b"\n", 0, len(stored) - 40) + 1
    Journal.reopen(folder.journal, Signer().sign).close()
    whole = folder.journal.read_bytes()
    for at in range(torn_at, len(stored) - 40, 7):
        folder.journal.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert not verify(folder.path).ok, at


def test_random_edits_never_pass_and_never_crash_the_verifier(copy: Copy) -> None:
    rng = random.Random(7)
    for _ in range(400):
        stored = bytearray(copy.stored)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(stored))
            match rng.randrange(3):
                case 0:
                    stored[at] ^= rng.randint(1, 255)
                case 1:
                    del stored[at : at + rng.randint(1, 300)]
                case _:
                    stored[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 40)))
        if bytes(stored) != copy.stored:
            assert not _of(bytes(stored), copy).ok


def test_the_command_line_says_it_and_exits_as_promised(
    tiny: RunFolder, copy: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tiny.path)]) == 0
    assert "ok: " in capsys.readouterr().out
    assert main([str(tiny.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    copy.with_lines(copy.lines[:-2])
    assert main([str(copy.folder.path)]) == 1
    assert capsys.readouterr().out.startswith("BAD at record")
    assert main([str(tiny.path / "nowhere")]) == 2
    assert main([str(tiny.path), "--public-key", "zz"]) == 2
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2


def test_the_file_runs_alone_without_deskhand(tiny: RunFolder, tmp_path: Path) -> None:
    alone = tmp_path / "verify.py"
    alone.write_bytes((ROOT / "agent/audit/verify.py").read_bytes())
    ran = subprocess.run(
        [sys.executable, "-I", str(alone), str(tiny.path)], capture_output=True, text=True, cwd=tmp_path
    )
    assert (ran.returncode, ran.stdout[:3]) == (0, "ok:"), ran.stderr
    from agent.audit import verify as module

    imports = [
        line
        for line in Path(module.__file__).read_text().splitlines()
        if "import " in line and line.lstrip().startswith(("from", "import"))
    ]
    assert not [
        line for line in imports if line.split()[1].split(".")[0] in ("agent", "policies", "actuators", "model")
    ]


def test_verifying_costs_little_per_record(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path, every=64)
    with Journal.reopen(folder.journal, Signer().sign) as journal:
        line = journal._envelope.log("gui.event", "x" * 300, {"gui.step.index": 1}, 1)
        for _ in range(5_000):
            journal.append(line)
    began = time.monotonic()
    verdict = verify(folder.path)
    print(f"{verdict.records} records in {time.monotonic() - began:.2f} s")
    assert verdict.ok and verdict.records > 5_000
