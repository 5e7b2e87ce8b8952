"""Servers that speak TLS 1.3 alone, up to CertificateVerify (RFC 8446): one message of ours, and what comes back.

The certificate is encrypted there, so a key is agreed on first. The signature is over everything that was said until
then, our random bytes among it. What is not seen is the server's Finished; who cannot have agreed on the key cannot
have encrypted what was read.
"""
