"""The TLS door of the control plane for bridges: mutual TLS ended in this process, nothing forwarded in headers."""

from adapters.bridge_listener.peer import PEER_CERTIFICATE, peer_certificate
from adapters.bridge_listener.serving import serve_bridge_app
from adapters.bridge_listener.tls import bridge_tls_context

__all__ = ["PEER_CERTIFICATE", "bridge_tls_context", "peer_certificate", "serve_bridge_app"]
