"""What a scheduled report is narrowed to: the parameters of its address, as texts."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from application.report_ports import Filter
from domain.errors import Code, Refused
from domain.report_schedule import ReportName
from projections.push_validation.view import PushOutcome
from projections.separation_of_duties.rules import Rule

T = TypeVar("T", bound=msgspec.Struct)
_Key = Annotated[str, Meta(max_length=1000)]
_Keys = Annotated[tuple[_Key, ...], Meta(max_length=100)]
_Days = Annotated[tuple[Annotated[int, Meta(ge=1, le=36_500)], ...], Meta(max_length=20)]
_One = Meta(max_length=1)


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Not to be narrowed."""


class PushFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `GET /reports/push-validation`."""

    outcome: tuple[PushOutcome, ...] = ()
    day: Annotated[tuple[date, ...], Meta(max_length=100)] = ()
    target: _Keys = ()
    bridge: _Keys = ()
    driver: _Keys = ()
    cause: _Keys = ()


class ExpiryFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `GET /reports/expiry`."""

    threshold: _Days = ()
    not_renewed: Annotated[tuple[bool, ...], _One] = ()


class InventoryFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `GET /reports/inventory`."""

    status: _Keys = ()
    expiry: _Keys = ()
    issuer: _Keys = ()
    key_algorithm: _Keys = ()
    owner: _Keys = ()
    source: _Keys = ()
    threshold: _Days = ()


class DutiesFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `GET /reports/separation-of-duties`."""

    rule: tuple[Rule, ...] = ()
    levels: Annotated[tuple[Annotated[int, Meta(ge=0, le=20)], ...], _One] = ()


class LeadTimesFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `GET /reports/lead-times`."""

    persons: Annotated[tuple[bool, ...], _One] = ()


KINDS: Mapping[ReportName, type[msgspec.Struct]] = {
    ReportName.PUSH_VALIDATION: PushFilter,
    ReportName.EXPIRY: ExpiryFilter,
    ReportName.INVENTORY: InventoryFilter,
    ReportName.SEPARATION_OF_DUTIES: DutiesFilter,
    ReportName.LEAD_TIMES: LeadTimesFilter,
}


def parsed(narrow: Filter, kind: type[T]) -> T:
    """The filter as values. Raises Refused at the parameter that is wrong."""
    for name, values in narrow.items():
        _convert({name: values}, kind, f"/filter/{name}")
    return _convert(dict(narrow), kind, "/filter")


def check(report: ReportName, narrow: Filter) -> None:
    """Raise Refused where a report has no such parameter, or no such value of it."""
    parsed(narrow, KINDS.get(report, Nothing))


def _convert(value: Any, kind: type[T], pointer: str) -> T:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(Code.VALIDATION_FAILED, f"{str(error).split(' - at ')[0]}.", pointer=pointer) from None
