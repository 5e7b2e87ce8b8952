"""Certificates and keys from outside: reading them without trusting a byte."""
