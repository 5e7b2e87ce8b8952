"""What was decided on each push, by whom, at which position."""
