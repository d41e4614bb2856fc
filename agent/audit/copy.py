"""A second copy of the spans to an OpenTelemetry collector, for those who have one. Lossy; never holds up a run.

The copy goes wherever the endpoint says, over HTTP: it carries what the trail carries, secrets already taken out.
"""

from __future__ import annotations

import logging
import threading

from opentelemetry.sdk.trace import SpanProcessor

__all__ = ["SpanCopy"]

_TIMEOUT_S = 2.0


class SpanCopy:
    """A queue and a thread towards one OTLP/HTTP endpoint."""

    def __init__(self, endpoint: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        for noisy in ("opentelemetry.exporter.otlp.proto.http", "opentelemetry.sdk._shared_internal"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        address = endpoint if endpoint.rstrip("/").endswith("/v1/traces") else f"{endpoint.rstrip('/')}/v1/traces"
        self._exporter = OTLPSpanExporter(endpoint=address, timeout=_TIMEOUT_S)
        self._batch = BatchSpanProcessor(
            self._exporter, max_queue_size=4096, schedule_delay_millis=1000, max_export_batch_size=256
        )

    @property
    def processor(self) -> SpanProcessor:
        return self._batch

    def close(self) -> None:
        """Send what is queued, for `_TIMEOUT_S` at most; what is left then is lost."""
        sender = threading.Thread(target=self._batch.shutdown, daemon=True)
        sender.start()
        sender.join(_TIMEOUT_S)
        self._exporter.shutdown()  # type: ignore[no-untyped-call]
