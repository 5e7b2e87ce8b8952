"""Certificate orders."""
