"""All pages and the static files they need."""

from litestar import Router
from litestar.datastructures import CacheControlHeader
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from api.pages import (
    account,
    alert_rule_forms,
    alerts,
    approval_policy_forms,
    approval_policy_list,
    approval_previews,
    audit_log,
    bridge_page,
    certificates,
    channel_forms,
    connector_page,
    endpoint_history,
    estate,
    evaluating,
    grant_dialogs,
    grant_pages,
    invitations,
    live,
    noticing,
    order_list,
    past,
    pfx_exports,
    policy_forms,
    policy_lists,
    principal_forms,
    principal_pages,
    problem_types,
    provider_sign_in,
    push_requests,
    push_validation,
    renewing,
    replacing,
    report_schedule_forms,
    report_schedule_list,
    reports,
    reviewing,
    revoking,
    signing_in,
    standing_forms,
    standing_pages,
    token_forms,
    token_pages,
    verification_list,
    verification_results,
    work_order_list,
    work_orders,
)
from api.pages.rendering import STATIC
from api.security import public

FOR_EVER = CacheControlHeader(max_age=31_536_000, immutable=True, public=True)


def page_routes() -> list[ControllerRouterHandler]:
    """For `Litestar(route_handlers=...)`."""
    return [
        *signing_in.HANDLERS,
        *invitations.HANDLERS,
        *provider_sign_in.HANDLERS,
        *account.HANDLERS,
        past.view_as_of,
        live.live_stream,
        certificates.home,
        certificates.certificate_list,
        certificates.certificate,
        certificates.push_validation_table,
        certificates.push_dialog,
        certificates.push,
        certificates.verify_now,
        pfx_exports.password_dialog,
        pfx_exports.pfx,
        *renewing.HANDLERS,
        *revoking.HANDLERS,
        *noticing.HANDLERS,
        *order_list.HANDLERS,
        *replacing.HANDLERS,
        work_order_list.work_order_list,
        work_orders.details,
        push_requests.push_request,
        *work_orders.step_handlers(),
        estate.target_system_list,
        estate.bridge_list,
        *bridge_page.HANDLERS,
        *connector_page.HANDLERS,
        verification_list.verification_run_list,
        verification_results.verification_results,
        endpoint_history.endpoint_history,
        audit_log.audit_log,
        *policy_lists.HANDLERS,
        *policy_forms.HANDLERS,
        *alert_rule_forms.HANDLERS,
        *channel_forms.HANDLERS,
        evaluating.evaluate,
        *approval_policy_list.HANDLERS,
        *approval_policy_forms.HANDLERS,
        approval_previews.preview,
        *standing_pages.HANDLERS,
        *standing_forms.HANDLERS,
        *principal_pages.HANDLERS,
        *grant_pages.HANDLERS,
        *grant_dialogs.HANDLERS,
        *principal_forms.HANDLERS,
        *token_pages.HANDLERS,
        *token_forms.HANDLERS,
        problem_types.get_problem_type,
        *alerts.HANDLERS,
        *report_schedule_list.HANDLERS,
        *report_schedule_forms.HANDLERS,
        *push_validation.HANDLERS,
        *reports.HANDLERS,
        reviewing.attest_review_form,
        _static_files(),
    ]


def _static_files() -> Router:
    """Their URLs carry a hash of the content, so they may be kept for ever."""
    return create_static_files_router(
        path="/static", directories=[STATIC], opt=public(), cache_control=FOR_EVER, include_in_schema=False
    )
