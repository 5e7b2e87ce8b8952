"""A real provider of OpenID Connect (npm oidc-provider) beside a test, and the browser of somebody who uses it."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from joserfc.jwk import ECKey, RSAKey

from adapters.demo.ports import free_port
from tests.support.components import require

SECRET = "a secret of forty characters and not less"
PROGRAM = Path(__file__).parent / "oidc_provider.mjs"


def new_keys(kid: str) -> dict[str, Any]:
    """A private key set as the provider signs with it."""
    keys = (RSAKey.generate_key(2048, {"kid": f"{kid}-rsa", "use": "sig"}, private=True),)
    more = (ECKey.generate_key("P-256", {"kid": f"{kid}-ec", "use": "sig"}, private=True),)
    return {"keys": [key.as_dict(private=True) for key in (*keys, *more)]}


@contextmanager
def provider(
    directory: Path, redirect_uri: str, people: dict[str, dict[str, Any]], keys: dict[str, Any], port: int = 0
) -> Iterator[str]:
    """A running provider with these people; its issuer."""
    port = port or free_port("127.0.0.1")
    config = directory / f"provider-{port}.json"
    config.write_text(json.dumps({"redirect_uri": redirect_uri, "jwks": keys, "people": people}))
    command = ["node", str(PROGRAM), str(require("oidc-provider")), str(port), str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            assert "ready" in iter(process.stdout.readline, "ready\n") or process.poll() is None
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


async def sign_in_there(url: str, login: str) -> str:
    """What the provider sends the browser back to, after somebody signed in there and agreed."""
    async with httpx.AsyncClient(timeout=30) as browser:
        answer = await browser.get(url)
        for _ in range(12):
            if answer.is_redirect:
                where = urljoin(str(answer.url), answer.headers["Location"])
                if "/login/oidc/callback" in where:
                    return where
                answer = await browser.get(where)
                continue
            form = re.search(r'action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert form, answer.text
            assert prompt, answer.text
            data = {"prompt": prompt[1]} | ({"login": login, "password": "any"} if prompt[1] == "login" else {})
            answer = await browser.post(urljoin(str(answer.url), form[1]), data=data)
    raise AssertionError("the provider never sent the browser back")
