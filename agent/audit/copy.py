"""A second copy of spans and events to an OpenTelemetry collector, for those who have one. Lossy; holds up no run.

What is finished goes into a queue; a thread of its own sends it. A full queue drops the oldest, a collector that does
not answer costs the run nothing until its end, and then `TIMEOUT_S` at most. The journal knows nothing of all this.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from agent.audit.collector import TIMEOUT_S, Collector
from agent.audit.otlp import Value

__all__ = ["Copy", "event_record", "sent_at_last"]

_QUEUE = 4096
_BATCH = 256
_EVERY_MS = 1000


class Copy:
    """Two queues and two threads towards one collector."""

    def __init__(self, endpoint: str, scope: str, version: str, resource: Mapping[str, str]) -> None:
        """Raises ValueError for an address that is none."""
        collector = Collector(endpoint)
        self._resource, self._scope = Resource(dict(resource)), InstrumentationScope(scope, version)
        self._exporters = (collector.spans(), collector.logs())
        self._spans = BatchSpanProcessor(
            self._exporters[0],
            max_queue_size=_QUEUE,
            schedule_delay_millis=_EVERY_MS,
            max_export_batch_size=_BATCH,
            export_timeout_millis=TIMEOUT_S * 1000,
        )
        self._logs = BatchLogRecordProcessor(
            self._exporters[1],
            max_queue_size=_QUEUE,
            schedule_delay_millis=_EVERY_MS,
            max_export_batch_size=_BATCH,
            export_timeout_millis=TIMEOUT_S * 1000,
        )

    @property
    def processor(self) -> SpanProcessor:
        return self._spans

    def event(
        self, name: str, body: str, attributes: Mapping[str, Value], at_ns: int, trace: tuple[int, int] | None = None
    ) -> None:
        """Queue one event, as the journal has it."""
        record = event_record(name, body, attributes, at_ns, trace or (0, 0))
        self._logs.on_emit(ReadWriteLogRecord(record, self._resource, self._scope))

    def closers(self) -> list[Callable[[], object]]:
        """What sends the rest of each queue; give them to `sent_at_last`."""
        return [self._spans.shutdown, self._logs.shutdown]

    def cut(self) -> None:
        """Stop exporters that still try."""
        for exporter in self._exporters:
            with suppress(Exception):  # the SDK raises where a collector is not there; there is nobody left to tell
                exporter.shutdown()


def event_record(name: str, body: str, attributes: Mapping[str, Any], at_ns: int, trace: tuple[int, int]) -> LogRecord:
    """An event as OpenTelemetry's exporters take it. `trace` is (trace id, span id), zeros for none."""
    around = SpanContext(*trace, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return LogRecord(
        timestamp=at_ns,
        observed_timestamp=at_ns,
        context=set_span_in_context(NonRecordingSpan(around), Context()),
        severity_text="INFO",
        severity_number=SeverityNumber.INFO,
        body=body,
        attributes=dict(attributes),
        event_name=name,
    )


def sent_at_last(closers: list[Callable[[], object]]) -> None:
    """Let all of them send what they have, side by side, for `TIMEOUT_S` together; what is left then is lost."""

    def quietly(close: Callable[[], object]) -> None:
        with suppress(Exception):
            close()

    senders = [threading.Thread(target=quietly, args=(close,), daemon=True) for close in closers]
    for sender in senders:
        sender.start()
    until = time.monotonic() + TIMEOUT_S
    for sender in senders:
        sender.join(max(0.0, until - time.monotonic()))
