"""Target systems."""
