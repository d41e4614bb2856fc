from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace as global_trace
from sample_run import GOAL, Pass, Signer, about, booking, make_crash, make_run, one_pass, page, plain, target

from actuators.action import Click, TypeText
from actuators.geometry import Point
from actuators.receipt import Receipt
from agent.audit.journal import Journal, TrailBroken, is_live
from agent.audit.names import NAMES, Attributes, attribute_name
from agent.audit.spans import About, Trail, outputs_digest
from agent.audit.verify import verify
from agent.run_folder import RunFolder
from model.base import Act, Instruction, Reply, Unreadable
from policies.checkpoint import checkpoint_bytes as broker_bytes
from policies.decision import Decision

ALLOW = Decision("allow", ("r",))


def opened(root: Path, **more: Any) -> Trail:
    signer = Signer()
    return Trail.start(RunFolder.create(root, "t"), about(), signer.sign, signer.public, plain, **more)


def records(folder: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in folder.journal.read_bytes().splitlines()]


def logs(folder: RunFolder) -> list[dict[str, Any]]:
    found = []
    for record in records(folder):
        for group in record["rec"].get("resourceLogs", []):
            found.append(group["scopeLogs"][0]["logRecords"][0] | {"n": record["n"]})
    return found


def spans(folder: RunFolder) -> list[dict[str, Any]]:
    groups = [group for record in records(folder) for group in record["rec"].get("resourceSpans", [])]
    return [group["scopeSpans"][0]["spans"][0] for group in groups]


def told(entry: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: next(iter(pair["value"].values())) for pair in entry["attributes"]}


# OTLP/JSON


def _with_base64_ids(data: Any) -> Any:
    """Protobuf's own JSON reads bytes as base64, OTLP/JSON says hexadecimal: the one difference."""
    if isinstance(data, dict):
        return {
            key: base64.b64encode(bytes.fromhex(value)).decode()
            if key in ("traceId", "spanId", "parentSpanId")
            else _with_base64_ids(value)
            for key, value in data.items()
        }
    return [_with_base64_ids(each) for each in data] if isinstance(data, list) else data


def test_every_record_is_an_otlp_message_that_protobuf_reads(tmp_path: Path) -> None:
    json_format = pytest.importorskip("google.protobuf.json_format")
    trace_pb2 = pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2")
    logs_pb2 = pytest.importorskip("opentelemetry.proto.logs.v1.logs_pb2")
    folder = make_run(tmp_path)
    kinds = set()
    for record in records(folder):
        message = _with_base64_ids(record["rec"])
        kinds.add(next(iter(message)))
        if "resourceSpans" in message:
            span = json_format.ParseDict(message, trace_pb2.TracesData()).resource_spans[0].scope_spans[0].spans[0]
            assert (len(span.trace_id), len(span.span_id)) == (16, 8)
            assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
        else:
            log = json_format.ParseDict(message, logs_pb2.LogsData()).resource_logs[0].scope_logs[0].log_records[0]
            assert log.event_name and log.time_unix_nano
    assert kinds == {"resourceSpans", "resourceLogs"}


def test_integers_are_strings_and_kinds_are_numbers_and_floats_survive(tmp_path: Path) -> None:
    with opened(tmp_path) as trail:
        odd: dict[str, Any] = {
            "gui.big": 2**62,
            "gui.nan": float("nan"),
            "gui.inf": float("-inf"),
            "gui.list": [1, 2],
            "gui.yes": True,
        }
        trail.event("gui.odd", odd)
        trail.end("verified", 0)
    entry = next(log for log in logs(trail._folder) if log["eventName"] == "gui.odd")
    values = {pair["key"]: pair["value"] for pair in entry["attributes"]}
    assert values == {
        "gui.big": {"intValue": "4611686018427387904"},
        "gui.nan": {"doubleValue": "NaN"},
        "gui.inf": {"doubleValue": "-Infinity"},
        "gui.list": {"arrayValue": {"values": [{"intValue": "1"}, {"intValue": "2"}]}},
        "gui.yes": {"boolValue": True},
    }
    assert isinstance(entry["timeUnixNano"], str)


def test_lone_surrogates_and_line_separators_stay_on_one_line(tmp_path: Path) -> None:
    with opened(tmp_path) as trail:
        trail.event("gui.odd", {"detail": "a\ud800b\u2028c\nd\x00e\U0001f642"})
        trail.end("verified", 0)
    assert verify(trail._folder.path).ok
    entry = next(log for log in logs(trail._folder) if log["eventName"] == "gui.odd")
    assert told(entry)["gui.detail"] == "a?b\u2028c\nd\x00e\U0001f642"


