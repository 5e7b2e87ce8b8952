"""What single kinds of service have of their own: a file in another shape, a call to their own interface."""
