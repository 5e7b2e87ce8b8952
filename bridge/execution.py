"""One assignment from its opening to its report. Whatever happens on the way, there is a report at the end."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bridge.drivers.driver import Driver, Guard, Job
from bridge.drivers.failure import DriverFailure
from bridge.drivers.steps import Steps
from bridge.journal import Report
from bridge.logs import say, where
from bridge.protocol import (
    Assignment,
    AssignmentKind,
    DiscoveryRequest,
    FailureCause,
    Outcome,
    ResultRequest,
    SealedContent,
    VerificationRequest,
    seal_context,
)
from bridge.sealing import CannotOpen, open_sealed
from bridge.text import clean

Look = Callable[[Assignment], Awaitable[VerificationRequest]]
"""Looks at what endpoints serve. Raises DriverFailure."""


class Executor:
    """Does assignments with the drivers it was given."""

    def __init__(
        self, bridge_id: UUID, hpke_key: X25519PrivateKey, drivers: Mapping[str, Driver], look: Look | None = None
    ) -> None:
        self._look = look
        self._bridge_id = bridge_id
        self._hpke_key = hpke_key
        self._drivers = drivers

    async def execute(self, assignment: Assignment, steps: Steps, guard: Guard) -> Report:
        """Do it, and tell how it ended. Only a cancellation gets out of here."""
        try:
            if assignment.kind is AssignmentKind.VERIFICATION and self._look is not None:
                return await self._look(assignment)
            driver = self._driver(assignment)
            job = Job(assignment, self._opened(assignment), steps, guard)
            return await _done(driver, job)
        except DriverFailure as failure:
            return failed(assignment, failure, steps)
        except Exception as error:  # noqa: BLE001 # a mistake in a driver must end this assignment, not the bridge
            say("unexpected error", logging.ERROR, assignment_id=assignment.assignment_id, where=where(error))
            message = f"The bridge made a mistake ({type(error).__name__}); its log says where."
            return failed(assignment, DriverFailure(FailureCause.UNKNOWN, message, written=None), steps)

    def _driver(self, assignment: Assignment) -> Driver:
        driver = self._drivers.get(assignment.target.kind)
        if driver is None:
            message = f"This bridge has no driver for targets of kind {assignment.target.kind!r}."
            raise DriverFailure(FailureCause.UNKNOWN, message)
        return driver

    def _opened(self, assignment: Assignment) -> SealedContent:
        chain = assignment.certificate.fullchain_pem if assignment.certificate else None
        context = seal_context(self._bridge_id, assignment.assignment_id, assignment.fence, chain)
        try:
            return open_sealed(assignment.sealed, self._hpke_key, context)
        except CannotOpen as error:
            raise DriverFailure(FailureCause.INVALID_CERTIFICATE_OR_KEY, str(error)) from None


async def _done(driver: Driver, job: Job) -> Report:
    match job.assignment.kind:
        case AssignmentKind.DEPLOYMENT:
            applied = await driver.apply(job)
            return msgspec.structs.replace(
                _succeeded(job, applied.message),
                written=True,
                already_in_place=applied.already_in_place,
                read_back_fingerprint_sha256=applied.fingerprint,
            )
        case AssignmentKind.TEST:
            return _succeeded(job, await driver.test(job))
        case AssignmentKind.ENDPOINT_CSR:
            requested = await driver.request(job)
            return msgspec.structs.replace(_succeeded(job, requested.message), csr_pem=requested.csr_pem)
        case AssignmentKind.DISCOVERY:
            discovered = await driver.discover(job)
            return DiscoveryRequest(
                assignment_id=job.assignment.assignment_id,
                fence=job.assignment.fence,
                healthy=True,
                message=clean(discovered.message),
                found=discovered.found,
            )
        case AssignmentKind.VERIFICATION:
            raise DriverFailure(FailureCause.UNKNOWN, "This bridge looks at no endpoints.")


def _succeeded(job: Job, message: str) -> ResultRequest:
    return ResultRequest(
        assignment_id=job.assignment.assignment_id,
        fence=job.assignment.fence,
        outcome=Outcome.SUCCESS,
        message=clean(message),
        steps=job.steps.reports,
    )


def failed(assignment: Assignment, failure: DriverFailure, steps: Steps) -> Report:
    """The report of a failure."""
    if assignment.kind is AssignmentKind.DISCOVERY:
        return DiscoveryRequest(
            assignment_id=assignment.assignment_id, fence=assignment.fence, healthy=False, message=failure.message
        )
    if assignment.kind is AssignmentKind.VERIFICATION:
        return VerificationRequest(
            assignment_id=assignment.assignment_id, fence=assignment.fence, message=failure.message
        )
    return ResultRequest(
        assignment_id=assignment.assignment_id,
        fence=assignment.fence,
        outcome=Outcome.FAILED,
        cause=failure.cause,
        message=failure.message,
        written=failure.written if assignment.kind is AssignmentKind.DEPLOYMENT else None,
        steps=steps.reports,
    )
