"""The reports for auditors."""

from typing import NamedTuple

from projections.expiry.view import ExpiryReports
from projections.exposure.view import ExposureReports
from projections.inventory_report.view import InventoryReports
from projections.inventory_review.view import ReviewReports
from projections.lead_times.view import LeadTimeReports
from projections.separation_of_duties.view import DutiesReports
from projections.unapproved_pushes.view import UnapprovedReports


class Reports(NamedTuple):
    """Each answers one question about history, as of any position."""

    separation_of_duties: DutiesReports
    unapproved_pushes: UnapprovedReports
    exposure: ExposureReports
    lead_times: LeadTimeReports
    expiry: ExpiryReports
    inventory: InventoryReports
    review: ReviewReports
