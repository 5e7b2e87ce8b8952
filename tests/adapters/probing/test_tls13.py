"""Servers that speak TLS 1.3 alone are swept too: possession of the key is proven, and no lie is taken for it."""

import asyncio
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from adapters.probing.prober import SweepingProber, TlsProber
from bridge.probing.handshake import MAX_BYTES
from bridge.probing.sweeping.flight import Otherwise
from bridge.probing.sweeping.tls13.flight import Shown, Talk
from tests.adapters.probing.counting import LOOPBACK
from tests.adapters.probing.servers import listening
from tests.adapters.probing.tls13_server import (
    CERTIFICATE,
    EXTENSIONS,
    REQUEST,
    VERIFY,
    Message,
    Server,
    chain_of,
    plain,
    request,
    vector,
)
from tests.adapters.x509.certificates import cn, make, san
from tests.contracts.probe_contract import ISSUER

KEY = ec.generate_private_key(ec.SECP256R1())
LEAF = make(cn("a.test"), [san("a.test")], by=ISSUER, key=KEY)


def talk() -> tuple[Talk, Server]:
    """We, and a server that holds the leaf's key."""
    ours = Talk("a.test")
    return ours, Server(ours.greeting, KEY)


def read(ours: Talk, answer: bytes) -> Shown | None:
    """What is made of an answer; None: nothing, or it is to be looked at in full."""
    try:
        return ours.read(answer)
    except Otherwise:
        return None


def content(*messages: Message) -> bytes:
    return b"".join(each.content for each in messages)


SHOWN = Shown("TLS_AES_128_GCM_SHA256", (LEAF.der, ISSUER.der))


@pytest.mark.parametrize("cuts", [1, 40, 16_000])
@pytest.mark.parametrize("step", [1, 1_000_000])
def test_an_honest_flight_is_read_however_it_is_cut(cuts: int, step: int) -> None:
    """Into records, into pieces of the network; padded; with a change of ciphers for boxes in between, or a request."""
    ours, server = talk()
    messages = [Message(EXTENSIONS, b"\0\4\0\0\0\0"), request(), chain_of(LEAF.der, ISSUER.der)]
    answer = server.records(content(*messages, server.sign(messages)), cuts, padding=cuts % 7)
    end = 5 + int.from_bytes(answer[3:5], "big")
    answer = answer[:end] + b"\x14\x03\x03\0\1\1" + answer[end:]
    seen = [ours.read(answer[at : at + step]) for at in range(0, len(answer), step)]
    assert [None] * (len(seen) - 1) + [SHOWN] == seen


Change = tuple[int, int, bytes]
CHANGES = st.tuples(st.integers(0, 20_000), st.integers(0, 8), st.binary(max_size=8))
"""Where, how many bytes are cut out there, and what is put in instead."""


def altered(honest: bytes, change: Change) -> bytes | None:
    """None: what was honest is still all there."""
    at, gone, instead = change
    at %= len(honest)
    changed = honest[:at] + instead + honest[at + gone :]
    return None if changed.startswith(honest) else changed


@given(CHANGES, st.integers(0, 7))
def test_no_part_of_a_flight_proves_anything(change: Change, bit: int) -> None:
    """Cut off, one bit turned, bytes changed, cut out or put in: nothing is proven, and nothing else is raised."""
    for how in range(3):
        ours, server = talk()
        honest = server.honest(LEAF.der, ISSUER.der)
        at = change[0] % len(honest)
        turned = honest[:at] + bytes([honest[at] ^ 1 << bit]) + honest[at + 1 :]
        wrong = (honest[:at], turned, altered(honest, change))[how]
        assert wrong is None or read(ours, wrong) is None


@given(CHANGES)
def test_no_lie_under_encryption_is_taken_for_a_proof(change: Change) -> None:
    """Every byte of every message changed behind the signature: the records are in order, what they say is not."""
    ours, server = talk()
    messages = plain(LEAF.der, ISSUER.der)
    wrong = altered(content(*messages, server.sign(messages)), change)
    assert wrong is None or read(ours, server.records(wrong)) is None


@given(
    st.lists(
        st.tuples(st.sampled_from([EXTENSIONS, REQUEST, CERTIFICATE, VERIFY, 4, 20]), st.binary(max_size=40)),
        max_size=6,
    )
)
def test_whatever_is_encrypted_is_answered(messages: list[tuple[int, bytes]]) -> None:
    """Garbage in messages of all kinds, in any order: nothing is shown, and nothing else is raised."""
    ours, server = talk()
    assert read(ours, server.records(content(*(Message(*each) for each in messages)))) is None


