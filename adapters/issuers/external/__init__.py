"""Orders through CAs that have an interface of their own, or none."""
