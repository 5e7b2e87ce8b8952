"""Report schedules, and what was delivered."""
