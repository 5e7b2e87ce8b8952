"""What an endpoint was found to serve, from when until when."""
