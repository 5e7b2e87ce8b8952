"""Keys are made of the kind that was asked for, and belong together."""

import asyncio

import pytest

from adapters.keys.generating import generate_key
from adapters.x509.algorithms import algorithm_name
from adapters.x509.private_keys import from_pkcs8, spki
from application.issuer_ports import KeyMaker
from domain.errors import Code, Refused


@pytest.mark.parametrize("algorithm", ["rsa-2048", "rsa-3072", "rsa-4096", "ec-256", "ec-384", "ed25519"])
async def test_each_kind_can_be_made(algorithm: str) -> None:
    """The private key is of the kind, the public key is its other half, and two keys differ."""
    maker: KeyMaker = generate_key
    made, other = await asyncio.gather(maker(algorithm), maker("ec-256"))
    assert algorithm == algorithm_name(from_pkcs8(made.private_key))
    assert made.public_key == spki(from_pkcs8(made.private_key)) != other.public_key


@pytest.mark.parametrize("algorithm", ["rsa-1024", "rsa", "", "dsa-2048", "EC-256", "x" * 1000])
async def test_other_kinds_are_refused(algorithm: str) -> None:
    """Weak, unknown and misspelt kinds are refused at their field, with the list of what can be made."""
    with pytest.raises(Refused, match="rsa-2048") as caught:
        await generate_key(algorithm)
    expected = Code.VALIDATION_FAILED, "/key_algorithm"
    assert expected == (caught.value.code, caught.value.pointer)


async def test_the_loop_runs_on_while_an_rsa_key_is_made() -> None:
    """Making RSA keys gives way to everything else: the loop turns many times before the key is there."""
    making = asyncio.create_task(generate_key("rsa-3072"))
    turns = 0
    while not making.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 10


def test_no_key_shows_in_a_representation() -> None:
    """A generated key may end in a traceback, its bytes do not."""
    assert asyncio.run(generate_key("ec-256")).__repr__() == "GeneratedKey(...)"
