"""What target systems were called, and when they were retired."""
