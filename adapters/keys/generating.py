"""New key pairs."""

import asyncio
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from adapters.x509.private_keys import PrivateKey, spki, to_pkcs8
from application.issuer_ports import GeneratedKey
from domain.errors import Code, Refused

_MAKERS: dict[str, Callable[[], PrivateKey]] = {
    "rsa-2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa-3072": lambda: rsa.generate_private_key(65537, 3072),
    "rsa-4096": lambda: rsa.generate_private_key(65537, 4096),
    "ec-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ec-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


async def generate_key(algorithm: str) -> GeneratedKey:
    """`application.issuer_ports.KeyMaker`. RSA takes up to seconds: in a thread, where the GIL is released."""
    make = _MAKERS.get(algorithm)
    if make is None:
        sentence = f"Keys can be made as {', '.join(_MAKERS)}."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/key_algorithm")
    key = await asyncio.to_thread(make) if algorithm.startswith("rsa") else make()
    return GeneratedKey(to_pkcs8(key), spki(key))
