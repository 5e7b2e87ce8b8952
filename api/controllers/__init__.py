"""Handlers of the REST API: body and caller become a command, its outcome becomes the answer."""
