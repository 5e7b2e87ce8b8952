"""AWS Certificate Manager (API reference 2015-12-08): imported certificates, found by a tag of ours.

    certferry:place = <name>

A push re-imports under the ARN that carries the tag, so that load balancers which name it take the new certificate by
themselves. ACM gives no private key back: an import that fails changes nothing there, but one that succeeded cannot be
taken back by us. ACM checks key and chain itself; we have done so before, and say nothing of its word.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bridge.config import Config
from bridge.drivers.chain import normalised, split
from bridge.drivers.driver import Job
from bridge.drivers.failure import DriverFailure
from bridge.drivers.pair import Pair
from bridge.drivers.stores.aws_calls import Acm, connect
from bridge.drivers.stores.opening import entry_of, settings_of
from bridge.drivers.stores.store import Entry
from bridge.protocol import FailureCause
from bridge.store_kinds import AcmSettings

PLACE = "certferry:place"
_KEY_TYPES = ("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1")
"""All of them: a list without this filter holds RSA keys of up to 2,048 bits only."""


class AcmStore:
    """Implements `Store`. `known` remembers ARNs by name between assignments; what it says is always looked at."""

    def __init__(self, acm: Acm, known: dict[str, str]) -> None:
        self._acm = acm
        self._known = known

    async def probe(self, name: str) -> str:  # noqa: ARG002 # ACM has no trial of one
        """Lists: whether an import is allowed shows at the import only, since ACM has no trial."""
        await self._acm.call("list_certificates", MaxItems=1)
        return "ACM answers and lists certificates; whether it takes one shows at an import."

    async def look(self, name: str) -> Entry | None:
        known = self._known.get(name)
        if known is not None and await self._place(known) == name:
            return await self._entry(known, name)
        arns = [arn for arn in await self._imported() if await self._place(arn) == name]
        if len(arns) > 1:
            message = f"{len(arns)} certificates have the tag {PLACE} = {name}: {', '.join(arns)}. Leave it on one."
            raise DriverFailure(FailureCause.UNKNOWN, message)
        if not arns:
            return None
        self._known[name] = arns[0]
        return await self._entry(arns[0], name)

    def holds(self, entry: Entry, pair: Pair) -> bool:
        return entry.chain.startswith(pair.fullchain)  # a root may follow that nobody gave

    async def put(self, name: str, pair: Pair, before: Entry | None) -> str:
        _check_key(pair)
        leaf, above = split(pair.fullchain)
        given: dict[str, Any] = {"Certificate": leaf, "PrivateKey": pair.private_key}
        if above:
            given["CertificateChain"] = above
        if before is not None:
            given["CertificateArn"] = before.reference  # its tags stay; ACM takes none at a re-import
        else:
            given["Tags"] = [{"Key": PLACE, "Value": name}]
        arn: str = (await self._acm.call("import_certificate", changes=True, **given))["CertificateArn"]
        self._known[name] = arn
        if await self._place(arn) != name:
            tag = {"Key": PLACE, "Value": name}
            await self._acm.call("add_tags_to_certificate", changes=True, CertificateArn=arn, Tags=[tag])
        return arn

    async def undo(self, name: str, before: Entry | None) -> tuple[bool | None, str]:
        now = await self.look(name)
        if before is None:
            if now is None:
                return False, "Nothing was imported."
            await self._acm.call("delete_certificate", changes=True, CertificateArn=now.reference)
            self._known.pop(name, None)
            return False, f"{now.reference} was deleted: nothing was there before it."
        if now is not None and now.chain == before.chain:
            return False, "The certificate that was there before is there still."
        return True, "ACM gives no private key back, so what was there before cannot be imported again from there."

    async def tidy(self, name: str) -> str:  # noqa: ARG002 # one ARN for ever: nothing is left over
        return ""

    async def entries(self) -> list[Entry]:
        arns = [each["CertificateArn"] for each in await self._listed()]
        return [entry for arn in arns if (entry := await self._entry(arn, await self._place(arn) or arn))]

    async def _listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        given: dict[str, Any] = {"Includes": {"keyTypes": list(_KEY_TYPES)}}
        while True:
            page = await self._acm.call("list_certificates", **given)
            found.extend(page["CertificateSummaryList"])
            if not page.get("NextToken"):
                return found
            given["NextToken"] = page["NextToken"]

    async def _imported(self) -> list[str]:
        return [each["CertificateArn"] for each in await self._listed() if each.get("Type", "IMPORTED") == "IMPORTED"]

    async def _place(self, arn: str) -> str | None:
        answer = await self._acm.call("list_tags_for_certificate", missing={}, CertificateArn=arn)
        return next((tag.get("Value", "") for tag in answer.get("Tags", ()) if tag["Key"] == PLACE), None)

    async def _entry(self, arn: str, name: str) -> Entry | None:
        answer = await self._acm.call("get_certificate", missing={}, CertificateArn=arn)
        parts = (answer.get("Certificate", ""), answer.get("CertificateChain", ""))
        chain = normalised("".join(f"{part.strip()}\n" for part in parts if part).encode())
        return Entry(name=name, reference=arn, chain=chain) if chain else None


class Accounts:
    """Opens the accounts of the bridge's configuration; clients are kept, since making one takes half a second."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._opened: dict[str, tuple[Acm, dict[str, str]]] = {}

    @contextlib.asynccontextmanager
    async def __call__(self, job: Job) -> AsyncIterator[tuple[AcmStore, str]]:
        """The store of an assignment's target, and the name that is meant without a profile. DriverFailure."""
        settings = settings_of(job, AcmSettings)
        account = entry_of(self._config.aws, settings.account, "aws")
        if settings.account not in self._opened:
            self._opened[settings.account] = await asyncio.to_thread(connect, account), {}
        acm, known = self._opened[settings.account]
        yield AcmStore(acm, known), settings.place


def _check_key(pair: Pair) -> None:
    """Prerequisites for importing certificates (ACM user guide): RSA of 2,048 to 4,096 bits, P-256, P-384, P-521."""
    key = x509.load_pem_x509_certificates(pair.fullchain)[0].public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in {2048, 3072, 4096}:
        return
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in {"secp256r1", "secp384r1", "secp521r1"}:
        return
    message = "ACM takes RSA keys of 2,048, 3,072 or 4,096 bits and EC keys on P-256, P-384 or P-521."
    raise DriverFailure(FailureCause.INVALID_CERTIFICATE_OR_KEY, message)
