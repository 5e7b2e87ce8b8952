"""How long each certificate was seen at each place, and how long a place showed a wrong one."""
