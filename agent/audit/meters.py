"""Counts of a run for an OpenTelemetry collector: steps, verdicts, anomalies. Lossy; never holds up a run.

The trail is the record; these are for dashboards and alarms over many runs. They go to the same endpoint as the copy of
the spans, over HTTP. Texts from a screen are never among the attributes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

__all__ = ["Meters"]

_TIMEOUT_S = 2.0
_EVERY_MS = 5_000


class Meters:
    """Three counters and a thread towards one OTLP/HTTP endpoint."""

    def __init__(self, endpoint: str, scope: str, version: str, resource: Mapping[str, str]) -> None:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

        logging.getLogger("opentelemetry.sdk.metrics").setLevel(logging.CRITICAL)
        base = endpoint.rstrip("/").removesuffix("/v1/traces")
        exporter = OTLPMetricExporter(endpoint=f"{base}/v1/metrics", timeout=_TIMEOUT_S)
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=_EVERY_MS)
        self._provider = MeterProvider([reader], Resource(dict(resource)), shutdown_on_exit=False)
        meter = self._provider.get_meter(scope, version)
        self._steps = meter.create_counter("gui.steps", "{step}", "passes of the loop")
        self._verdicts = meter.create_counter("gui.verdicts", "{verdict}", "what the rules said of acts and requests")
        self._anomalies = meter.create_counter("gui.anomalies", "{anomaly}", "what was odd, each thing once")

    def step(self) -> None:
        self._steps.add(1)

    def verdict(self, verdict: str, of: str) -> None:
        """`of` is `act` or `request`."""
        self._verdicts.add(1, {"gui.policy.decision": verdict, "gui.policy.of": of})

    def anomaly(self, kind: str, treatment: str) -> None:
        self._anomalies.add(1, {"gui.anomaly.kind": kind, "gui.anomaly.treatment": treatment})

    def close(self) -> None:
        """Send the last counts, for `_TIMEOUT_S` at most; what is left then is lost."""
        sender = threading.Thread(target=self._quietly, daemon=True)
        sender.start()
        sender.join(_TIMEOUT_S)

    def _quietly(self) -> None:
        try:
            self._provider.shutdown(timeout_millis=_TIMEOUT_S * 1000)
        except Exception:  # the SDK raises where a collector is not there; there is nobody left to tell
            return
