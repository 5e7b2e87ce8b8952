"""The topology of one certificate."""