# what is written


def test_spans_form_one_tree_with_genai_names(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    found = spans(folder)
    by_id = {span["spanId"]: span for span in found}
    root = next(span for span in found if "parentSpanId" not in span)
    assert root["name"] == "invoke_agent book_flight" and len({span["traceId"] for span in found}) == 1
    parents = {span["name"].split()[0]: by_id[span["parentSpanId"]]["name"] for span in found if span is not root}
    assert parents == {"step": "invoke_agent book_flight"} | dict.fromkeys(
        ["observe", "chat", "policy.decide", "approval.wait", "execute_tool", "settle", "check"], "step"
    )
    chat = next(span for span in found if span["name"] == "chat qwen3-vl-2b")
    assert chat["kind"] == 3
    facts = told(chat)
    assert (facts["gen_ai.operation.name"], facts["gen_ai.request.model"]) == ("chat", "qwen3-vl-2b")
    assert facts["gen_ai.usage.input_tokens"] == "2150"
    asked = json.loads(facts["gen_ai.input.messages"])
    assert asked[0]["role"] == "user" and GOAL in asked[0]["parts"][0]["content"]
    assert json.loads(facts["gen_ai.output.messages"])[0]["finish_reason"] == "stop"


def test_the_first_record_says_what_the_run_is(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    first = told(logs(folder)[0])
    assert first["gui.run.id"] == folder.id and first["gui.public_key"] == Signer().public.hex()
    assert first["gui.task.digest"] == "7" * 64 and first["gui.policy.set.digest"] == "5" * 64
    assert {name for name in first if name.startswith("gui.version.")} >= {"gui.version.deskhand", "gui.version.python"}


def test_intent_comes_before_outcome_and_names_permit_target_and_rules(tmp_path: Path) -> None:
    folder = make_run(tmp_path)
    entries = [log for log in logs(folder) if log["eventName"] in ("gui.intent", "gui.outcome")]
    assert [entry["eventName"] for entry in entries] == ["gui.intent", "gui.outcome"] * 7
    pay = told(entries[-2])
    assert entries[-2]["body"]["stringValue"] == 'click button "Pay EUR 189.00"'
    assert pay["gui.consequence"] == "buy 189.00 EUR" and pay["gui.policy.decision"] == "ask"
    assert json.loads(pay["gui.permit.body"])["action"]["kind"] == "click"
    assert told(entries[-1])["gui.intent.n"] == str(entries[-2]["n"])


def test_a_refusal_leaves_the_status_unset_and_an_exception_does_not(tmp_path: Path) -> None:
    refused = [span for span in spans(make_run(tmp_path)) if told(span).get("gui.policy.decision") == "deny"]
    assert refused and all(span["status"] == {} for span in refused)
    with (
        pytest.raises(RuntimeError),
        opened(tmp_path) as trail,
        trail.run_span("x"),
        trail.step(0),
        trail.phase("observe"),
    ):
        raise RuntimeError("the surface is gone")
    for span in spans(trail._folder):
        assert span["status"] == {"code": 2, "message": "the surface is gone"}
        assert told(span)["error.type"] == "RuntimeError" and span["events"][0]["name"] == "exception"
    record = trail._folder.read_run()
    assert (record.status, record.outcome, record.exit_code) == ("ended", "error", 1)
    assert verify(trail._folder.path).closed


def test_an_exception_with_an_act_in_flight_ends_as_unknown_effect(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), opened(tmp_path) as trail:
        one_pass(trail, trail._folder, Signer(), 0, booking()[1], crash=True)
    assert trail.in_flight == (0,)
    record = trail._folder.read_run()
    assert (record.outcome, record.exit_code) == ("unknown_effect", 40)
    assert [act.step for act in verify(trail._folder.path).unknown_effect] == [0]


def test_an_outcome_that_is_not_known_is_listed_too(tmp_path: Path) -> None:
    folder = make_run(
        tmp_path, [Pass("a", Click(at=Point(1, 2)), target(), page("x", []), page("y", []), "x", status="unknown")]
    )
    assert [act.why for act in verify(folder.path).unknown_effect] == ["it broke in the middle"]


def test_a_clean_end_without_a_word_is_an_error(tmp_path: Path) -> None:
    with opened(tmp_path) as trail:
        pass
    assert trail._folder.read_run().outcome == "error"


def test_run_json_tells_the_end_and_the_phases(tmp_path: Path) -> None:
    record = make_run(tmp_path).read_run()
    assert (record.status, record.outcome, record.exit_code, record.steps) == ("ended", "verified", 0, 9)
    assert record.outputs == {"reference": "K7QX2M", "total": "189.00 EUR"}
    assert {"observe", "chat", "policy.decide", "execute_tool", "settle", "check"} <= set(record.phases)
    assert record.phases["observe"].count == 8 and 0 <= record.phases["observe"].p50_s <= record.phases["observe"].p95_s
    assert record.journal is not None and record.journal.records > 60


def test_the_clock_can_be_set_back_without_a_negative_duration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as trail:
        with trail.step(0), trail.phase("observe"):
            monkeypatch.setattr(time, "time_ns", lambda: 0)
        trail.end("verified", 0)
    assert all(int(span["endTimeUnixNano"]) >= int(span["startTimeUnixNano"]) > 10**18 for span in spans(trail._folder))


def test_outputs_are_vouched_for_whatever_they_are() -> None:
    assert (
        outputs_digest({"b": 1, "a": "é"}) == outputs_digest({"a": "é", "b": 1}) != outputs_digest({"a": "e", "b": 1})
    )


# names


def test_the_table_has_a_name_for_every_attribute_and_no_other() -> None:
    assert set(NAMES) == set(Attributes.__annotations__)
    assert len(set(NAMES.values())) == len(NAMES)
    assert all(name.startswith(("gui.", "gen_ai.", "error.")) for name in NAMES.values())


def test_an_unknown_short_name_is_a_mistake_and_a_dotted_one_is_itself(tmp_path: Path) -> None:
    assert attribute_name("gui.own.thing") == "gui.own.thing"
    with opened(tmp_path) as trail:
        wrong: dict[str, Any] = {"modle": "m"}
        with pytest.raises(ValueError, match="no attribute is called `modle`"), trail.phase("x", **wrong):
            pass
        trail.end("verified", 0)


def test_pinned_genai_names_are_those_of_the_conventions() -> None:
    conventions = pytest.importorskip("opentelemetry.semconv._incubating.attributes.gen_ai_attributes")
    known = {value for value in vars(conventions).values() if isinstance(value, str) and value.startswith("gen_ai.")}
    assert {name for name in NAMES.values() if name.startswith("gen_ai.")} <= known


# nothing from outside, nothing outside


def test_the_tracer_is_not_the_global_one_and_is_deaf_to_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = global_trace.get_tracer_provider()
    for name, value in {
        "OTEL_TRACES_SAMPLER": "always_off",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "3",
        "OTEL_RESOURCE_ATTRIBUTES": "leak=1",
        "OTEL_SERVICE_NAME": "other",
    }.items():
        monkeypatch.setenv(name, value)
    folder = make_run(tmp_path)
    assert len(spans(folder)) > 40 and max(len(span["attributes"]) for span in spans(folder)) > 8
    assert b"leak" not in folder.journal.read_bytes()
    assert global_trace.get_tracer_provider() is before


def test_a_switched_off_telemetry_stops_the_run_from_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with pytest.raises(TrailBroken, match="OTEL_SDK_DISABLED"):
        opened(tmp_path)


def test_seeded_randomness_does_not_repeat_ids(tmp_path: Path) -> None:
    found = set()
    for _ in range(2):
        random.seed(0)
        found |= {span["traceId"] for span in spans(make_run(tmp_path, booking()[:1]))}
    assert len(found) == 2


CANARIES = {"pin": 'hunter2"\\sécret', "key": "f" * 64}


def hidden(text: str) -> str:
    for name, value in CANARIES.items():
        text = text.replace(value, f"[secret:{name}]")
    return text


def test_no_canary_reaches_any_file_of_the_run(tmp_path: Path) -> None:
    one, two = CANARIES.values()
    both = f"{one} and {two}"
    folder, signer = RunFolder.create(tmp_path, "t"), Signer()
    known = About(both, both, inputs={both: both}, model=both, policy=both)
    place = target("textbox", both)
    action = TypeText(text=both)
    with (
        pytest.raises(RuntimeError),
        Trail.start(folder, known, signer.sign, signer.public, hidden, resource={"x": both}) as trail,
        trail.run_span(both, goal=both),
        trail.step(0, goal=both) as step,
        trail.phase(f"chat {both}", asked=both, reply=both) as span,
    ):
        step.set(title=both, rules=[both], detail=both, facts=both, diff=both)
        span.replied(Instruction(both, both, both), Reply(Act(action, both), both))
        span.replied(Instruction(both), Reply(Unreadable(both, both), both))
        span.judged(action, place, Decision("ask", (both,), (both,), both), (both,))
        trail.intent(0, signer.permit(folder.id, 0, action, place), place, Decision("allow", (both,), reason=both))
        trail.outcome(0, Receipt("done", action, 1.0, 2.0, both, (both,)), "")
        trail.event(both, {"gui.x": both, "gui.y": [both]}, body=both)
        trail.end("verified", 0, detail=both, outputs={both: [both, {"deep": both}]})
        raise RuntimeError(both)
    forms = [
        form.encode()
        for value in (one, two)
        for form in (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    ]
    for each in folder.path.rglob("*"):
        stored = each.read_bytes() if each.is_file() else b""
        assert not [form for form in forms if form in stored], each
    assert b"[secret:pin]" in folder.journal.read_bytes()
    assert verify(folder.path).ok and verify(folder.path).permits == 0


def test_texts_are_bounded_after_redaction(tmp_path: Path) -> None:
    def once(text: str) -> str:
        return text.replace("s3cret", "***")

    signer = Signer()
    with Trail.start(RunFolder.create(tmp_path, "t"), about(), signer.sign, signer.public, once) as trail:
        trail.event("gui.long", {"detail": "x" * 3_997 + "s3cret" + "y" * 5_000_000})
        trail.end("verified", 0)
    text = told(next(log for log in logs(trail._folder) if log["eventName"] == "gui.long"))["gui.detail"]
    assert len(text) < 4_100 and text.startswith("x" * 3_997 + "***…") and "s3" not in text


# when it breaks


def test_a_full_disk_breaks_the_trail_before_the_act(tmp_path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from sample_run import *
from agent.audit.journal import TrailBroken
signer = Signer()
folder = RunFolder.create(Path(sys.argv[1]), "t")
acts = 0
try:
    with Trail.start(folder, about(), signer.sign, signer.public, plain) as trail, trail.run_span("x"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        for index in range(100):
            with trail.step(index):
                click = Click(at=Point(1, 2))
                trail.intent(index, signer.permit(folder.id, index, click, target()), target(), Decision("allow"))
                acts += 1
                trail.outcome(index, Receipt("done", click, 1.0, 2.0))
except TrailBroken as broken:
    print(acts, str(broken).count("\\n"), folder.path, broken, sep="|")
"""
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0 and ran.stdout, ran.stderr
    acts, newlines, path, line = ran.stdout.strip().split("|")
    assert 0 < int(acts) < 100 and newlines == "0"
    assert "file too large" in line and "--runs" in line and str(path) in line
    verdict = verify(Path(path))
    assert verdict.ok and not verdict.closed and verdict.intents == int(acts)


def test_a_journal_that_cannot_sync_lets_nothing_act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agent.audit import journal

    trail = opened(tmp_path)

    def fails(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "_SYNC", fails)
    permit = Signer().permit(trail._folder.id, 0, Click(at=Point(1, 2)), target())
    with pytest.raises(TrailBroken, match="no space left"):
        trail.intent(0, permit, target(), ALLOW)
    with pytest.raises(TrailBroken, match="no space left"), trail.phase("observe"):
        pass
    with pytest.raises(TrailBroken):
        trail.close()


@pytest.mark.parametrize("written", [True, False])
def test_an_interrupt_in_the_middle_of_a_record_leaves_a_trail_that_verifies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    write = os.write

    def interrupted(fd: int, data: bytes) -> int:
        if b"gui.x" in bytes(data):
            if written:
                write(fd, data)
            raise KeyboardInterrupt
        return write(fd, data)

    with pytest.raises(KeyboardInterrupt), opened(tmp_path) as trail:
        trail.event("gui.before")
        monkeypatch.setattr(os, "write", interrupted)
        trail.event("gui.x")
    verdict = verify(trail._folder.path)
    assert verdict.ok and not verdict.closed, verdict.detail
    assert trail._folder.read_run().outcome == "halted"


def test_a_signer_that_fails_breaks_the_trail(tmp_path: Path) -> None:
    calls = 0

    def once(run: str, n: int, root: bytes) -> bytes:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise ConnectionError("the broker is gone")
        return Signer().sign(run, n, root)

    folder = RunFolder.create(tmp_path, "t")
    with (
        pytest.raises(TrailBroken, match="could not be signed: ConnectionError: the broker is gone"),
        Trail.start(folder, about(), once, Signer().public, plain, every=3) as trail,
    ):
        for _ in range(5):
            trail.event("gui.x")
    verdict = verify(folder.path)
    assert verdict.ok and not verdict.closed
    assert folder.read_run().outcome == "error"


def test_a_trail_that_cannot_begin_says_where_and_what_to_try(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "nowhere" / "20261120-000000-x-0000")
    with pytest.raises(TrailBroken, match=r"cannot be written: `.*nowhere.*`: no such file or directory; .*--runs"):
        Trail.start(folder, about(), Signer().sign, Signer().public, plain)


def test_one_journal_has_one_writer(tmp_path: Path) -> None:
    trail = opened(tmp_path)
    assert is_live(trail._folder.journal)
    with pytest.raises(TrailBroken, match="another process has it open"):
        Journal.reopen(trail._folder.journal)
    trail.end("verified", 0)
    trail.close()
    assert not is_live(trail._folder.journal)
    with pytest.raises(TrailBroken, match="exists"):
        Trail.start(trail._folder, about(), Signer().sign, Signer().public, plain)


def test_nothing_is_signed_on_top_of_an_altered_record(tmp_path: Path) -> None:
    folder = make_crash(tmp_path)
    stored = folder.journal.read_bytes()
    folder.journal.write_bytes(stored.replace(b"Lisbon", b"London"))
    with pytest.raises(TrailBroken, match=r"record 0 was altered \(see `agent audit verify`\)$"):
        Journal.reopen(folder.journal, Signer().sign)


def test_a_full_journal_is_forced_to_disk_once_per_intent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agent.audit import journal

    calls = 0

    def counted(fd: int) -> None:
        nonlocal calls
        calls += 1

    monkeypatch.setattr(journal, "_SYNC", counted)
    make_run(tmp_path)
    assert calls == 1 + 7 + 1  # the beginning, one for each intent, the end


def written_forever(root: Path, passes: list[Pass], told: int) -> None:
    """In a process of its own: steps until killed. Says the folder's path through the pipe `told`."""
    signer, folder = Signer(), RunFolder.create(root, "t")
    with Trail.start(folder, about(), signer.sign, signer.public, plain, every=8) as trail, trail.run_span("x"):
        os.write(told, f"{folder.path}\n".encode())
        for index in range(1_000_000):
            one_pass(trail, folder, signer, index, passes[1 + index % 4])


def test_a_killed_writer_leaves_a_trail_that_verifies(tmp_path: Path) -> None:
    rng, passes = random.Random(3), booking()
    for _ in range(10):
        hear, tell = os.pipe()
        writer = os.fork()
        if writer == 0:
            with contextlib.suppress(BaseException):
                written_forever(tmp_path, passes, tell)
            os._exit(1)
        os.close(tell)
        with os.fdopen(hear) as pipe:
            folder = RunFolder(Path(pipe.readline().strip()))
            time.sleep(rng.uniform(0.0, 0.1))
            os.kill(writer, signal.SIGKILL)
            assert os.waitstatus_to_exitcode(os.waitpid(writer, 0)[1]) == -signal.SIGKILL
        verdict = verify(folder.path)
        assert verdict.ok, verdict.detail
        assert not verdict.closed and len(verdict.unknown_effect) <= 1 and not is_live(folder.journal)
        with Journal.reopen(folder.journal, Signer().sign):
            pass
        assert verify(folder.path).closed


# the second copy (see also test_audit_collector.py)


def test_a_collector_that_is_not_there_holds_nothing_up(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    began = time.monotonic()
    with opened(tmp_path, otlp_endpoint="http://127.0.0.1:9/") as trail:
        with trail.step(0), trail.phase("observe"):
            pass
        trail.end("verified", 0)
    assert time.monotonic() - began < 6
    assert verify(trail._folder.path).closed
    assert capfd.readouterr().err == ""


def test_without_an_endpoint_no_exporter_is_imported(tmp_path: Path) -> None:
    heavy = "('requests', 'torch', 'numpy', 'jinja2', 'PIL')"
    script = f"import agent.audit.spans, sys; print([m for m in sys.modules if 'otlp.proto' in m or m in {heavy}])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.stdout.strip() == "[]", ran.stderr


def test_the_broker_and_the_verifier_mean_the_same_bytes() -> None:
    from agent.audit.chain import checkpoint_bytes

    assert checkpoint_bytes("r", 7, b"\x01" * 32) == broker_bytes("r", 7, "01" * 32)
