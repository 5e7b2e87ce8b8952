"""Looking at what endpoints serve: real TLS handshakes with untrusted peers, inside limits the administrator sets."""
