"""What people tried and were refused, because of four eyes, a changed digest or a missing role."""
