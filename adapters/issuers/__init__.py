"""Certificate authorities: our own, and the ones we ask."""
