"""A second copy of the trail to a real OTLP receiver, over both protocols, live and later; and to one that is dead."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sample_run import Signer, about, booking, make_run, one_pass, plain

from agent.audit.collector import unfit_endpoint
from agent.audit.replay import replay
from agent.audit.spans import Trail
from agent.audit.verify import verify
from agent.run_folder import RunFolder

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
pytest.importorskip("opentelemetry.exporter.otlp.proto.grpc")

from receiver import Received, over_grpc, over_http
from receiver import plain as told

BOTH = pytest.mark.parametrize("protocol", [over_http, over_grpc], ids=["http", "grpc"])


def copied(root: Path, endpoint: str | None, repeat: int = 1) -> RunFolder:
    folder, signer = RunFolder.create(root, "t"), Signer()
    with (
        Trail.start(folder, about(), signer.sign, signer.public, plain, otlp_endpoint=endpoint) as trail,
        trail.run_span("book_flight"),
    ):
        passes = booking()
        for index in range(len(passes) * repeat):
            one_pass(trail, folder, signer, index, passes[index % len(passes)])
        trail.end("verified", 0)
    return folder


def in_journal(folder: RunFolder) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Spans by id, and events but checkpoints (which are not part of the story)."""
    spans, events = {}, []
    for line in folder.journal.read_bytes().splitlines():
        message = json.loads(line)["rec"]
        for group in message.get("resourceSpans", ()):
            for span in group["scopeSpans"][0]["spans"]:
                spans[span["spanId"]] = span
        for group in message.get("resourceLogs", ()):
            events += group["scopeLogs"][0]["logRecords"]
    return spans, events


def same_spans(got: Received, folder: RunFolder) -> None:
    spans, _ = in_journal(folder)
    assert {span.span_id.hex() for span in got.spans} == set(spans) and len(got.spans) == len(spans)
    for span in got.spans:
        mine = spans[span.span_id.hex()]
        assert (span.name, span.parent_span_id.hex(), span.trace_id.hex()) == (
            mine["name"],
            mine.get("parentSpanId", ""),
            mine["traceId"],
        )
        assert (span.start_time_unix_nano, span.kind) == (int(mine["startTimeUnixNano"]), mine["kind"])
        assert len(span.attributes) == len(mine["attributes"])


@BOTH
def test_every_span_and_event_of_a_run_arrives_with_its_parent(tmp_path: Path, protocol: Any) -> None:
    with protocol() as got:
        folder = copied(tmp_path, got.endpoint)
        same_spans(got, folder)
    by_id = {span.span_id: span for span in got.spans}
    [root] = [span for span in got.spans if not span.parent_span_id]
    assert root.name == "invoke_agent book_flight"
    assert {by_id[span.parent_span_id].name for span in got.spans if span.name == "step"} == {root.name}
    for span in got.spans:
        if span.name.startswith(("chat", "execute_tool", "policy.decide", "observe", "settle", "approval.wait")):
            assert by_id[span.parent_span_id].name == "step"
    chat = next(told(span.attributes) for span in got.spans if span.name == "chat qwen3-vl-2b")
    assert chat["gen_ai.operation.name"] == "chat" and chat["gen_ai.request.model"] == "qwen3-vl-2b"
    assert chat["gen_ai.usage.input_tokens"] == 2150
    tool = next(told(span.attributes) for span in got.spans if span.name == "execute_tool click")
    assert (tool["gen_ai.operation.name"], tool["gen_ai.tool.name"]) == ("execute_tool", "click")
    names = [log.event_name for log in got.logs]
    assert names.count("gui.intent") == 7 and names.count("gui.outcome") == 7 and names.count("gui.end") == 1
    assert {by_id[log.span_id].name for log in got.logs if log.event_name == "gui.intent"} == {"step"}
    assert got.resources[0]["gui.run.id"] == folder.id


