"""The control plane's side of the bridge protocol (bridge/protocol.py), on a listener of its own with mutual TLS."""
