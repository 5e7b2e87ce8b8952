"""What was asked for with an order, in words: all of it, since it is what a new attempt asks for again."""

from collections.abc import Iterator

from api.asking import Reading
from api.pages.facts import Fact
from api.pages.past import Shown
from api.pages.people import who
from api.pages.words import instant, plural
from api.presenters.orders import LABELS
from domain.certificate_order import DEFAULT_KEY_ALGORITHM, CertificateOrder, OrderParameters, WantedConnector
from domain.suggested_window import SuggestedWindow
from domain.violation import Violation

_MODES = {
    "automated": "automated: the key is made and kept here",
    "csr": "by signing request: the key is somewhere else",
    "endpoint_csr": "the key is made on the target system",
}


def order_facts(order: CertificateOrder, reading: Reading, moment: Shown) -> Iterator[Fact]:
    """Everything that was asked for, by whom, and what it belongs to; what is not there is left out.

    Providers and target systems are told by their ids: their names would be further statements.
    """
    wanted = order.parameters
    unnamed = "as in the signing request" if order.request.csr_pem is not None else "none"
    yield Fact("Names", ", ".join(names_of(wanted)) or unnamed)
    yield Fact("Order type", LABELS[wanted.provider])
    if wanted.provider_id is not None:
        yield Fact("Provider", str(wanted.provider_id))
    yield Fact("Mode", "automated: the key of before is used again" if wanted.same_key else _MODES[order.mode])
    yield Fact("Key", _key(wanted))
    yield from _signing_request(order)
    yield Fact("Usage", wanted.usage)
    yield Fact("Validity", plural(wanted.validity_days, "day"))
    yield from (Fact("Connector", _connector(each)) for each in wanted.connectors)
    if wanted.renews is not None:
        yield Fact("Renews", str(wanted.renews), url=moment.link(f"/certificates/{wanted.renews}"))
    if wanted.replacement_id is not None:
        yield Fact("Part of", "a mass replacement", url=moment.link(f"/replacements/{wanted.replacement_id}"))
    yield from _why(wanted.renewal_window)
    yield Fact("Requested by", who(order.requested_by, reading))
    ended = f", ended {instant(order.ended_at)} UTC" if order.ended_at else ""
    yield Fact("Submitted", f"{instant(order.submitted_at)} UTC{ended}")
    if order.attempt > 1:
        yield Fact("Attempt", str(order.attempt))


def broken(found: Violation) -> str:
    """`Web servers, strong keys: The key is too short.`"""
    return f"{found.policy}, {found.rule}: {found.detail}"


def names_of(wanted: OrderParameters) -> tuple[str, ...]:
    """Each once: the common name is usually among the others."""
    return tuple(dict.fromkeys(name for name in (wanted.common_name, *wanted.subject_alternative_names) if name))


def _key(wanted: OrderParameters) -> str:
    """Its kind, where the order or, without a word in it, the default says so."""
    if wanted.key_algorithm is None and wanted.csr_pem is not None:
        return "as in the signing request"
    if wanted.same_key:
        return "that of the certificate which it renews"
    return wanted.key_algorithm or DEFAULT_KEY_ALGORITHM


def _signing_request(order: CertificateOrder) -> Iterator[Fact]:
    if order.endpoint_id is not None:
        came = "expected from" if order.awaits_csr else "made by"
        yield Fact("Signing request", f"{came} the target system {order.endpoint_id}")
    elif order.parameters.csr_pem is not None:
        yield Fact("Signing request", "sent with the order")


def _connector(wanted: WantedConnector) -> str:
    """`target system 7…, profile web, endpoints a:443, b:443, server name www.example.org`."""
    said = [f"target system {wanted.target_system_id}"]
    said += [f"profile {wanted.profile}"] if wanted.profile else []
    said += [f"endpoints {', '.join(wanted.endpoints)}"] if wanted.endpoints else []
    said += [f"server name {wanted.server_name}"] if wanted.server_name else []
    return ", ".join(said)


def _why(window: SuggestedWindow | None) -> Iterator[Fact]:
    """When the CA suggested to renew, and its own explanation."""
    if window is None:
        return
    yield Fact("The CA suggested to renew", f"between {instant(window.start)} and {instant(window.end)} UTC")
    if window.explanation_url is not None:
        yield Fact("The CA says why", window.explanation_url, url=window.explanation_url)
