"""Targets without files: stores that hold certificates and are reached by an interface of their own."""
