"""The inventory: certificates."""
