"""The routes below `/acme`. Nobody signs in: a request says itself by whom it is (RFC 8555, 6.2)."""

from litestar import Router

from api.acme import accounts, directory, orders, revoking
from api.acme.addresses import ROOT
from api.acme.answering import exception_handlers
from api.mounting import Mounted, with_options
from api.services import Services

LONGEST_BODY = 128 * 1024
"""Bytes of a request: the signing request is the longest thing in it, 64 KiB at most."""


def acme_routes(services: Services) -> Router:
    """All of them, with errors that ACME clients understand."""
    handlers = [*directory.HANDLERS, *accounts.HANDLERS, *orders.HANDLERS, *revoking.HANDLERS]
    return Mounted(
        ROOT,
        route_handlers=with_options(handlers),
        exception_handlers=exception_handlers(services),
        request_max_body_size=LONGEST_BODY,
    )
