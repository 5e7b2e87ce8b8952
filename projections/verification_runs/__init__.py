"""Verification runs."""
