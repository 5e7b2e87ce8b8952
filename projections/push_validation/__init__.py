"""Push operations and the Push Validation Report."""
