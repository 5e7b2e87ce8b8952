"""The reports for auditors, over one reader."""

from typing import NamedTuple

from projections.expiry.postgres import PostgresExpiryReports
from projections.expiry.view import ExpiryReports
from projections.exposure.postgres import PostgresExposureReports
from projections.exposure.view import ExposureReports
from projections.inventory_review.postgres import PostgresReviewReports
from projections.inventory_review.view import ReviewReports
from projections.lead_times.postgres import PostgresLeadTimeReports
from projections.lead_times.view import LeadTimeReports
from projections.reading.postgres import Reader
from projections.separation_of_duties.postgres import PostgresDutiesReports
from projections.separation_of_duties.view import DutiesReports
from projections.unapproved_pushes.postgres import PostgresUnapprovedReports
from projections.unapproved_pushes.view import UnapprovedReports


class Reports(NamedTuple):
    """Each answers one question about history, as of any position."""

    separation_of_duties: DutiesReports
    unapproved_pushes: UnapprovedReports
    exposure: ExposureReports
    lead_times: LeadTimeReports
    expiry: ExpiryReports
    review: ReviewReports


def reports_of(reader: Reader) -> Reports:
    """All of them."""
    return Reports(
        separation_of_duties=PostgresDutiesReports(reader),
        unapproved_pushes=PostgresUnapprovedReports(reader),
        exposure=PostgresExposureReports(reader),
        lead_times=PostgresLeadTimeReports(reader),
        expiry=PostgresExpiryReports(reader),
        review=PostgresReviewReports(reader),
    )
