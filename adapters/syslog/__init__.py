"""Messages to syslog receivers (RFC 5424)."""
