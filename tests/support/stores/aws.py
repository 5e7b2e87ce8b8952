"""moto's server, which answers as AWS does, and a client of AWS's own SDK to look at it.

Its own limits: it takes any key with any certificate, and knows signatures and permissions only when it is told to.
"""

import contextlib
import json
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.session import Session
from moto.acm.models import AWS_ROOT_CA

from bridge.config import Config
from bridge.drivers.stores.aws import PLACE
from bridge.store_config import AwsAccount
from tests.bridge.deploying import AUTHORITY
from tests.support.services.base import free_port
from tests.support.stores.base import Held, StoreServer, running

REGION = "eu-central-1"
_ANYBODY = "any"
_MAY_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "acm:*", "Resource": "*"}]}


class Aws(StoreServer):
    """An account."""

    kind = "aws_acm"

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self._directory = directory
        self.hidden = (_ANYBODY + "-secret",)
        self.acm = self._client("acm")
        self._write_credentials(_ANYBODY, _ANYBODY + "-secret")

    def settings(self, name: str) -> dict[str, Any]:
        return {"account": "main", "place": name}

    def config(self, **changes: Any) -> Config:
        told: dict[str, Any] = {
            "region": REGION,
            "endpoint_url": self.url,
            "timeout_seconds": 120,
            "credentials_file": str(self._directory / "credentials"),
        }
        return Config(aws={"main": AwsAccount(**(told | changes))})

    def held(self, name: str) -> Held | None:
        for arn in self.arns():
            tags = self.acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]
            if {"Key": PLACE, "Value": name} in tags:
                return Held(arn, self._chain(arn))
        return None

    def everything(self) -> object:
        shown = [self.acm.describe_certificate(CertificateArn=arn)["Certificate"] for arn in self.arns()]
        return sorted((each["CertificateArn"], each["Serial"], str(each["ImportedAt"])) for each in shown)

    def spoil(self, name: str) -> None:
        """Another certificate is imported there by hand."""
        found = self.held(name)
        assert found is not None
        self.by_hand(CertificateArn=found.reference)

    def by_hand(self, **given: Any) -> str:
        """Import something without the bridge."""
        other = AUTHORITY.server("by-hand.example")
        arn: str = self.acm.import_certificate(
            Certificate=other.pem.encode(), PrivateKey=other.key_pem.encode(), **given
        )["CertificateArn"]
        return arn

    def arns(self) -> list[str]:
        listed = self.acm.list_certificates(Includes={"keyTypes": ["RSA_2048", "EC_prime256v1"]})
        return [each["CertificateArn"] for each in listed["CertificateSummaryList"]]

    @contextlib.contextmanager
    def looking_at_permissions(self, actions: dict[str, Any]) -> Iterator[None]:
        """Within the block signatures and permissions count, and the bridge may do what a policy's statement says."""
        iam = self._client("iam")
        iam.create_user(UserName="bridge")
        statement = {"Effect": "Allow", "Resource": "*"} | actions
        iam.put_user_policy(
            UserName="bridge", PolicyName="p", PolicyDocument=json.dumps(_MAY_ALL | {"Statement": [statement]})
        )
        key = iam.create_access_key(UserName="bridge")["AccessKey"]
        self._write_credentials(key["AccessKeyId"], key["SecretAccessKey"])
        self._check_after(0)
        try:
            yield
        finally:
            self._check_after(1_000_000)
            self._write_credentials(_ANYBODY, _ANYBODY + "-secret")
            iam.delete_access_key(UserName="bridge", AccessKeyId=key["AccessKeyId"])
            iam.delete_user_policy(UserName="bridge", PolicyName="p")
            iam.delete_user(UserName="bridge")

    def _check_after(self, actions: int) -> None:
        request = urllib.request.Request(f"{self.url}/moto-api/reset-auth", data=str(actions).encode(), method="POST")
        request.add_header("Content-Type", "text/plain")
        with urllib.request.urlopen(request, timeout=30):
            pass

    def _write_credentials(self, identity: str, secret: str) -> None:
        text = f"[default]\naws_access_key_id = {identity}\naws_secret_access_key = {secret}\n"
        (self._directory / "credentials").write_text(text)

    def _chain(self, arn: str) -> str:
        """Without the root of Amazon's that moto adds to every chain."""
        shown = self.acm.get_certificate(CertificateArn=arn)
        above = shown.get("CertificateChain", "").replace(AWS_ROOT_CA.decode(), "").strip()
        return str(shown["Certificate"]) + (f"{above}\n" if above else "")

    def _client(self, service: str) -> Any:
        return Session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # moto's
        )


@contextlib.contextmanager
def running_aws() -> Iterator[Aws]:
    """A server with nothing in it."""
    with tempfile.TemporaryDirectory(prefix="certferry-aws-") as name:
        directory, port = Path(name), free_port()
        url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=30):
                    return True
            except OSError:
                return False

        argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        with running(argv, directory / "log", answers, {"HOME": name}):
            yield Aws(url, directory)
