"""Calls to AWS by its own SDK (botocore, the extra `aws`), and what its errors mean. Imported at the first use only."""

import asyncio
from collections.abc import Mapping
from typing import Any

from bridge.drivers.failure import DriverFailure
from bridge.protocol import FailureCause
from bridge.store_config import AwsAccount

_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_INVALID = {"ValidationException", "ValidationError", "InvalidParameterException", "InvalidArgsException"}


class Acm:
    """One client of botocore, which is synchronous and may be used from several threads."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def call(
        self, operation: str, *, changes: bool = False, missing: dict[str, Any] | None = None, **given: Any
    ) -> dict[str, Any]:
        """The answer of an operation; `missing` where there is no such certificate. DriverFailure.

        `changes`: an answer that got lost leaves unclear whether it happened.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = await asyncio.to_thread(getattr(self._client, operation), **given)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException" and missing is not None:
                return missing
            raise _refused(operation, error.response) from None
        except BotoCoreError as error:
            raise _broken(operation, error, changes=changes) from None
        return answer


def connect(account: AwsAccount) -> Acm:
    """A client for an account. DriverFailure where the SDK is not installed or the configuration does not suit it."""
    try:
        from botocore.config import Config as Options
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ImportError:
        message = "This bridge is installed without the AWS SDK: install certferry[aws]."
        raise DriverFailure(FailureCause.UNKNOWN, message) from None
    seconds = account.timeout_seconds
    options = Options(connect_timeout=seconds, read_timeout=seconds, retries={"mode": "standard"})
    try:
        session = Session(profile=account.profile)
        if account.credentials_file is not None:
            session.set_config_variable("credentials_file", account.credentials_file)
        client = session.create_client(
            "acm",
            region_name=account.region,
            endpoint_url=account.endpoint_url,
            verify=account.ca_file,
            config=options,
        )
    except (BotoCoreError, ValueError) as error:
        raise DriverFailure(FailureCause.PERMISSION_DENIED, f"AWS cannot be used: {error}") from None
    return Acm(client)


def _refused(operation: str, response: Mapping[str, Any]) -> DriverFailure:
    error, status = response.get("Error", {}), response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = error.get("Code", "Unknown")
    cause = FailureCause.UNKNOWN
    if code in _DENIED or status in {401, 403}:
        cause = FailureCause.PERMISSION_DENIED
    elif code in _INVALID and operation == "import_certificate":
        cause = FailureCause.INVALID_CERTIFICATE_OR_KEY
    return DriverFailure(cause, f"ACM refuses {operation}: {code}: {error.get('Message', '')}")


def _broken(operation: str, error: Exception, *, changes: bool) -> DriverFailure:
    from botocore.exceptions import (
        ConnectionError as NotConnected,
    )
    from botocore.exceptions import (
        CredentialRetrievalError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
    )

    if isinstance(error, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError | ProfileNotFound):
        return DriverFailure(FailureCause.PERMISSION_DENIED, f"There are no credentials for AWS: {error}")
    silent = isinstance(error, HTTPClientError | NotConnected)
    cause = FailureCause.TARGET_UNREACHABLE if silent else FailureCause.UNKNOWN
    message = f"AWS does not answer to {operation}: {error}"
    return DriverFailure(cause, message, written=None if changes and not isinstance(error, NotConnected) else False)
