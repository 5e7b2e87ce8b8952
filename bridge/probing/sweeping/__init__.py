"""Many endpoints, quickly: the first flight of a TLS 1.2 server shows its certificate and proves that it holds the key.

ServerKeyExchange is signed over our own random bytes (RFC 5246, 7.4.3; RFC 8422, 5.4), in clear, before any key is
agreed on. So one small message and one check of a signature do; what is not seen is the end of the handshake. Servers
that speak TLS 1.3 alone are asked once more, in `tls13`.
"""
