"""What endpoints served before."""
