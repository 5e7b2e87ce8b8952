"""What holds for many routes, as parts of the description."""

from typing import Any

from api.problems import KINDS, MEDIA_TYPE

INTRODUCTION = """\
Everything certferry does, its pages included, goes through this API.

* **Problems** (RFC 9457): every error is `application/problem+json`; `type` leads to a page about it.
* **Versions**: every single resource has an `ETag`; commands accept `If-Match`, PATCH, PUT and DELETE require it.
* **Repeating**: a POST with an `Idempotency-Key` can be repeated safely and gets the same answer.
* **Reading your writes**: commands answer with `Event-Position`. A read waits a little for what was acknowledged
  before and says in `Read-Position` up to which position it shows everything, at least; `min_position` makes it 503
  where that is not enough.
* **Lists** are paged by `cursor`; as `application/x-ndjson` or `text/csv` they stream whole.
* **The past**: every GET on read models accepts `as_of` or `as_of_position`; the answer names its moment.
* **Long work** answers 202 with the `Location` of the resource that shows how it goes.
"""

TAGS = {
    "Certificates": "The inventory: import, find, describe, download.",
    "Connectors": "A certificate on a target system, with its four independent states.",
    "Pushing": "Requests, work orders, approvals, implementation.",
    "Orders": "Certificate orders at a provider.",
    "Replacements": "Many certificates replaced as one operation: which ones, how far it is, what became of each.",
    "Providers": "CAs outside that orders go through.",
    "Issuance policies": "Rules that orders are held against: keys, validity, names, providers, who may ask.",
    "Approval policies": "How many people must agree to a push, who, and for how long that holds.",
    "Standing approvals": "Agreed on in advance by two people: renewals that are pushed without further clicks.",
    "Acme clients": "Programs that order through ACME: who may open accounts, accounts, orders.",
    "Target systems": "Devices that certificates are installed on.",
    "Bridges": "Agents near the targets, and what they find there.",
    "Verification": "Is what was pushed what is served?",
    "Reports": "History for auditors: each report as of any moment, every number with its ledger positions.",
    "Report schedules": "Which reports are sent to whom, and when; what was delivered, and what was not.",
    "Audit": "The ledger: every event, by whom, in which order.",
    "Alerts": "What a person should look at, and how early expiry is told of.",
    "Notification channels": "Where people are told of alerts: mail and webhooks; what was sent, and how it went.",
    "Webhooks": "Events are posted to them as they happen; what was sent, and how it went.",
    "Principals": "People and programs, roles, tokens.",
    "Legal holds": "Whose personal texts must not be erased, and why.",
    "System": "The service itself.",
}
_TAGS_OF_MODULES = {
    "renewing": "Certificates",
    "revoking": "Certificates",
    "pki": "System",
    "problem_types": "System",
    "event_schemas": "Audit",
    "expiry_alert_rules": "Alerts",
    "webhook_deliveries": "Webhooks",
    "work_orders": "Pushing",
    "audit_events": "Audit",
    "audit_proofs": "Audit",
    "changes": "Audit",
    "evidence": "Audit",
    "pfx_exports": "Certificates",
    "push_validation": "Reports",
    "endpoint_history": "Verification",
    "role_grants": "Principals",
}


OTHER_SUCCESSES = {
    "grantRole": {"202": "It was proposed, and waits for a second person; `Location` says where."},
}
"""Of operations that may end well in more than one way, beside the usual one."""


def tag_of(module: str) -> str:
    """The tag of a handler, by the file it is in."""
    name = module.rpartition(".")[2]
    return _TAGS_OF_MODULES.get(name, name.replace("_", " ").capitalize())


SECURITY_SCHEMES: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API token: `cf_<id>_<secret>`."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "certferry_session",
        "description": "A signed-in browser (over https: `__Host-…`); unsafe requests also need `X-CSRF-Token`.",
    },
}

