"""What Schemathesis cannot know: bodies of OCSP are octets."""

import schemathesis

schemathesis.serializer.alias("application/ocsp-request", "application/octet-stream")