@BOTH
def test_counts_and_times_arrive(tmp_path: Path, protocol: Any) -> None:
    with protocol() as got:
        copied(tmp_path, got.endpoint)
    assert got.points["gui.steps"] == [({}, 8)]
    verdicts = {of["gui.policy.decision"]: count for of, count in got.points["gui.verdicts"]}
    assert verdicts == {"allow": 6, "deny": 1, "ask": 1}
    assert got.points["gui.approvals"] == [({"gui.approval.decision": "approved"}, 1)]
    assert got.points["gui.approval.wait"] == [({"gui.approval.decision": "approved"}, 6.4)]
    tokens = {of["gen_ai.token.type"]: count for of, count in got.points["gen_ai.client.token.usage"]}
    assert tokens == {"input": 8 * 2150, "output": 8 * 24}
    assert {of["gui.phase"] for of, _ in got.points["gui.phase.duration"]} >= {"observe", "chat", "settle"}
    assert sum(count for of, count in got.points["gui.acts"] if of["gui.receipt.status"] == "done") == 6
    [(of, seconds)] = got.points["gen_ai.client.operation.duration"]
    assert of["gen_ai.request.model"] == "qwen3-vl-2b" and seconds > 0


@BOTH
def test_a_journal_is_sent_later_and_says_the_same(tmp_path: Path, protocol: Any) -> None:
    folder = make_run(tmp_path)
    with protocol() as got:
        sent = replay(folder.journal, got.endpoint)
        same_spans(got, folder)
    spans, events = in_journal(folder)
    assert (sent.spans, sent.events, sent.lost) == (len(spans), len(events), 0)
    assert [log.event_name for log in got.logs] == [event["eventName"] for event in events]
    assert [log.body.string_value for log in got.logs] == [event["body"]["stringValue"] for event in events]


def test_a_journal_that_nobody_takes_is_said_to_be_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.audit.replay._TIMEOUT_S", 0.5)
    folder = make_run(tmp_path)
    sent = replay(folder.journal, "http://127.0.0.1:9")
    assert (sent.spans, sent.events) == (0, 0) and sent.lost > 60


@contextmanager
def deaf() -> Iterator[int]:
    """A port where connections are taken and nothing is ever said."""
    held, server = [], socket.create_server(("127.0.0.1", 0))

    def take() -> None:
        try:
            while True:
                held.append(server.accept()[0])
        except OSError:
            return

    threading.Thread(target=take, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.close()
        for each in held:
            each.close()


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_receiver_that_never_answers_slows_nothing_and_loses_nothing(
    tmp_path: Path, scheme: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with deaf() as port:
        began = time.monotonic()
        folder = copied(tmp_path, f"{scheme}://127.0.0.1:{port}", repeat=10)
        heard = time.monotonic() - began
    alone = copied(tmp_path, None, repeat=10)
    print(f"{scheme}: 80 steps and the end of the run in {heard:.2f} s; the end waits 2 s at most")
    assert verify(folder.path).closed and verify(folder.path).intents == verify(alone.path).intents == 70
    assert len(in_journal(folder)[0]) == len(in_journal(alone)[0])
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_queue_that_is_full_drops_and_does_not_wait(tmp_path: Path, scheme: str) -> None:
    with deaf() as port:
        trail = Trail.start(
            RunFolder.create(tmp_path, "t"),
            about(),
            Signer().sign,
            Signer().public,
            plain,
            otlp_endpoint=f"{scheme}://127.0.0.1:{port}",
        )
        with trail:
            for number in range(5_000):
                trail.event("gui.note", {"detail": str(number)})
            trail.end("verified", 0)
    verdict = verify(trail._folder.path)
    assert verdict.closed and verdict.records > 5_000


@pytest.mark.parametrize("given", ["", "localhost:4317", "ftp://x", "http://", "grpc://127.0.0.1:99999", "http://[::1"])
def test_what_is_no_address_is_one_line(given: str) -> None:
    said = unfit_endpoint(given)
    assert said.startswith("--otlp takes http://HOST:4318 or grpc://HOST:4317") and given in said and "\n" not in said


def test_addresses_that_can_be_spoken_to() -> None:
    for given in ("http://127.0.0.1:4318", "https://c.example/v1/traces", "grpc://c:4317", "grpcs://c:4317"):
        assert unfit_endpoint(given) == ""
