"""Evidence to take away: archives that anybody can check without us."""

from base64 import b64encode
from collections.abc import Awaitable
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from api.as_of import only_now
from api.asking import Reading
from api.failures import bad_parameter
from api.positions import LARGEST
from api.problems import Problem
from api.security import requires
from application.export_ports import LedgerContradicted, NotSealedYet
from application.exporting import Taken, take_push, take_range, wrong_range
from domain.roles import Permission

ZIP = "application/zip"
NO_MOMENT = "Evidence holds what was recorded, with its positions, whenever it is taken."
AUDITORS = requires(Permission.EXPORT_AUDIT)


@get("/audit/export", opt=AUDITORS, media_type=ZIP)
async def export_audit_log(
    reading: NamedDependency[Reading],
    from_position: Annotated[int, QueryParameter(ge=1, le=LARGEST, description="The first one.")],
    to_position: Annotated[int, QueryParameter(ge=1, le=LARGEST, description="The last one, inclusive.")],
) -> Response[bytes]:
    """All events of a range, with what proves them and that none is missing, and the program that checks it.

    Recorded (`audit.export.created`) before the first byte leaves.
    """
    only_now(reading.moment, NO_MOMENT)
    house = reading.services.house
    if wrong := wrong_range(from_position, to_position, await house.log.head()):
        raise bad_parameter("to_position", wrong)
    taking = take_range(house, reading.context(), reading.services.evidence, from_position, to_position)
    return await _archive(reading, taking, f"certferry-events-{from_position}-{to_position}")


@get("/work-orders/{work_order_id:uuid}/evidence", opt=AUDITORS, media_type=ZIP)
async def get_work_order_evidence(work_order_id: FromPath[UUID], reading: NamedDependency[Reading]) -> Response[bytes]:
    """One push, from the request to the handshake: request, approvals with their digest, dispatch, the bridge's
    confirmation, what was served, the certificate, proofs, and the program that checks it.

    Recorded (`audit.export.created`) before the first byte leaves.
    """
    only_now(reading.moment, NO_MOMENT)
    taking = take_push(reading.services.house, reading.context(), reading.services.evidence, work_order_id)
    return await _archive(reading, taking, f"certferry-push-{work_order_id}")


async def _archive(reading: Reading, taking: Awaitable[Taken], name: str) -> Response[Any]:
    try:
        taken = await taking
    except NotSealedYet as error:
        sentence = f"This cannot be proven yet: {error}. Try again soon; if it stays so, look at the sealer."
        raise Problem("unavailable", sentence, headers={"Retry-After": "5"}) from None
    except LedgerContradicted as error:
        sentence = f"There is no evidence, because the ledger does not hold: {error}. Run certferry verify."
        raise Problem("unavailable", sentence) from None
    about = taken.evidence.about
    reading.services.acknowledged.note(taken.position)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.zip"',
        "Content-Length": str(about.size),
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(about.sha256)).decode()}:",  # RFC 9530
        "Event-Position": str(taken.position),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Stream(taken.evidence.blocks(), media_type=ZIP, headers=headers)


HANDLERS = [export_audit_log, get_work_order_evidence]
