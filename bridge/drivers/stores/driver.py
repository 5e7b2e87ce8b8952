"""Installing in a store: the one driver of all kinds without files, which differ in their `Store`."""

import contextlib
from collections.abc import AsyncIterator, Callable

import msgspec

from bridge.drivers.chain import check_chain
from bridge.drivers.driver import Applied, Discovered, Job, Requested
from bridge.drivers.failure import DriverFailure, LeaseLost
from bridge.drivers.pair import Pair, check_certificate, check_pair, leaf_of
from bridge.drivers.stores.store import Entry, Store
from bridge.protocol import FailureCause, FoundCertificate

MOST = 1_000
"""Certificates of one store that are told."""

Open = Callable[[Job], contextlib.AbstractAsyncContextManager[tuple[Store, str]]]
"""(the store of an assignment's target, the name that is meant without a profile). DriverFailure."""


class StoreDriver(msgspec.Struct, frozen=True):
    """Implements `Driver` over a `Store`."""

    open: Open

    async def test(self, job: Job) -> str:
        async with self._opened(job) as (store, name):
            with job.steps.step("probe") as note:
                note.message = await store.probe(name)
            with job.steps.step("read_back") as note:
                found = await store.look(name)
                note.message = f"Installed now: {_fingerprint(found)}." if found else "No certificate is there yet."
            return f"An installation as {name} can work. {note.message}"

    async def apply(self, job: Job) -> Applied:
        with job.steps.step("check"):
            pair = _pair(job)
        async with self._opened(job) as (store, name):
            with job.steps.step("look"):
                before = await store.look(name)
            if before is not None and store.holds(before, pair):
                return Applied(message="Already in place.", fingerprint=pair.fingerprint, already_in_place=True)
            await job.guard()
            reference = await _put(store, name, pair, before, job)
            await _tidied(store, name, job)
            return Applied(message=f"Installed as {reference}.", fingerprint=pair.fingerprint)

    async def request(self, job: Job) -> Requested:
        kind = job.assignment.target.kind
        raise DriverFailure(FailureCause.UNKNOWN, f"On targets of kind {kind!r} no keys can be made.")

    async def discover(self, job: Job) -> Discovered:
        async with self._opened(job, usual=True) as (store, name):
            with job.steps.step("read_back"):
                held = await store.entries()
            told = [found for entry in held[:MOST] if (found := _found(entry, name)) is not None]
            return Discovered(f"{len(told)} certificates found in {len(held)} entries.", tuple(told))

    @contextlib.asynccontextmanager
    async def _opened(self, job: Job, *, usual: bool = False) -> AsyncIterator[tuple[Store, str]]:
        async with contextlib.AsyncExitStack() as stack:
            with job.steps.step("connect"):
                store, name = await stack.enter_async_context(self.open(job))
            yield store, name if usual else job.assignment.profile or name


def _pair(job: Job) -> Pair:
    certificate, key = check_certificate(job.assignment.certificate), job.content.private_key_pem
    if key is None:
        message = "Only certificates with a stored private key can be installed in a store; this one came without."
        raise DriverFailure(FailureCause.INVALID_CERTIFICATE_OR_KEY, message)
    pair = check_pair(certificate, key)
    check_chain(pair)
    return pair


async def _put(store: Store, name: str, pair: Pair, before: Entry | None, job: Job) -> str:
    """From here everything ends in what was pushed, or in the way back."""
    try:
        with job.steps.step("write"):
            reference = await store.put(name, pair, before)
        with job.steps.step("read_back"):
            found = await store.look(name)
            if found is None or not store.holds(found, pair):
                message = f"Read back {_fingerprint(found) or 'nothing'} instead of {pair.fingerprint}."
                raise DriverFailure(FailureCause.ROLLED_BACK, message)
    except LeaseLost:
        raise
    except DriverFailure as failure:
        raise await _undone(store, name, before, job, failure) from failure
    return reference


async def _undone(store: Store, name: str, before: Entry | None, job: Job, failure: DriverFailure) -> DriverFailure:
    try:
        with job.steps.step("roll_back") as note:
            written, note.message = await store.undo(name, before)
    except DriverFailure as second:
        message = f"{failure.message} The way back failed too: {second.message}"
        return DriverFailure(failure.cause, message, written=None)
    return DriverFailure(failure.cause, f"{failure.message} {note.message}", written=written)


async def _tidied(store: Store, name: str, job: Job) -> None:
    try:
        with job.steps.step("tidy") as note:
            note.message = await store.tidy(name)
    except DriverFailure:
        return  # the step tells; the certificate is in place and what is left over harms nobody


def _fingerprint(entry: Entry | None) -> str | None:
    leaf = None if entry is None else leaf_of(entry.chain)
    return None if leaf is None else leaf[0]


def _found(entry: Entry, usual: str) -> FoundCertificate | None:
    leaf = leaf_of(entry.chain)
    if leaf is None:
        return None
    profile = None if entry.name == usual else entry.name
    return FoundCertificate(place=entry.reference, fingerprint_sha256=leaf[0], certificate_pem=leaf[1], profile=profile)
