"""The shapes of the REST API: request and answer bodies, as msgspec Structs."""
