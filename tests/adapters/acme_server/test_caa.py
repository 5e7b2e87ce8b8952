"""CAA (RFC 8659, RFC 8657): who may certify a name, by the records of a real name server."""

from pathlib import Path
from uuid import UUID

import dns.name
import dns.query
import dns.tsig
import dns.tsigkeyring
import dns.update
import pytest

from adapters.acme_server.caa import Caa, CaaRecord, forbidden, permits
from adapters.acme_server.names import NameServers
from domain.acme_order import Answered, Authorization, ChallengeType
from tests.support.nameserver import HOST, KEY, ZONE, NameServer, running_name_server

US = Caa(("ca.example.net", "pki.example.net"), "https://certferry.example.net")
ACCOUNT = UUID(int=7)
URI = f"https://certferry.example.net/acme/accounts/{ACCOUNT}"
HTTP, DNS = ChallengeType.HTTP_01, ChallengeType.DNS_01


def authorization(name: str, challenge: ChallengeType = DNS) -> Authorization:
    return Authorization(name=name, token="token", answered=Answered(challenge, "token.thumbprint"))


def allowed(*records: str, wildcard: bool = False, challenge: ChallengeType = DNS) -> bool:
    """Records as `<flags> <tag> <value>`."""
    parts = [record.split(" ", 2) for record in records]
    read = [CaaRecord(int(flags), tag, value) for flags, tag, value in parts]
    return permits(read, US, wildcard, challenge, ACCOUNT)


@pytest.mark.parametrize(
    "records",
    [
        (),
        ("0 issue ca.example.net",),
        ("0 issue CA.Example.Net ; ",),
        ("0 ISSUE pki.example.net",),
        ("0 issue other.example.com", "0 issue ca.example.net"),
        ("128 issue ca.example.net", "128 iodef mailto:pki@example.org"),
        ("0 iodef mailto:pki@example.org",),
        ("0 tbs unknown",),
        ("0 issuewild ;",),
        (f"0 issue ca.example.net; accounturi={URI}",),
        ("0 issue ca.example.net; validationmethods=http-01,dns-01 ; x-y=z",),
    ],
)
def test_what_permits(records: tuple[str, ...]) -> None:
    """Nothing that concerns us, or one record that names us."""
    assert allowed(*records)


@pytest.mark.parametrize(
    "records",
    [
        ("0 issue ;",),
        ("0 issue ",),
        ("0 issue other.example.com",),
        ("0 issue sub.ca.example.net",),
        ("0 issue ca.example.net", "128 tbs unknown"),
        ("0 issue %%%%%",),
        ("0 issue ca.example.net; %%",),
        ("0 issue ca.example.net; accounturi=https://certferry.example.net/acme/accounts/other",),
        (f"0 issue ca.example.net; accounturi={URI}; accounturi=https://other.example.com/1",),
        ("0 issue ca.example.net; validationmethods=http-01",),
        ("0 issue ca.example.net; validationmethods=",),
    ],
)
def test_what_forbids(records: tuple[str, ...]) -> None:
    """Others alone, nobody, what nobody understands, another account, another way."""
    assert not allowed(*records)


def test_wildcards_have_records_of_their_own() -> None:
    """`issuewild` stands before `issue` for them, and says nothing of other names (RFC 8659, 4.3)."""
    both = ("0 issue ca.example.net", "0 issuewild other.example.com")
    assert allowed(*both)
    assert not allowed(*both, wildcard=True)
    assert allowed("0 issue ca.example.net", wildcard=True)
    assert allowed("0 issue ;", "0 issuewild ca.example.net", wildcard=True)


def test_without_an_address_no_account_is_named() -> None:
    """A record for one account permits none whose address the service does not know."""
    record = CaaRecord(0, "issue", f"ca.example.net; accounturi={URI}")
    assert permits([record], US, wildcard=False, challenge=DNS, account_id=ACCOUNT)
    assert not permits([record], Caa(US.identities), wildcard=False, challenge=DNS, account_id=ACCOUNT)


def put(server: NameServer, name: str, kind: str, value: str) -> None:
    """A record, by a signed update."""
    keyring = dns.tsigkeyring.from_text({KEY: (dns.tsig.HMAC_SHA256, server.secret)})
    update = dns.update.UpdateMessage(ZONE, keyring=keyring)
    update.replace(dns.name.from_text(name), 60, kind, value)
    dns.query.tcp(update, HOST, port=server.port, timeout=5)


@pytest.mark.needs("named")
async def test_the_nearest_records_count(tmp_path: Path) -> None:
    """Those of the name, else of the closest one above; aliases are followed; what cannot be looked up forbids."""

    async def asked(name: str, challenge: ChallengeType = DNS) -> str | None:
        flaw = await forbidden(names, US, authorization(name, challenge), ACCOUNT)
        assert flaw is None or flaw.type == "caa"
        return flaw.detail if flaw is not None else None

    with running_name_server(tmp_path) as server:
        names = NameServers((f"{HOST}:{server.port}",))
        assert await asked("www.example.org") is None  # the top-level domain cannot be looked up here
        put(server, ZONE, "CAA", '0 issue "other.example.com"')
        refused = await asked("deep.below.www.example.org")
        assert refused is not None
        assert "do not allow ca.example.net or pki.example.net" in refused
        put(server, "www.example.org", "CAA", '0 issue "ca.example.net; validationmethods=dns-01"')
        assert await asked("www.example.org") is None
        assert await asked("*.www.example.org") is None
        assert await asked("deep.below.www.example.org") is None
        assert await asked("www.example.org", HTTP) is not None
        put(server, "alias.example.org", "CNAME", "www.example.org.")
        assert await asked("alias.example.org") is None
        assert "could not be looked up" in (await asked("www.example.com") or "")  # of another zone: REFUSED
