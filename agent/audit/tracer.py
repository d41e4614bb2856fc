"""An OpenTelemetry tracer of our own: never the global one, deaf to the environment, ids from the system's randomness.

Finished spans go to the journal at once, in the thread that ended them, and an error there reaches whoever ended the
span: the SDK's own exporters would swallow it, and a run must not go on without its trail.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NoOpTracer, Tracer

from agent.audit.journal import TrailBroken

__all__ = ["WriteSpans", "own_tracer"]


class _SystemIds(IdGenerator):
    """Ids that a seeded `random` cannot repeat."""

    def generate_span_id(self) -> int:
        return int.from_bytes(os.urandom(8), "big") or 1

    def generate_trace_id(self) -> int:
        return int.from_bytes(os.urandom(16), "big") or 1


class WriteSpans(SpanProcessor):
    """Hands every span to `write` as it ends."""

    def __init__(self, write: Callable[[ReadableSpan], object]) -> None:
        self._write = write

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        pass

    def on_end(self, span: ReadableSpan) -> None:
        self._write(span)

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def own_tracer(scope: str, version: str, resource: Mapping[str, str], *processors: SpanProcessor) -> Tracer:
    """A tracer whose spans go to `processors` in order.

    Raises:
        TrailBroken: the environment switches OpenTelemetry off.
    """
    unlimited = 1_000
    provider = TracerProvider(
        sampler=ALWAYS_ON,
        resource=Resource(dict(resource)),
        shutdown_on_exit=False,
        id_generator=_SystemIds(),
        span_limits=SpanLimits(
            max_attributes=unlimited,
            max_events=unlimited,
            max_links=unlimited,
            max_span_attributes=unlimited,
            max_event_attributes=unlimited,
            max_attribute_length=SpanLimits.UNSET,
            max_span_attribute_length=SpanLimits.UNSET,
        ),
    )
    for processor in processors:
        provider.add_span_processor(processor)
    tracer = provider.get_tracer(scope, version)
    if isinstance(tracer, NoOpTracer):
        raise TrailBroken(
            "the trail cannot be written: OTEL_SDK_DISABLED is set; unset it, there is no run without a trail"
        )
    return tracer