def _another_key(server: Server, ours: Talk) -> bytes:
    thief = Server(ours.greeting, ec.generate_private_key(ec.SECP256R1()))
    return thief.honest(LEAF.der, ISSUER.der)


def _of_another_conversation(server: Server, ours: Talk) -> bytes:
    """A signature that was recorded elsewhere."""
    recorded = Server(Talk("a.test").greeting, KEY)
    messages = plain(LEAF.der, ISSUER.der)
    return server.records(content(*messages, recorded.sign(messages)))


def _of_nothing(server: Server, ours: Talk) -> bytes:
    messages = plain(LEAF.der, ISSUER.der)
    return server.records(content(*messages, server.sign(messages, lambda digest: bytes(32))))


def _before_the_certificate(server: Server, ours: Talk) -> bytes:
    messages = plain(LEAF.der)
    return server.records(content(messages[0], server.sign(messages[:1]), messages[1]))


def _a_weaker_scheme(server: Server, ours: Talk) -> bytes:
    """ECDSA with SHA-384 on P-256, which is no scheme of TLS 1.3."""
    messages = plain(LEAF.der)
    return server.records(content(*messages, Message(VERIFY, b"\x05\x03" + server.sign(messages).body[2:])))


def _unasked(server: Server, ours: Talk) -> bytes:
    """An extension beside a certificate that nobody asked for: OpenSSL refuses it, too."""
    entry = vector(LEAF.der, 3) + vector(b"\0\x05\0\0", 2)
    messages = [Message(EXTENSIONS, b"\0\0"), Message(CERTIFICATE, b"\0" + vector(entry, 3))]
    return server.records(content(*messages, server.sign(messages)))


def _as_data(server: Server, ours: Talk) -> bytes:
    messages = plain(LEAF.der)
    return server.records(content(*messages, server.sign(messages)), kind=23)


def _many(server: Server, ours: Talk) -> bytes:
    messages = plain(*[LEAF.der] * 65)
    return server.records(content(*messages, server.sign(messages)))


def _a_weak_share(server: Server, ours: Talk) -> bytes:
    """A point of small order, with which everybody agrees on the same secret."""
    answer = server.honest(LEAF.der)
    end = 5 + int.from_bytes(answer[3:5], "big")
    return answer[: end - 32] + bytes(32) + answer[end:]


def _again(server: Server, ours: Talk) -> bytes:
    """HelloRetryRequest."""
    retry = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    hello = server.hello.body
    return b"\x16\x03\x03" + vector(Message(2, hello[:2] + retry + hello[34:]).content, 2)


@pytest.mark.parametrize(
    "lie",
    [
        _another_key, _of_another_conversation, _of_nothing, _before_the_certificate, _a_weaker_scheme, _unasked,
        _as_data, _many, _a_weak_share, _again,
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_looked_at_in_full(lie: Callable[[Server, Talk], bytes]) -> None:
    """A copied certificate, a recorded signature, an odd message: no proof, whoever encrypted it."""
    ours, server = talk()
    with pytest.raises(Otherwise):
        ours.read(lie(server, ours))


def test_a_handshake_without_an_end_is_cut_off() -> None:
    """By its bytes, in many small records or a message that announces too much."""
    ours, server = talk()
    with pytest.raises(Otherwise):
        ours.read(server.records(content(*plain(LEAF.der))) + bytes(MAX_BYTES))
    ours, server = talk()
    with pytest.raises(Otherwise):
        ours.read(server.records(Message(EXTENSIONS, b"\0\0").content + b"\x0b\x03\0\0"))


async def test_both_versions_share_the_time() -> None:
    """A server that refuses TLS 1.2 and is silent then: the timeout, once."""
    alert, greeted = bytes([21, 3, 3, 0, 2, 2, 70]), list[bytes]()

    async def refuse_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeted.append(await reader.read(65_536))
        if len(greeted) == 1:
            await asyncio.sleep(0.3)
            writer.write(alert)
        else:
            await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    async with listening(refuse_once) as port:
        began = loop.time()
        seen = await SweepingProber(TlsProber(LOOPBACK)).probe(f"127.0.0.1:{port}", "a.test", 0.6)
    assert ("handshake_failed", "timeout") == (seen.result.value, seen.reason)
    assert 0.85 > loop.time() - began
    assert 2 == len(greeted)
