"""How the bridge installs certificates on target systems."""
