"""The way to an OpenTelemetry collector: exporters for spans, events and counts, over gRPC or HTTP.

`grpc://HOST:4317` and `grpcs://HOST:4317` speak gRPC, without and with TLS; `http://HOST:4318` and `https://...` speak
HTTP. The exporters are OpenTelemetry's own; they are imported when one is asked for. What is sent is what the trail
holds, secrets already taken out.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["TIMEOUT_S", "Collector", "unfit_endpoint"]

TIMEOUT_S = 2.0
"""For one export, and for the last of them when a run ends."""

_NOISY = (
    *("opentelemetry.exporter.otlp.proto.http", "opentelemetry.exporter.otlp.proto.grpc"),
    *("opentelemetry.sdk._shared_internal", "opentelemetry.sdk.metrics", "opentelemetry.sdk._logs"),
)


def unfit_endpoint(endpoint: str) -> str:
    """Why this is no collector's address; empty when it is one that can be spoken to. Sends nothing."""
    try:
        parts = urlsplit(endpoint)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        named = False
    if not named or parts.scheme not in ("http", "https", "grpc", "grpcs"):
        return f"--otlp takes http://HOST:4318 or grpc://HOST:4317 (https, grpcs with TLS), got `{endpoint}`"
    kind = "grpc" if parts.scheme.startswith("grpc") else "http"
    return "" if _installed(kind) else f"--otlp over {kind} needs another package; try: pip install -e '.[otlp]'"


def _installed(kind: str) -> bool:
    try:
        return find_spec(f"opentelemetry.exporter.otlp.proto.{kind}") is not None
    except ModuleNotFoundError:
        return False


class Collector:
    """One endpoint. Makes exporters; holds no connection itself."""

    def __init__(self, endpoint: str, timeout_s: float = TIMEOUT_S) -> None:
        """`timeout_s` is for one export, retries included.

        Raises:
            ValueError: no such address, or the package for it is missing; one line.
        """
        if problem := unfit_endpoint(endpoint):
            raise ValueError(problem)
        for name in _NOISY:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        scheme, _, rest = endpoint.partition("://")
        self._grpc = scheme.startswith("grpc")
        self._base = endpoint.rstrip("/").removesuffix("/v1/traces")
        self._address = {"endpoint": rest.rstrip("/"), "insecure": scheme == "grpc"}
        self._timeout_s = timeout_s

    def _way(self, signal: str) -> dict[str, Any]:
        """How an exporter is told where to send."""
        way = self._address if self._grpc else {"endpoint": f"{self._base}/v1/{signal}"}
        return {**way, "timeout": self._timeout_s}

    def spans(self) -> SpanExporter:
        if self._grpc:
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc

            return Grpc(**self._way("traces"))
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http

        return Http(**self._way("traces"))

    def logs(self) -> LogRecordExporter:
        if self._grpc:
            from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as Grpc

            return Grpc(**self._way("logs"))
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as Http

        return Http(**self._way("logs"))

    def metrics(self) -> MetricExporter:
        if self._grpc:
            from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as Grpc

            return Grpc(**self._way("metrics"))
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as Http

        return Http(**self._way("metrics"))
