"""Discoveries."""