_MEANINGS = {
    "400": "The request cannot be read.",
    "401": "No valid credentials.",
    "403": "No role of the caller allows it, or four eyes stop it.",
    "404": "There is no such thing.",
    "406": "None of the media types in Accept is spoken here.",
    "409": "Not possible now; `type` says why.",
    "410": "It was used already, or is too old.",
    "412": "It has changed since the version in If-Match.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "Not valid; `errors` lists what.",
    "428": "If-Match is required.",
    "500": "Something went wrong here.",
    "503": "Not available for the moment; `Retry-After` says when to try again.",
}
SUCCESSES = {
    "200": "Here it is.",
    "201": "It was made; `Location` says where it is.",
    "202": "It was taken on; `Location` says where to see how it goes.",
    "204": "It was done.",
}
_STRING = {"type": "string"}
_ETAG = {"ETag": {"description": "The version, for If-Match.", "schema": _STRING, "example": '"3"'}}
_READ_POSITION = {
    "Read-Position": {
        "description": "Everything up to this ledger position is in the answer, perhaps some of what came after it.",
        "schema": {"type": "integer"},
    }
}
_POSITION = {
    "Event-Position": {"description": "The ledger position to read with `min_position`.", "schema": {"type": "integer"}}
}
_LOCATION = {
    "Location": {"description": "Where the resource is.", "schema": {"type": "string", "format": "uri-reference"}}
}
_MOMENT = {
    "Memento-Datetime": {"description": "With as_of: the moment of the answer (RFC 7089).", "schema": _STRING},
    "As-Of-Position": {"description": "With as_of: the ledger position of the answer.", "schema": {"type": "integer"}},
}
SHARED_PARAMETERS = {"as_of": "AsOf", "as_of_position": "AsOfPosition", "min_position": "MinPosition"}
"""Query parameters that are described once, and the names of their descriptions."""
_LINK = {"Link": {"description": 'The next page (`rel="next"`), if there is one.', "schema": _STRING}}
_MOMENT = {
    "As-Of-Position": {"description": "The last ledger position that counts.", "schema": {"type": "integer"}},
    "Memento-Datetime": {"description": "The report's clock (RFC 7089).", "schema": _STRING},
}

_STREAMS = {"application/x-ndjson": {"schema": _STRING}, "text/csv": {"schema": _STRING}}
_PRINTED = {"text/csv": {"schema": _STRING}, "text/html": {"schema": _STRING}}
_CLOUD_EVENT = {"type": "object", "required": ["specversion", "id", "source", "type"], "additionalProperties": True}
_CLOUD_EVENTS = {"application/cloudevents-batch+json": {"schema": {"type": "array", "items": _CLOUD_EVENT}}}
_PEM = {"application/x-pem-file": {"schema": _STRING}}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_OCSP = {"application/ocsp-response": _BINARY}
_BYTES = {"application/octet-stream": _BINARY}
_TEXT = {"text/plain": {"schema": _STRING}}
_ZIP = {"application/zip": _BINARY}
_FURTHER: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("listCertificates", "listConnectors", "listConnectorsOfCertificate"), _STREAMS),
    **dict.fromkeys(("listWorkOrders", "listOrders", "listTargetSystems", "listBridges", "listDiscoveries"), _STREAMS),
    **dict.fromkeys(("listAlerts", "listPrincipals", "listRoleGrants", "listTokens"), _STREAMS),
    **dict.fromkeys(("listVerificationRuns", "listVerificationResults", "listCertificateEvents"), _STREAMS),
    **dict.fromkeys(
        ("listWebhooks", "listWebhookDeliveries", "listAcmeEabKeys", "listAcmeAccounts", "listAcmeOrders"), _STREAMS
    ),
    "diffAuditLog": _STREAMS,
    "listAuditEvents": _STREAMS | {"text/event-stream": {"schema": _STRING}} | _CLOUD_EVENTS,
    "getAuditEvent": {"application/cloudevents+json": {"schema": _CLOUD_EVENT}},
    "getTopology": {"image/svg+xml": {"schema": _STRING}},
    **dict.fromkeys(("getPushValidationReport", "getSeparationOfDutiesReport", "getUnapprovedPushesReport"), _PRINTED),
    **dict.fromkeys(
        ("getExposureReport", "getLeadTimesReport", "getExpiryReport", "getReviewReport", "getInventoryReport"),
        _PRINTED,
    ),
    "getAuditKey": _TEXT,
    "getProblemType": {"text/html": {"schema": _STRING}},
}
_ONLY: dict[str, dict[str, Any]] = {
    "downloadCertificate": _PEM,
    "getLocalCa": _PEM,
    "downloadPfx": {"application/x-pkcs12": {"schema": {"type": "string", "format": "binary"}}},
    "getCaCertificate": {"application/pkix-cert": _BINARY},
    "getCrl": {"application/pkix-crl": _BINARY},
    **dict.fromkeys(("askOcsp", "postOcsp"), _OCSP),
    "getAuditEventPayload": _BYTES,
    "getAuditEventLeaf": _BYTES,
    "exportAuditLog": _ZIP,
    "getWorkOrderEvidence": _ZIP,
    **dict.fromkeys(("getAuditTile", "getAuditEntries"), _BYTES),
    **dict.fromkeys(("getAuditCheckpoint", "getOlderAuditCheckpoint", "getAuditEventProof"), _TEXT),
    "getAuditTimestamp": {"application/timestamp-reply": _BINARY},
    "getEventSchema": {"application/schema+json": {"schema": {"type": "object"}}},
    "metrics": {"text/plain": {"schema": _STRING}},
}

