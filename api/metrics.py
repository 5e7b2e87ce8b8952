"""Figures for Prometheus. Requests are counted in plain dictionaries; its library is loaded when somebody asks."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = "text/plain; version=0.0.4"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_Key = tuple[str, str, int]


class Metrics:
    """What happened in this process, by method, route (the template, never the path itself) and status."""

    def __init__(self) -> None:
        self.requests: dict[_Key, int] = {}
        self.seconds: dict[str, list[float]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answered request."""
        key = (method, route, status)
        self.requests[key] = self.requests.get(key, 0) + 1
        counts = self.seconds.setdefault(route, [0.0] * (len(BUCKETS) + 2))
        place = next((n for n, end in enumerate(BUCKETS) if seconds <= end), len(BUCKETS))
        counts[place] += 1
        counts[-1] += seconds

    def render(self, gauges: Mapping[str, Callable[[], float]], knocks: int) -> bytes:
        """Everything in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        requests = CounterMetricFamily(
            "certferry_http_requests", "Answered requests.", labels=["method", "route", "status"]
        )
        for (method, route, status), times in self.requests.items():
            requests.add_metric([method, route, str(status)], times)
        seconds = HistogramMetricFamily("certferry_http_request_seconds", "Time to the answer.", labels=["route"])
        for route, counts in self.seconds.items():
            seconds.add_metric([route], _cumulative(counts), counts[-1])
        failures = CounterMetricFamily("certferry_unauthenticated_requests", "Requests without valid credentials.")
        failures.add_metric([], knocks)
        found = [GaugeMetricFamily(f"certferry_{name}", name.replace("_", " "), ask()) for name, ask in gauges.items()]
        registry = CollectorRegistry()
        registry.register(_Collected([requests, seconds, failures, *found]))
        return generate_latest(registry)


class _Collected:
    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> list[Any]:
        return self._families


def _cumulative(counts: list[float]) -> list[tuple[str, float]]:
    ends = [*map(str, BUCKETS), "+Inf"]
    total, found = 0.0, []
    for end, count in zip(ends, counts[:-1], strict=True):
        total += count
        found.append((end, total))
    return found


def measuring(app: ASGIApp) -> ASGIApp:
    """Middleware that counts every request that found a route."""

    async def measured(scope: Scope, receive: Receive, send: Send) -> None:
        started, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, watched)
        finally:
            metrics: Metrics = scope["litestar_app"].state.metrics
            route = str(scope.get("path_template", ""))
            metrics.observe(str(scope.get("method", "")), route, status, time.perf_counter() - started)

    return measured
