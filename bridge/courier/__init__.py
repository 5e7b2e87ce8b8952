"""The Courier: a pull client that orders certificates and installs them on its own host."""
