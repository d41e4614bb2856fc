"""Counts and times of a run for an OpenTelemetry collector. Lossy; never holds up a run.

The trail is the record; these are for dashboards and alarms over many runs. They go to the same collector as the copy
of the spans. Texts from a screen are never among the attributes. Names and buckets of the two `gen_ai.client` metrics
are those of the GenAI conventions; there are none for policies, approvals and hands, so those are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from agent.audit.collector import TIMEOUT_S, Collector

__all__ = ["Meters"]

_EVERY_MS = 5_000
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
_CALLS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)


class Meters:
    """Counters and histograms, and a thread towards one collector."""

    def __init__(self, endpoint: str, scope: str, version: str, resource: Mapping[str, str]) -> None:
        """Raises ValueError for an address that is none."""
        reader = PeriodicExportingMetricReader(Collector(endpoint).metrics(), export_interval_millis=_EVERY_MS)
        self._provider = MeterProvider([reader], Resource(dict(resource)), shutdown_on_exit=False)
        meter = self._provider.get_meter(scope, version)
        self._steps = meter.create_counter("gui.steps", "{step}", "passes of the loop")
        self._verdicts = meter.create_counter("gui.verdicts", "{verdict}", "what the rules said of acts and requests")
        self._anomalies = meter.create_counter("gui.anomalies", "{anomaly}", "what was odd, each thing once")
        self._acts = meter.create_counter("gui.acts", "{act}", "what the hand did, by how it ended")
        self._approvals = meter.create_counter("gui.approvals", "{answer}", "what people, or nobody, said")
        self._waits = meter.create_histogram(
            "gui.approval.wait", "s", "how long an answer took", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._phases = meter.create_histogram(
            "gui.phase.duration", "s", "how long a phase took", explicit_bucket_boundaries_advisory=_SECONDS
        )
        self._calls = meter.create_histogram(
            "gen_ai.client.operation.duration", "s", "a call", explicit_bucket_boundaries_advisory=_CALLS
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage", "{token}", "tokens", explicit_bucket_boundaries_advisory=_TOKENS
        )

    def step(self) -> None:
        self._steps.add(1)

    def phase(self, kind: str, model: str, seconds: float) -> None:
        """One phase ended; `model` is that of a `chat`, else empty."""
        self._phases.record(seconds, {"gui.phase": kind})
        if kind == "chat":
            self._calls.record(seconds, {"gen_ai.operation.name": "chat", "gen_ai.request.model": model})

    def tokens(self, model: str, given: int, said: int) -> None:
        """What one call of the model took in and gave out."""
        for kind, count in (("input", given), ("output", said)):
            told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model, "gen_ai.token.type": kind}
            self._tokens.record(count, told)

    def verdict(self, verdict: str, of: str) -> None:
        """`of` is `act` or `request`."""
        self._verdicts.add(1, {"gui.policy.decision": verdict, "gui.policy.of": of})

    def approval(self, answer: str, waited_s: float) -> None:
        self._approvals.add(1, {"gui.approval.decision": answer})
        self._waits.record(waited_s, {"gui.approval.decision": answer})

    def act(self, kind: str, status: str) -> None:
        self._acts.add(1, {"gui.action.kind": kind, "gui.receipt.status": status})

    def anomaly(self, kind: str, treatment: str) -> None:
        self._anomalies.add(1, {"gui.anomaly.kind": kind, "gui.anomaly.treatment": treatment})

    def closers(self) -> list[Callable[[], object]]:
        """What sends the last counts; give it to `agent.audit.copy.sent_at_last`."""
        return [lambda: self._provider.shutdown(timeout_millis=TIMEOUT_S * 1000)]
