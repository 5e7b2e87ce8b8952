"""New key pairs."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from adapters.x509.private_keys import PrivateKey, spki, to_pkcs8
from application.issuer_ports import GeneratedKey
from domain.errors import Code, Refused

_NICER = 3
_MAKERS: dict[str, Callable[[], PrivateKey]] = {
    "rsa-2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa-3072": lambda: rsa.generate_private_key(65537, 3072),
    "rsa-4096": lambda: rsa.generate_private_key(65537, 4096),
    "ec-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ec-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def _stand_back() -> None:
    """Let others come first: who waits for a key waits for seconds anyway. (Linux has priorities by thread.)"""
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + _NICER)


_threads = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) - 1), "key maker", _stand_back)
"""One processor stays free of them."""


async def generate_key(algorithm: str) -> GeneratedKey:
    """`application.issuer_ports.KeyMaker`. RSA takes up to seconds: in a thread, where the GIL is released."""
    make = _MAKERS.get(algorithm)
    if make is None:
        sentence = f"Keys can be made as {', '.join(_MAKERS)}."
        raise Refused(Code.VALIDATION_FAILED, sentence, pointer="/key_algorithm")
    slow = algorithm.startswith("rsa")
    key = await asyncio.get_running_loop().run_in_executor(_threads, make) if slow else make()
    return GeneratedKey(to_pkcs8(key), spki(key))
