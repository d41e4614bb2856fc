"""`agent audit show`, `export`, `proof` and `erase`, as somebody types them; and what a third party makes of it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sample_run import GOAL, Signer, about, make_crash, make_run, plain
from typer.testing import CliRunner

from agent.audit.erase import FIELDS, erase_fields
from agent.audit.journal import Journal, TrailBroken
from agent.audit.names import NAMES
from agent.audit.proof import NotProved, proof_of
from agent.audit.spans import Trail
from agent.audit.verify import check_proof, verify
from agent.cli import app
from agent.report.page import write_report
from agent.run_folder import RunFolder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return make_run(tmp_path_factory.mktemp("runs"))


def said(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["audit", *words])
    assert done.exit_code == code, done.output
    return done.output


# show


def test_a_run_is_told_step_by_step(run: RunFolder) -> None:
    text = said("show", str(run.path))
    for words in (
        f"{run.id}  book_flight: verified",
        f"goal     {GOAL}",
        "trail    ok: 70 records",
        "leave extras alone",
        "asked    Book the cheapest",
        "said     act, 93 % sure, 2150 tokens in (1980 cached), 24 out",
        'target   click button "Pay EUR 189.00"',
        "verdict  deny by no-paid-extras; would buy 49.00 EUR",
        "person   approved by tty: mara after 6.4 s",
        "permit   00000000000000000000000000000007 (record 58)",
        'receipt  done in 31 ms: type_text {"text": "Lisbon"}',
        "receipt  stale in 31 ms",
        "check    passed: text (contains Booking confirmed)",
        "time     observe",
    ):
        assert words in text, words


def test_one_step_is_told_in_full_and_alone(run: RunFolder) -> None:
    text = said("show", str(run.path), "--step", "2")
    assert "Now: type Lisbon into the To field" in text and "reply    type" in text
    assert "frame    before frames/" in text and "Pay EUR" not in text
    assert "the trail has no step 40; its steps: 1, 2, 3" in said("show", str(run.path), "--step", "40", code=2)


def test_machines_are_told_the_same(run: RunFolder) -> None:
    told = json.loads(said("show", str(run.path), "--json"))
    assert [step["number"] for step in told["steps"]] == [*range(1, 10)] and told["verdict"]["ok"]
    assert told["steps"][7]["answers"][0] == {
        "answer": "approved", "by": "tty: mara", "waited_s": 6.4, "question": ""
    }  # fmt: skip
    assert told["steps"][7]["began_ns"] > told["steps"][0]["began_ns"] > 1e18
    assert len(json.loads(said("show", str(run.path), "--step", "3", "--json"))["steps"]) == 1


def test_an_act_in_flight_and_an_altered_trail_are_said(tmp_path: Path) -> None:
    folder = make_crash(tmp_path)
    assert "receipt  none: it is not known whether this happened" in said("show", str(folder.path))
    folder.journal.write_bytes(folder.journal.read_bytes().replace(b"Lisbon", b"London"))
    assert "trail    BAD at record 0: altered" in said("show", str(folder.path))


def test_a_terminal_is_not_told_what_to_do_by_a_screen(tmp_path: Path) -> None:
    folder, signer = RunFolder.create(tmp_path, "t"), Signer()
    with Trail.start(folder, about(goal="\x1b]0;x\x07\u202egoal"), signer.sign, signer.public, plain) as trail:
        with trail.step(0, goal="\x1b[31mred"), trail.phase("observe", title="\x9b2J", url="http://x/\r\n"):
            trail.event("gui.\x1bnote", {"detail": "\x1b"}, body="\x1b[2J")
        trail.end("error", 1, detail="\x1b")
    text = said("show", str(folder.path)) + said("show", str(folder.path), "--step", "1")
    assert "·[31mred" in text and not {"\x1b", "\x9b", "\u202e", "\r"} & {*text}


# export


def test_a_third_party_checks_a_bundle_with_nothing_of_deskhand(run: RunFolder, tmp_path: Path) -> None:
    write_report(run)
    (run.states).mkdir(exist_ok=True)
    (run.states / f"{'0' * 64}.json").write_text("cookies")
    text = said("export", str(run.path), "--to", str(tmp_path / "given"))
    assert f"python verify.py . --public-key {Signer().public.hex()}" in text
    given = tmp_path / "given"
    assert not (given / "states").exists() and len([*(given / "frames").iterdir()]) == 7
    for line in (given / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((given / name).read_bytes()).hexdigest() == digest
    key = (given / "public_key.txt").read_text().strip()
    check = [sys.executable, "-I", "verify.py", ".", "--public-key"]
    done = subprocess.run([*check, key], cwd=given, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:14]) == (0, "ok: 70 records"), done.stderr
    assert subprocess.run([*check, "ab" * 32], cwd=given, capture_output=True, check=False).returncode == 1
    assert "exists: name a new folder" in said("export", str(run.path), "--to", str(given), code=2)


def test_a_bundle_in_one_file_is_the_same(run: RunFolder, tmp_path: Path) -> None:
    said("export", str(run.path), "--to", str(tmp_path / "given.zip"))
    with zipfile.ZipFile(tmp_path / "given.zip") as packed:
        assert packed.read("journal.jsonl") == run.journal.read_bytes()
        packed.extractall(tmp_path / "out")
    assert verify(tmp_path / "out").ok


def test_otlp_lines_are_the_records_as_they_are_stored(run: RunFolder, tmp_path: Path) -> None:
    assert "70 OTLP/JSON messages" in said("export", str(run.path), "--to", str(tmp_path / "o.jsonl"))
    lines = (tmp_path / "o.jsonl").read_bytes().splitlines()
    stored = run.journal.read_bytes().splitlines()
    assert all(before.endswith(line + b"}") for before, line in zip(stored, lines, strict=True))
    assert all({*json.loads(line)} <= {"resourceSpans", "resourceLogs"} for line in lines)


def test_a_trail_that_does_not_hold_is_exported_and_said(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    folder.journal.write_bytes(folder.journal.read_bytes().replace(b"Lisbon", b"London"))
    assert "BAD at record 0" in said("export", str(folder.path), "--to", str(tmp_path / "b"), code=1)
    assert "BAD at record 0" in said("proof", str(folder.path), "1", code=1)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "say where to"),
        (("--to", "x", "--otlp", "http://x"), "say where to"),
        (("--otlp", "x"), "--otlp takes http://HOST:4318 or grpc://HOST:4317"),
    ],
)
def test_where_to_is_asked_for(run: RunFolder, words: tuple[str, ...], line: str) -> None:
    assert line in said("export", str(run.path), *words, code=2)


# a proof of one step


@pytest.mark.parametrize("every", [3, 64])
def test_every_step_can_be_proved_alone(tmp_path: Path, every: int) -> None:
    folder = make_run(tmp_path, every=every)
    for step in range(9):
        proof = json.loads(json.dumps(proof_of(folder.journal, step)))
        verdict = check_proof(proof, Signer().public.hex())
        assert verdict.ok and verdict.records == len(proof["records"]), verdict.detail
        assert verdict.permits == verdict.intents == (step not in (5, 8))


def proof_in(run: RunFolder, step: int = 7) -> dict[str, Any]:
    return json.loads(json.dumps(proof_of(run.journal, step)))  # type: ignore[no-any-return]


def test_a_proof_shows_no_other_step(run: RunFolder) -> None:
    text = json.dumps(proof_in(run))
    assert "Pay EUR 189.00" in text and "Choose TP 931" not in text and "Add insurance" not in text


def test_whatever_is_changed_in_a_proof_it_fails(run: RunFolder) -> None:
    whole = json.dumps(proof_in(run), separators=(",", ":"))
    for at in range(0, len(whole), 37):
        other = whole[:at] + ("0" if whole[at] != "0" else "1") + whole[at + 1 :]
        try:
            changed = json.loads(other)
        except ValueError:
            continue
        if changed != json.loads(whole):
            assert not check_proof(changed).ok, (at, whole[at - 30 : at + 10])


def test_a_proof_of_another_step_run_or_key_fails(run: RunFolder, tmp_path: Path) -> None:
    proof = proof_in(run)
    assert check_proof({**proof, "step": 6}).problem == "inserted"
    assert check_proof({**proof, "run": "another"}).problem == "run"
    assert check_proof({**proof, "records": proof["records"][1:]}).problem == "missing"
    assert check_proof(proof, "ab" * 32).problem == "signature"
    other = proof_in(make_run(tmp_path))
    assert check_proof({**proof, "checkpoint": other["checkpoint"]}).problem == "altered"
    assert check_proof({**other, "records": proof["records"]}).problem == "altered"
    for broken in (None, [], {}, {"deskhand_proof": 1}, {**proof, "records": 7}, {**proof, "checkpoint": {}}):
        assert check_proof(broken).problem == "altered"


def test_the_command_writes_a_proof_that_the_verifier_alone_checks(run: RunFolder, tmp_path: Path) -> None:
    to = tmp_path / "step.json"
    assert "records under the root of the first" in said("proof", str(run.path), "8", "--to", str(to))
    check = [sys.executable, "-I", str(ROOT / "agent/audit/verify.py"), "--proof", str(to)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:13]) == (0, "ok: step 8 of"), done.stderr
    assert json.loads(said("proof", str(run.path), "8")) == json.loads(to.read_text())
    to.write_text(to.read_text().replace("Pay EUR 189.00", "Pay EUR 9.00"))
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:13]) == (1, "BAD at record")
    assert "no record on the trail is of step 40" in said("proof", str(run.path), "40", code=2)


def test_what_nobody_signed_is_not_proved(tmp_path: Path) -> None:
    folder = make_crash(tmp_path)
    with pytest.raises(NotProved, match="comes after the last signature"):
        proof_of(folder.journal, 2)


# erasing


def test_a_field_is_gone_everywhere_and_the_trail_holds(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    write_report(folder)
    assert b"Insurance seems required" in folder.journal.read_bytes()
    assert "Insurance seems required" in folder.report.read_text()
    text = said("erase", str(folder.path), "--field", "why", "--why", "asked for by Ada")
    assert "fields in 8 records" in text and "not vouched for" in text
    assert b"Insurance seems required" not in folder.journal.read_bytes()
    assert "Insurance seems required" not in folder.report.read_text()
    verdict = verify(folder.path)
    assert (verdict.ok, verdict.closed, len(verdict.erased_in)) == (True, True, 8)
    assert {*verdict.erased_in.values()} == {"gui.move.reason"}
    assert b"asked for by Ada" in folder.journal.read_bytes()
    again = said("erase", str(folder.path), "--field", "gui.move.reason", "--field", "target_name")
    assert "fields in" in again and verify(folder.path).ok


@pytest.mark.parametrize("field", ["texts", *FIELDS])
def test_whatever_can_be_erased_leaves_a_trail_that_holds_and_can_be_read(
    run: RunFolder, tmp_path: Path, field: str
) -> None:
    folder = copied(run, tmp_path)
    erase_fields(folder, [field], "why")
    verdict = verify(folder.path)
    assert verdict.ok and verdict.closed, verdict.detail
    told = json.loads(said("show", str(folder.path), "--json"))
    assert len(told["steps"]) == 9 and told["steps"][5]["rulings"][0]["verdict"] == "deny"
    for step in range(9):
        assert check_proof(proof_of(folder.journal, step)).ok


def copied(run: RunFolder, root: Path) -> RunFolder:
    folder = RunFolder(root / run.id)
    folder.frames.mkdir(parents=True)
    for each in ("run.json", "journal.jsonl"):
        (folder.path / each).write_bytes((run.path / each).read_bytes())
    for frame in run.frames.iterdir():
        (folder.frames / frame.name).write_bytes(frame.read_bytes())
    return folder


def test_nothing_of_a_text_is_left_in_the_step_it_was_erased_from(run: RunFolder, tmp_path: Path) -> None:
    folder = copied(run, tmp_path)
    said("erase", str(folder.path), "--field", "texts", "--step", "2")
    mine = [
        line
        for line in folder.journal.read_bytes().splitlines()
        if b'"gui.step.index","value":{"intValue":"1"}' in line
    ]
    assert mine and not [line for line in mine if b"Lisbon" in line]
    assert b"Lisbon" in folder.journal.read_bytes()  # the goal, in the trail's first record and in what was asked


def test_an_erased_record_cannot_be_given_other_words(run: RunFolder, tmp_path: Path) -> None:
    folder = copied(run, tmp_path)
    whole = folder.journal.read_bytes()
    [first, *_, last] = erase_fields(folder, ["why"], "x")
    left = folder.journal.read_bytes()
    lines, before = left.splitlines(keepends=True), whole.splitlines(keepends=True)

    def check(changed: list[bytes]) -> tuple[bool, int | None]:
        folder.journal.write_bytes(b"".join(changed))
        verdict = verify(folder.path, frames=False)
        return verdict.ok, verdict.bad_record

    assert check(lines) == (True, None)
    for at in range(0, len(lines[last]), 11):
        flipped = lines[last][:at] + bytes([lines[last][at] ^ 1]) + lines[last][at + 1 :]
        assert check([*lines[:last], flipped, *lines[last + 1 :]]) == (False, last), at
    without = [line for line in lines if b'"gui.record.erased"' not in line or b'"intValue":"%d"' % last not in line]
    assert not check(without)[0]
    assert check([*lines[: len(before)]])[1] == first  # erased records whose tombstones were cut off
    assert check([*lines[:last], before[last], *lines[last + 1 :]]) == (True, None)  # a crash before the erasing itself


def test_a_tombstone_may_be_signed(run: RunFolder, tmp_path: Path) -> None:
    folder = copied(run, tmp_path)
    erase_fields(folder, ["reply"], "x", sign=Signer().sign)
    verdict = verify(folder.path)
    assert verdict.ok and verdict.signed == verdict.records
    with Journal.reopen(folder.journal, Signer().sign):
        pass
    assert verify(folder.path).ok


def test_frames_go_by_the_beginning_of_their_digest(run: RunFolder, tmp_path: Path) -> None:
    folder = copied(run, tmp_path)
    first = sorted(frame.stem for frame in folder.frames.iterdir())[0]
    (folder.path / "patches").mkdir()
    (folder.path / "patches" / "a.png").write_bytes(b"a piece of it")
    assert "erased 1 frames, 1 pieces" in said("erase", str(folder.path), "--frame", first[:12])
    assert not [*(folder.path / "patches").iterdir()]
    assert verify(folder.path).erased == [first]
    assert "no frame is called `0123`" in said("erase", str(folder.path), "--frame", "0123", code=2)
    assert "erased 6 frames" in said("erase", str(folder.path), "--frame", "all")
    assert verify(folder.path).ok and not [*folder.frames.iterdir()]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "name one run, or --older-than"),
        (("last", "--older-than", "9d"), "name one run, or --older-than"),
        (("last",), "say what: --frame DIGEST"),
        (("last", "--field", "verdict"), "`verdict` cannot be erased; what can: texts"),
        (("--older-than", "soon"), "--older-than takes a number of days"),
        (("nothing-like-it", "--field", "why"), "no run"),
    ],
)
def test_what_cannot_be_erased_is_one_line(run: RunFolder, words: tuple[str, ...], line: str) -> None:
    text = said("erase", *words, "--runs", str(run.path.parent), code=2)
    assert line in text and text.count("\n") == 1


def test_nothing_is_erased_from_a_trail_that_does_not_hold_or_goes_on(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    folder.journal.write_bytes(folder.journal.read_bytes().replace(b"Lisbon", b"London"))
    assert "nothing was erased: BAD at record 0" in said("erase", str(folder.path), "--frame", "all", code=1)
    assert len([*folder.frames.iterdir()]) == 7
    going = RunFolder.create(tmp_path, "t")
    with Trail.start(going, about(), Signer().sign, Signer().public, plain) as trail:
        assert "is going on" in said("erase", str(going.path), "--field", "texts", code=2)
        with pytest.raises(TrailBroken, match="another process has it open"):
            erase_fields(going, ["texts"], "x") or Journal.reopen(going.journal)
        trail.end("verified", 0)


def test_old_runs_lose_their_frames_and_checkpoints_and_keep_their_trail(tmp_path: Path) -> None:
    old, new = make_run(tmp_path), make_run(tmp_path)
    old.states.mkdir()
    (old.states / f"{'1' * 64}.json").write_text("{}")
    place = old.path / "run.json"
    record = json.loads(place.read_text())
    place.write_text(json.dumps(record | {"ended_at": time.time() - 91 * 86_400}))
    runs = ("--older-than", "90d", "--runs", str(tmp_path))
    assert "would erase 7 frames" in said("erase", *runs, "--dry-run") and len([*old.frames.iterdir()]) == 7
    text = said("erase", *runs)
    assert "erased 7 frames, 1 checkpoints" in text and "1 runs ended before" in text
    assert not [*old.frames.iterdir()] and not old.states.exists() and len([*new.frames.iterdir()]) == 7
    assert verify(old.path).ok and b"kept no longer" in old.journal.read_bytes()
    assert "erased 0 frames, fields in 0 records" in said("erase", *runs)


def test_names_of_fields_are_those_of_the_table() -> None:
    assert {*FIELDS} - {*NAMES} == {"body", "error_text"}
    assert not [name for name in FIELDS if NAMES.get(name, "").endswith(".digest")]


def test_an_erasure_that_cannot_be_written_changes_nothing(run: RunFolder, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root can write everywhere")
    folder = copied(run, tmp_path)
    folder.journal.chmod(0o400)
    with pytest.raises(TrailBroken):
        erase_fields(folder, ["why"], "x")
    assert folder.journal.read_bytes() == run.journal.read_bytes()