RAW_BODIES = {"postOcsp": {"required": True, "content": {"application/ocsp-request": _BINARY}}}
"""Bodies that are not JSON, read as they come."""


def statuses(path: str, verb: str, *, public: bool) -> set[str]:
    """The statuses of problems that a route may answer with."""
    if not path.startswith("/api/"):
        named = {"404", "406"} if "{" in path or path.startswith("/pki/") else set[str]()
        return named | ({"413", "415"} if verb == "post" else set()) | {"500", "503"}
    found = {"422", "500", "503"} | (set() if public else {"401", "403"})
    if "{" in path:
        found.add("404")
    if verb == "get":
        return found | {"406"}
    found |= {"400", "409", "412", "413", "415"} | ({"410"} if path.endswith("/download") else set())
    return found | ({"428"} if verb in {"put", "patch", "delete"} else set())


def headers(path: str, verb: str, status: str, *, past: bool) -> dict[str, Any]:
    """The headers of an answer that went well; `past`: of a question that can be put to the past."""
    if not path.startswith("/api/"):
        return {}
    if verb == "get" and "/reports/" in path:
        return _MOMENT
    if verb == "get" and path.endswith("{delivery_id}"):
        return {}  # no aggregate
    if verb == "get":
        found = _ETAG if path.endswith("_id}") else _LINK if not path.endswith("}") else {}
        return _READ_POSITION | found | (_MOMENT if past else {})
    return _POSITION | (_ETAG if status != "202" else {}) | (_LOCATION if status in {"201", "202"} else {})


def add_media_types(operation_id: str, response: dict[str, Any]) -> None:
    """Further representations, and bodies that are not JSON."""
    if operation_id in _ONLY:
        response["content"] = _ONLY[operation_id]
    response.get("content", {}).update(_FURTHER.get(operation_id, {}))


def problem_responses() -> dict[str, Any]:
    """One response per status of a problem."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        f"Problem{status}": {"description": meaning, "content": content}
        for status, meaning in sorted(_MEANINGS.items())
    }


def problem_schema() -> dict[str, Any]:
    """RFC 9457, with the members that some types carry."""
    error = {
        "type": "object",
        "required": ["pointer", "detail"],
        "properties": {"pointer": _STRING, "detail": _STRING, "in": {"enum": ["query", "header", "path", "cookie"]}},
    }
    return {
        "type": "object",
        "description": "What went wrong (RFC 9457); `type` is `/problems/<slug>`.",
        "required": ["type", "title", "status", "detail", "instance"],
        "properties": {
            "type": {"enum": [f"/problems/{slug}" for slug in KINDS]},
            "title": _STRING,
            "status": {"type": "integer"},
            "detail": _STRING,
            "instance": _STRING,
            "errors": {"type": "array", "items": error},
            "current_status": _STRING,
            "allowed": {"type": "array", "items": _STRING},
        },
        "additionalProperties": True,
        "examples": [
            {
                "type": "/problems/approval-not-allowed",
                "title": KINDS["approval-not-allowed"].title,
                "status": 403,
                "detail": "You requested this push, so somebody else has to approve it (four eyes).",
                "instance": "/api/v1/work-orders/6a0e2f7c-2b5d-5d5c-9d0e-3c7a1f0b9e44/approve",
            }
        ],
    }
