"""How people prove who they are: hashed passwords, a provider's word."""
