"""The report on exposure windows: a pure function of runs of observations, certificates and connectors."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from projections.certificate_records.view import CertificateRecord
from projections.connector_records.view import ConnectorRecord
from projections.exposure.intervals import Known, clipped, intervals
from projections.exposure.view import Cause, CertificateExposure, EndpointExposure, Exposure, ExposureReport
from projections.scope import Scope, merged_seconds
from projections.served_runs.view import Run

Place = tuple[str, str]


def report(
    runs: Iterable[Run],
    certificates: Mapping[UUID, CertificateRecord],
    connectors: Mapping[UUID, ConnectorRecord],
    scope: Scope,
) -> ExposureReport:
    """The report. What is later than the scope's position is left out, whatever the rows say by now."""
    position = scope.position
    inventory = {
        record.certificate.fingerprint_sha256: Known(key, record.known(position))
        for key, record in certificates.items()
        if record.added.position <= position
    }
    looking = {key: record.known(position) for key, record in connectors.items()}
    items = [
        item
        for run in runs
        if run.from_position <= position
        for item in intervals(run.known(position), inventory.get(run.served_fingerprint_sha256), looking, scope)
    ]
    items.sort(key=lambda item: (item.since, item.from_position, item.cause, item.endpoint, item.server_name or ""))
    return _summed(items, scope)


def _summed(items: list[Exposure], scope: Scope) -> ExposureReport:
    places: dict[Place, list[Exposure]] = {}
    served: dict[str, list[Exposure]] = {}
    for item in items:
        places.setdefault((item.endpoint, item.server_name or ""), []).append(item)
        served.setdefault(item.served_fingerprint_sha256, []).append(item)
    return ExposureReport(
        since=scope.since,
        until=scope.until,
        as_of=scope.now,
        as_of_position=scope.position,
        endpoints=tuple(
            EndpointExposure(endpoint=endpoint, server_name=name or None, **sums(mine, scope))
            for (endpoint, name), mine in sorted(places.items())
        ),
        certificates=tuple(
            CertificateExposure(
                served_fingerprint_sha256=fingerprint,
                certificate_id=mine[0].certificate_id,
                common_name=mine[0].common_name,
                **sums(mine, scope),
            )
            for fingerprint, mine in sorted(served.items())
        ),
        items=tuple(items),
        **sums(items, scope),
    )


def sums(items: list[Exposure], scope: Scope) -> dict[str, Any]:
    """The fields of projections.exposure.view.Exposed: at each place an instant counts once, places add up."""
    return {
        "intervals": len(items),
        "lasting": sum(item.until is None for item in items),
        **{f"{cause}_seconds": _total([i for i in items if i.cause is cause], scope) for cause in Cause},
        "any_seconds": _total(items, scope),
    }


def _total(items: list[Exposure], scope: Scope) -> float:
    places: dict[Place, list[tuple[datetime, datetime]]] = {}
    for item in items:
        span = clipped(item.since, item.until, scope)
        places.setdefault((item.endpoint, item.server_name or ""), []).append(span)
    return round(sum((merged_seconds(spans) for spans in places.values()), 0.0), 3)
