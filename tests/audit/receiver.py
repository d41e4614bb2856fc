"""A real OTLP receiver, as small as one can be: gRPC and HTTP, traces, logs and metrics, kept as protobuf messages."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces


def plain(pairs: Any) -> dict[str, Any]:
    def value(any_value: Any) -> Any:
        kind = any_value.WhichOneof("value")
        got = getattr(any_value, kind)
        return [value(each) for each in got.values] if kind == "array_value" else got

    return {pair.key: value(pair.value) for pair in pairs}


@dataclass
class Received:
    endpoint: str = ""
    spans: list[Any] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    points: dict[str, list[tuple[dict[str, Any], float]]] = field(default_factory=dict)
    """Metric name to (attributes, value or sum)."""
    resources: list[dict[str, Any]] = field(default_factory=list)

    def take(self, signal: str, data: bytes) -> Any:
        if signal == "traces":
            for group in traces.ExportTraceServiceRequest.FromString(data).resource_spans:
                self.resources.append(plain(group.resource.attributes))
                self.spans += [span for scope in group.scope_spans for span in scope.spans]
            return traces.ExportTraceServiceResponse()
        if signal == "logs":
            for group in logs.ExportLogsServiceRequest.FromString(data).resource_logs:
                self.logs += [one for scope in group.scope_logs for one in scope.log_records]
            return logs.ExportLogsServiceResponse()
        for group in metrics.ExportMetricsServiceRequest.FromString(data).resource_metrics:
            for one in (metric for scope in group.scope_metrics for metric in scope.metrics):
                points = one.sum.data_points or one.histogram.data_points
                told = [(plain(p.attributes), p.sum if one.histogram.data_points else p.as_int) for p in points]
                self.points[one.name] = told
        return metrics.ExportMetricsServiceResponse()


@contextmanager
def over_http() -> Iterator[Received]:
    got = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            answer = got.take(self.path.removeprefix("/v1/"), body).SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    got.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield got
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def over_grpc() -> Iterator[Received]:
    import grpc

    got = Received()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    for signal, name in (("traces", "trace.v1.Trace"), ("logs", "logs.v1.Logs"), ("metrics", "metrics.v1.Metrics")):

        def export(data: bytes, _: Any, of: str = signal) -> bytes:
            return bytes(got.take(of, data).SerializeToString())

        method = grpc.unary_unary_rpc_method_handler(export)
        service = f"opentelemetry.proto.collector.{name}Service"
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": method}),))
    got.endpoint = f"grpc://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield got
    finally:
        server.stop(0).wait()
