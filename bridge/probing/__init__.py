"""Looking at what endpoints serve: real TLS handshakes with untrusted peers, inside limits that whoever runs it sets.

The control plane and the bridge look with the same code.
"""
