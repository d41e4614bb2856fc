"""A journal sent to a collector later: every span and event of it, as they were. Nothing is dropped in silence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from agent.audit.bundle import otlp_lines
from agent.audit.collector import Collector
from agent.audit.copy import event_record

__all__ = ["Replayed", "replay"]

_BATCH = 200
_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many went there, and how many did not."""

    spans: int
    events: int
    lost: int


def replay(journal: Path, endpoint: str) -> Replayed:
    """Send a journal; what cannot be read in it is left out. Stops at the first batch that is refused.

    Raises:
        ValueError: no such address, or the package for it is missing; one line.
        OSError: the journal cannot be read.
    """
    collector = Collector(endpoint, _TIMEOUT_S)
    spans: list[ReadableSpan] = []
    events: list[ReadableLogRecord] = []
    for line in otlp_lines(journal):
        message = json.loads(line)
        spans += _spans(message)
        events += _logs(message)
    sent = [_sent(collector.spans(), spans), _sent(collector.logs(), events)]
    return Replayed(sent[0], sent[1], len(spans) + len(events) - sum(sent))


def _sent(exporter: Any, items: list[Any]) -> int:
    """How many of them the collector took."""
    taken = 0
    try:
        for at in range(0, len(items), _BATCH):
            batch = items[at : at + _BATCH]
            if exporter.export(batch).name != "SUCCESS":
                break
            taken += len(batch)
    finally:
        exporter.shutdown()
    return taken


def _spans(message: Mapping[str, Any]) -> Iterator[ReadableSpan]:
    for group in message.get("resourceSpans", ()):
        resource = Resource(_plain(group["resource"]["attributes"]))
        for scope in group["scopeSpans"]:
            for span in scope["spans"]:
                yield _span(span, resource, _scope(scope))


def _span(span: Mapping[str, Any], resource: Resource, scope: InstrumentationScope) -> ReadableSpan:
    trace, status = int(span["traceId"], 16), span.get("status", {})
    parent = span.get("parentSpanId")
    return ReadableSpan(
        name=span["name"],
        context=_context(trace, span["spanId"]),
        parent=_context(trace, parent) if parent else None,
        resource=resource,
        attributes=_plain(span.get("attributes", ())),
        events=[
            Event(event["name"], _plain(event.get("attributes", ())), int(event["timeUnixNano"]))
            for event in span.get("events", ())
        ],
        kind=SpanKind(max(0, int(span["kind"]) - 1)),
        status=Status(StatusCode(int(status.get("code", 0))), status.get("message")),
        start_time=int(span["startTimeUnixNano"]),
        end_time=int(span["endTimeUnixNano"]),
        instrumentation_scope=scope,
    )


def _context(trace: int, span: str) -> SpanContext:
    return SpanContext(trace, int(span, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _logs(message: Mapping[str, Any]) -> Iterator[ReadableLogRecord]:
    for group in message.get("resourceLogs", ()):
        resource = Resource(_plain(group["resource"]["attributes"]))
        for scope in group["scopeLogs"]:
            for entry in scope["logRecords"]:
                at = int(entry["timeUnixNano"])
                trace = (int(entry.get("traceId", "0"), 16), int(entry.get("spanId", "0"), 16))
                told = _plain(entry.get("attributes", ()))
                record = event_record(entry["eventName"], entry["body"]["stringValue"], told, at, trace)
                yield ReadableLogRecord(record, resource, _scope(scope))


def _scope(scope: Mapping[str, Any]) -> InstrumentationScope:
    return InstrumentationScope(scope["scope"]["name"], scope["scope"]["version"])


def _plain(pairs: Any) -> dict[str, Any]:
    return {pair["key"]: _value(pair["value"]) for pair in pairs}


def _value(value: Mapping[str, Any]) -> Any:
    kind, content = next(iter(value.items()))
    match kind:
        case "intValue":
            return int(content)
        case "doubleValue":
            return float(content)
        case "arrayValue":
            return [_value(each) for each in content.get("values", ())]
        case _:
            return content
