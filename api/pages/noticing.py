"""A revocation that its CA does not know of: have the CA told again, or say that you told it."""

from uuid import UUID

from api.answers import missing
from api.asking import Reading
from api.pages import steps
from api.pages.steps import Step, Subject
from application.ca_informing import retry_ca, told_ca
from domain.certificate import Certificate
from domain.roles import Permission

STEPS: dict[str, Step[Certificate]] = {
    "retry": Step(
        "Tell the CA again",
        "The CA is told of the revocation once more.",
        "Tell it again",
        Permission.REVOKE,
        retry_ca,
        narrows=True,
    ),
    "told": Step(
        "The CA was told",
        "You say that you told the CA of the revocation yourself. Nothing is left to be done then.",
        "I told it",
        Permission.REVOKE,
        told_ca,
        narrows=True,
    ),
}
_PAGE = "/certificates/{certificate_id:uuid}"


async def _subject(reading: Reading, certificate_id: UUID) -> Subject:
    row = await reading.views.inventory.get(certificate_id)
    if row is None:
        raise missing("certificate", certificate_id)
    said = f" {row.state.ca_notice.message}" if row.state.ca_notice is not None else ""
    return Subject(row.version, f"{row.state.facts.common_name} is revoked here.{said}")


HANDLERS = steps.handlers(STEPS, f"{_PAGE}/revocation-notice", _subject, name="notice", back=_PAGE)
